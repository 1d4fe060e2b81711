//! What an operator may set. Read from the command line and a TOML file, checked once into values that cannot be wrong.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;

use super::forwarded::Prefix;
use super::gate::AllowedOrigin;
use crate::broker::Retention;
use crate::hub::Bounds;
use crate::protocol::Transport;
use crate::session::server::Settings;

/// A whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen. Default 127.0.0.1:8080; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Serve beyond loopback although nobody is authenticated.
    pub open: bool,
    /// Origins and hosts that are welcome beside loopback.
    pub origins: Vec<AllowedOrigin>,
    /// Proxies whose `X-Forwarded-For` is believed. Default none.
    pub trusted_proxies: Vec<Prefix>,
    /// WebSocket messages and answers of polls are compressed for clients that take that. Default no: docs/BENCHMARKS.md says what it costs.
    pub compression: bool,
    /// Clients on a transport that is withdrawn while the gateway runs spread their change over this. Default 3 s.
    pub switch_jitter: Duration,
    /// A stop waits at most this long for clients to leave. Default 10 s.
    pub drain: Duration,
    /// Sessions at one time; above, clients are told to come back. Default 100,000.
    pub sessions: usize,
    /// Connections at one time; above, they wait to be accepted. Default 50,000.
    pub connections: usize,
    /// What all sessions have in common.
    pub session: Settings,
    /// Bounds of channels and history.
    pub channels: Bounds,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            open: false,
            origins: Vec::new(),
            trusted_proxies: Vec::new(),
            compression: false,
            switch_jitter: Duration::from_secs(3),
            drain: Duration::from_secs(10),
            sessions: 100_000,
            connections: 50_000,
            session: Settings::default(),
            channels: Bounds::default(),
        }
    }
}

/// The file's keys; each overrides a default. An unknown key is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    listen: Option<SocketAddr>,
    open: Option<bool>,
    origins: Vec<String>,
    trusted_proxies: Vec<String>,
    compression: Option<bool>,
    transports: Option<Vec<String>>,
    switch_jitter_s: Option<u64>,
    drain_s: Option<u64>,
    heartbeat_s: Option<u64>,
    poll_hold_s: Option<u64>,
    resume_s: Option<u64>,
    sessions: Option<usize>,
    connections: Option<usize>,
    history_messages: Option<usize>,
    history_s: Option<u64>,
    history_bytes: Option<usize>,
    all_history_bytes: Option<usize>,
    channels: Option<usize>,
}

impl Config {
    /// Reads a file's text over the defaults.
    ///
    /// # Errors
    /// A sentence that says which key is wrong and what it may be.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut config = Self::default();
        config.listen = file.listen.unwrap_or(config.listen);
        config.open = file.open.unwrap_or(false);
        config.origins = file.origins.iter().map(|origin| origin.parse()).collect::<Result<_, _>>()?;
        config.trusted_proxies = file.trusted_proxies.iter().map(|proxy| proxy.parse()).collect::<Result<_, _>>()?;
        config.compression = file.compression.unwrap_or(config.compression);
        config.switch_jitter = seconds("switch_jitter_s", file.switch_jitter_s, config.switch_jitter, 0..=3600)?;
        config.drain = seconds("drain_s", file.drain_s, config.drain, 0..=3600)?;
        config.sessions = within("sessions", file.sessions, config.sessions, 1..=10_000_000)?;
        config.connections = within("connections", file.connections, config.connections, 1..=10_000_000)?;
        let session = &mut config.session;
        session.heartbeat = seconds("heartbeat_s", file.heartbeat_s, session.heartbeat, 5..=30)?;
        session.hold = seconds("poll_hold_s", file.poll_hold_s, session.hold, 1..=120)?;
        session.resume = seconds("resume_s", file.resume_s, session.resume, 1..=86_400)?;
        if let Some(names) = file.transports {
            let named: Vec<Transport> = names.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
            session.transports = Transport::offer(&named)?;
        }
        let kept: &mut Retention = &mut config.channels.retention;
        kept.messages = file.history_messages.unwrap_or(kept.messages);
        kept.age = seconds("history_s", file.history_s, kept.age, 0..=86_400)?;
        kept.bytes = file.history_bytes.unwrap_or(kept.bytes);
        let channels = &mut config.channels;
        channels.all_history_bytes = file.all_history_bytes.unwrap_or(channels.all_history_bytes);
        channels.channels = file.channels.unwrap_or(channels.channels);
        Ok(config)
    }

    /// The keys whose values differ from those of `other` and can only be changed by a restart.
    #[must_use]
    pub fn needs_restart(&self, other: &Self) -> Vec<&'static str> {
        let (kept, others) = (&self.channels.retention, &other.channels.retention);
        let differs = [
            ("listen", self.listen != other.listen),
            ("open", self.open != other.open),
            ("origins", self.origins != other.origins),
            ("trusted_proxies", self.trusted_proxies != other.trusted_proxies),
            ("compression", self.compression != other.compression),
            ("drain_s", self.drain != other.drain),
            ("resume_s", self.session.resume != other.session.resume),
            ("sessions", self.sessions != other.sessions),
            ("connections", self.connections != other.connections),
            ("history_messages", kept.messages != others.messages),
            ("history_s", kept.age != others.age),
            ("history_bytes", kept.bytes != others.bytes),
            ("all_history_bytes", self.channels.all_history_bytes != other.channels.all_history_bytes),
            ("channels", self.channels.channels != other.channels.channels),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }

    /// Whether this may be served at all.
    ///
    /// # Errors
    /// Why not, and what to do: beyond loopback nobody is let in unauthenticated unless that is asked for by name.
    pub fn check(&self) -> Result<(), String> {
        if self.listen.ip().is_loopback() || self.open {
            return Ok(());
        }
        Err(format!(
            "{} is reachable from other machines, and nobody is authenticated. \
             Listen on 127.0.0.1, or say --open if everybody who can reach it may publish and read everything.",
            self.listen
        ))
    }
}

