//! `[session]`: the transports and their times, and how long a session lives.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use super::section::{Key, Section, all_quoted, put};
use super::setting::Reload;
use crate::protocol::Transport;
use crate::protocol::limits::Limits;
use crate::session::server::Settings;

/// See the module.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Session {
    /// The transports offered, best first. Default all.
    pub transports: Arc<[Transport]>,
    /// Clients on a transport that is withdrawn while the gateway runs spread their change over this. Default 3 s.
    pub switch_jitter: Duration,
    /// The gateway pings a socket or a stream that often, and judges their silence by it.
    pub heartbeat: Duration,
    /// A poll is held at most this long.
    pub poll_hold: Duration,
    /// A session lives this long without a leg.
    pub resume: Duration,
    /// Attaches and turn requests allowed in a minute. The protocol names them, so no key of the file sets them.
    pub attaches_a_minute: u32,
    /// Bounds told to the client. The protocol names them, so no key of the file sets them.
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
    /// What all sessions have in common.
    #[must_use]
    pub fn settings(&self) -> Settings {
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
            about: "The transports that the gateway offers, best first. It refuses new connections by any other.",
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
            about: "The time over which clients spread their change when a reload withdraws their transport.",
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
            about: "How long a session lives without a connection. Each keeps up to 1 MB meanwhile.",
            example: "120",
            bounds: Some(1..=86_400),
            reload: Reload::Restart,
            read: |session, given| put(&mut session.resume, given.seconds()),
            show: |session| session.resume.as_secs().to_string(),
        },
    ];
}
