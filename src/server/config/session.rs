//! `[session]`: the transports and their times, and how long a session lives.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use super::section::{Key, Section, all_quoted, put};
use super::setting::Reload;
use crate::protocol::Transport;
use crate::protocol::limits::Limits;
use crate::session::server::Settings;

/// The section `[session]`: the transports and their times, and how long a session lives.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use throughline::{BadOffer, Config, Transport};
///
/// let mut config = Config::default();
/// config.session.transports = Transport::offer(&[Transport::Sse, Transport::Poll])?;
/// config.session.poll_hold = Duration::from_secs(20);
/// # Ok::<(), BadOffer>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Session {
    /// The transports that the gateway offers, best first. Default all.
    pub transports: Arc<[Transport]>,
    /// The time over which clients spread their change when their transport is withdrawn. Default 3 s.
    pub switch_jitter: Duration,
    /// The interval at which the gateway pings sockets and streams. The bound on their silence follows from it. Default
    /// 15 s.
    pub heartbeat: Duration,
    /// The longest time that the gateway holds a poll. Default 25 s.
    pub poll_hold: Duration,
    /// How long a session lives without a leg. Default 120 s.
    pub resume: Duration,
    /// The maximum number of attaches and turn requests in a minute. The protocol names the number, so no key of the
    /// file sets it.
    pub attaches_a_minute: u32,
    /// The bounds that the client learns. The protocol names them, so no key of the file sets them.
    pub limits: Limits,
}

impl Default for Session {
    fn default() -> Self {
        let Settings { limits, heartbeat, hold, resume, attaches_a_minute, transports } = Settings::default();
        Self {
            transports,
            switch_jitter: Duration::from_secs(3),
            heartbeat,
            poll_hold: hold,
            resume,
            attaches_a_minute,
            limits,
        }
    }
}

impl Session {
    /// Returns the settings that all sessions share.
    #[must_use]
    pub(in crate::server) fn settings(&self) -> Settings {
        Settings {
            limits: self.limits,
            heartbeat: self.heartbeat,
            hold: self.poll_hold,
            resume: self.resume,
            attaches_a_minute: self.attaches_a_minute,
            transports: Arc::clone(&self.transports),
        }
    }
}

impl Section for Session {
    const TABLE: &'static str = "session";
    const ABOUT: &'static str = "The transports and their times, and how long a session lives.";
    const KEYS: &'static [Key<Self>] = &[
        Key {
            name: "transports",
            about: "The transports that the gateway offers, best first. It refuses new connections by any other. \
                    Leave one out while it does harm.",
            example: r#"["websocket", "sse", "poll"]"#,
            bounds: None,
            reload: Reload::AtOnce,
            read: |session, given| {
                let named = given.list(Transport::from_str)?;
                put(&mut session.transports, Transport::offer(&named).map_err(|why| given.fault(why)))
            },
            show: |session| all_quoted(&session.transports),
        },
        Key {
            name: "switch_jitter_s",
            about: "The time over which clients spread their change when a reload withdraws their transport. Raise it \
                    for more clients.",
            example: "3",
            bounds: Some(0..=3600),
            reload: Reload::AtOnce,
            read: |session, given| put(&mut session.switch_jitter, given.seconds()),
            show: |session| session.switch_jitter.as_secs().to_string(),
        },
        Key {
            name: "heartbeat_s",
            about: "How often the gateway pings sockets and streams. Lower it if something on the path cuts idle \
                    connections earlier.",
            example: "15",
            bounds: Some(5..=30),
            reload: Reload::NewSessions,
            read: |session, given| put(&mut session.heartbeat, given.seconds()),
            show: |session| session.heartbeat.as_secs().to_string(),
        },
        Key {
            name: "poll_hold_s",
            about: "How long the gateway holds a poll. Lower it behind a proxy that cuts earlier.",
            example: "25",
            bounds: Some(1..=120),
            reload: Reload::NewSessions,
            read: |session, given| put(&mut session.poll_hold, given.seconds()),
            show: |session| session.poll_hold.as_secs().to_string(),
        },
        Key {
            name: "resume_s",
            about: "How long a session lives without a connection. It keeps up to 1 MB meanwhile. Raise it for clients \
                    that are away longer.",
            example: "120",
            bounds: Some(1..=86_400),
            reload: Reload::Restart,
            read: |session, given| put(&mut session.resume, given.seconds()),
            show: |session| session.resume.as_secs().to_string(),
        },
    ];
}
