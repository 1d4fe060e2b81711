//! What an operator may set. Read from the command line and a TOML file, checked once into values that cannot be wrong.

mod fault;
mod keys;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeString, DeTable};

use self::fault::Fault;
pub use self::fault::{BadFile, Wrong};
use self::keys::{KEYS, Key};
use super::forwarded::Prefix;
use super::gate::AllowedOrigin;
use crate::hub::Bounds;
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
    /// Sessions at one time; above, clients are answered `full` and come back. Default 100,000.
    pub sessions: usize,
    /// Connections at one time; above, requests are answered `full`, but for those after our health. Default 50,000.
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

impl Config {
    /// Reads a file's text over the defaults.
    ///
    /// # Errors
    /// Says where the text is wrong, why, and what to write instead.
    pub fn from_toml(text: &str) -> Result<Self, BadFile> {
        read(text).map_err(|fault| fault.show(text))
    }

    /// Every key with its value, as a file would have it.
    #[must_use]
    pub fn values(&self) -> Vec<(&'static str, String)> {
        KEYS.iter().map(|key| (key.name, (key.show)(self))).collect()
    }

    /// The keys whose values `other` has changed: those that can change at run time, and those that only a restart changes.
    #[must_use]
    pub fn changes(&self, other: &Self) -> (Vec<Change>, Vec<Change>) {
        let changed =
            KEYS.iter().map(|key| (key, Change { key: key.name, from: (key.show)(self), to: (key.show)(other) }));
        let (now, later): (Vec<_>, Vec<_>) =
            changed.filter(|(_, change)| change.from != change.to).partition(|(key, _)| key.at_run_time);
        let changes = |changed: Vec<(&Key, Change)>| changed.into_iter().map(|(_, change)| change).collect();
        (changes(now), changes(later))
    }

    /// What can be meant, but hardly is.
    #[must_use]
    pub fn oddities(&self) -> Vec<String> {
        let (each, all) = (self.channels.retention.bytes, self.channels.all_history_bytes);
        let mut odd = Vec::new();
        if each > all {
            odd.push(format!(
                "`history_bytes` ({each}) is more than `all_history_bytes` ({all}), so no channel can keep as much: raise the latter"
            ));
        }
        odd
    }

    /// Whether this may be served at all.
    ///
    /// # Errors
    /// [`Exposed`], if it listens beyond loopback and is not `open`.
    pub fn check(&self) -> Result<(), Exposed> {
        if self.listen.ip().is_loopback() || self.open { Ok(()) } else { Err(Exposed(self.listen)) }
    }
}

/// A gateway at this address lets everybody in, and nobody asked for that by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is reachable from other machines, and nobody is authenticated. \
     Listen on 127.0.0.1, or say --open if everybody who can reach it may publish and read everything."
)]
pub struct Exposed(pub SocketAddr);

/// A key whose value another configuration has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub key: &'static str,
    from: String,
    to: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} (was {})", self.key, self.to, self.from)
    }
}

fn read(text: &str) -> Result<Config, Fault> {
    let table = DeTable::parse(text).map_err(|error| not_toml(text, &error))?;
    let mut config = Config::default();
    let faults = table.get_ref().iter().filter_map(|(name, value)| {
        let Some(key) = KEYS.iter().find(|key| key.name == name.get_ref()) else { return Some(unknown(name)) };
        let fault = (key.read)(&mut config, value).err()?;
        Some(fault.of(key.name).write(key.example))
    });
    match faults.min_by_key(Fault::start) {
        Some(first) => Err(first),
        None => Ok(config),
    }
}

fn unknown(name: &Spanned<DeString<'_>>) -> Fault {
    let known = KEYS.iter().map(|key| (strsim::jaro_winkler(name.get_ref(), key.name), key));
    let fault = Fault::new(name.span(), Wrong::UnknownKey(name.get_ref().to_string()));
    match known.max_by(|(one, _), (other, _)| one.total_cmp(other)) {
        Some((likeness, key)) if likeness > LIKE => fault.write(format!("{}, if that is meant", key.example)),
        _ => {
            let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
            fault.write(format!("one of these: {}", names.join(", ")))
        }
    }
}

/// Names more alike than this are a slip of the hand.
const LIKE: f64 = 0.8;

fn not_toml(text: &str, error: &toml::de::Error) -> Fault {
    let span = error.span().unwrap_or_default();
    let line = text[..text.floor_char_boundary(span.start)].lines().count().saturating_sub(1);
    let named = text.lines().nth(line).and_then(|line| line.split_once('=')).map(|(name, _)| name.trim());
    // What a parser expected says little to a person; what it found fault with does.
    let what = error.message().split(", expected").next().unwrap_or_default();
    if what == "duplicate key" {
        return Fault::new(span, Wrong::RepeatedKey).write("each key once");
    }
    let what = match what {
        "invalid float" | "invalid integer" | "string values must be quoted" => {
            "this is not a value; text must be in quotes"
        }
        other => other,
    };
    let fault = Fault::new(span, Wrong::Syntax(what.to_owned()));
    match KEYS.iter().find(|key| Some(key.name) == named) {
        Some(key) => fault.write(key.example),
        None => fault.write("key = value, where text is in quotes and a list in brackets"),
    }
}

/// Reads where to listen, for the command line.
///
/// # Errors
/// Says what it looks like.
pub fn address(text: &str) -> Result<SocketAddr, Wrong> {
    keys::address(text)
}

/// Reads how long a stop may wait, for the command line.
///
/// # Errors
/// Says which it may be.
pub fn drain(text: &str) -> Result<Duration, Wrong> {
    keys::whole_seconds(text, &keys::DRAIN)
}

#[cfg(test)]
mod tests;