fn seconds(key: &str, given: Option<u64>, default: Duration, allowed: RangeInclusive<u64>) -> Result<Duration, String> {
    within(key, given, default.as_secs(), allowed).map(Duration::from_secs)
}

fn within<T: PartialOrd + Display>(
    key: &str,
    given: Option<T>,
    default: T,
    allowed: RangeInclusive<T>,
) -> Result<T, String> {
    match given {
        Some(value) if !allowed.contains(&value) => {
            Err(format!("{key} = {value}: it may be {} to {}", allowed.start(), allowed.end()))
        }
        given => Ok(given.unwrap_or(default)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_overrides_defaults_and_a_wrong_key_is_named() {
        let config = Config::from_toml("listen = '127.0.0.1:0'\nheartbeat_s = 5\ntransports = ['sse']").unwrap();
        assert_eq!((config.listen.port(), config.session.heartbeat), (0, Duration::from_secs(5)));
        assert_eq!(*config.session.transports, [Transport::Sse]);
        for (text, key) in [
            ("hart = 1", "hart"),
            ("heartbeat_s = 99", "heartbeat_s"),
            ("transports = ['x']", "\"x\""),
            ("transports = []", "transports"),
            ("transports = ['sse', 'sse']", "twice"),
            ("connections = 0", "connections"),
            ("switch_jitter_s = 3601", "switch_jitter_s"),
            ("trusted_proxies = ['proxy']", "\"proxy\""),
        ] {
            assert!(Config::from_toml(text).unwrap_err().contains(key), "{text}");
        }
    }

    /// A key that is neither applied nor named would be passed over in silence.
    #[test]
    fn every_key_is_applied_at_run_time_or_needs_a_restart() {
        let changed = "listen = '127.0.0.1:1'\nopen = true\norigins = ['http://a']\ntrusted_proxies = ['::1']\n\
            compression = true\ndrain_s = 1\nresume_s = 1\nsessions = 1\nconnections = 1\nhistory_messages = 1\nhistory_s = 1\n\
            history_bytes = 1\nall_history_bytes = 1\nchannels = 1";
        let applied = "transports = ['poll']\nswitch_jitter_s = 1\nheartbeat_s = 5\npoll_hold_s = 1";
        let read = |text: &str| Config::from_toml(text).unwrap();
        let named = Config::default().needs_restart(&read(&format!("{changed}\n{applied}")));
        assert_eq!(named, changed.lines().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>());
        assert!(Config::default().needs_restart(&read(applied)).is_empty());
        let keys = include_str!("config.rs").split_once("struct File {").unwrap().1.split_once('}').unwrap().0;
        assert_eq!(keys.matches(':').count(), changed.lines().count() + applied.lines().count());
    }

    #[test]
    fn beyond_loopback_without_open_is_refused() {
        let mut config = Config { listen: SocketAddr::from(([0, 0, 0, 0], 80)), ..Config::default() };
        assert!(config.check().unwrap_err().contains("--open"));
        config.open = true;
        assert_eq!(config.check(), Ok(()));
    }
}
