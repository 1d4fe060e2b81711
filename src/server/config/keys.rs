//! The keys of the configuration, one row each: how a value is read, how it is shown, and whether it can change at run time.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::Config;
use super::fault::{Fault, Wrong};
use crate::protocol::Transport;

type Value<'a> = Spanned<DeValue<'a>>;

/// A key of the file.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// SIGHUP applies it; otherwise only a restart does.
    pub(super) at_run_time: bool,
    /// How it is written.
    pub(super) example: &'static str,
    pub(super) read: fn(&mut Config, &Value<'_>) -> Result<(), Fault>,
    /// The value as the file would have it.
    pub(super) show: fn(&Config) -> String,
}

/// A terabyte: beyond all that a gateway can keep.
const BYTES: u64 = 1 << 40;
const MANY: u64 = 10_000_000;

/// Every key.
pub(super) const KEYS: [Key; 18] = [
    Key {
        name: "listen",
        at_run_time: false,
        example: r#"listen = "127.0.0.1:8080""#,
        read: |config, value| put(&mut config.listen, one(value, address)),
        show: |config| quoted(&config.listen),
    },
    Key {
        name: "open",
        at_run_time: false,
        example: "open = true",
        read: |config, value| put(&mut config.open, truth(value)),
        show: |config| config.open.to_string(),
    },
    Key {
        name: "origins",
        at_run_time: false,
        example: r#"origins = ["https://example.org"]"#,
        read: |config, value| put(&mut config.origins, list(value, FromStr::from_str)),
        show: |config| all_quoted(&config.origins),
    },
    Key {
        name: "trusted_proxies",
        at_run_time: false,
        example: r#"trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]"#,
        read: |config, value| put(&mut config.trusted_proxies, list(value, FromStr::from_str)),
        show: |config| all_quoted(&config.trusted_proxies),
    },
    Key {
        name: "compression",
        at_run_time: false,
        example: "compression = true",
        read: |config, value| put(&mut config.compression, truth(value)),
        show: |config| config.compression.to_string(),
    },
    Key {
        name: "transports",
        at_run_time: true,
        example: r#"transports = ["websocket", "sse", "poll"]"#,
        read: |config, value| put(&mut config.session.transports, transports(value)),
        show: |config| all_quoted(&config.session.transports),
    },
    Key {
        name: "switch_jitter_s",
        at_run_time: true,
        example: "switch_jitter_s = 3",
        read: |config, value| put(&mut config.switch_jitter, seconds(value, 0..=3600)),
        show: |config| config.switch_jitter.as_secs().to_string(),
    },
    Key {
        name: "drain_s",
        at_run_time: false,
        example: "drain_s = 10",
        read: |config, value| put(&mut config.drain, seconds(value, DRAIN)),
        show: |config| config.drain.as_secs().to_string(),
    },
    Key {
        name: "heartbeat_s",
        at_run_time: true,
        example: "heartbeat_s = 15",
        read: |config, value| put(&mut config.session.heartbeat, seconds(value, 5..=30)),
        show: |config| config.session.heartbeat.as_secs().to_string(),
    },
    Key {
        name: "poll_hold_s",
        at_run_time: true,
        example: "poll_hold_s = 25",
        read: |config, value| put(&mut config.session.hold, seconds(value, 1..=120)),
        show: |config| config.session.hold.as_secs().to_string(),
    },
    Key {
        name: "resume_s",
        at_run_time: false,
        example: "resume_s = 120",
        read: |config, value| put(&mut config.session.resume, seconds(value, 1..=86_400)),
        show: |config| config.session.resume.as_secs().to_string(),
    },
    Key {
        name: "sessions",
        at_run_time: false,
        example: "sessions = 100000",
        read: |config, value| put(&mut config.sessions, count(value, 1..=MANY)),
        show: |config| config.sessions.to_string(),
    },
    Key {
        name: "connections",
        at_run_time: false,
        example: "connections = 50000",
        read: |config, value| put(&mut config.connections, count(value, 1..=MANY)),
        show: |config| config.connections.to_string(),
    },
    Key {
        name: "history_messages",
        at_run_time: false,
        example: "history_messages = 1000",
        read: |config, value| put(&mut config.channels.retention.messages, count(value, 0..=MANY)),
        show: |config| config.channels.retention.messages.to_string(),
    },
    Key {
        name: "history_s",
        at_run_time: false,
        example: "history_s = 300",
        read: |config, value| put(&mut config.channels.retention.age, seconds(value, 0..=86_400)),
        show: |config| config.channels.retention.age.as_secs().to_string(),
    },
    Key {
        name: "history_bytes",
        at_run_time: false,
        example: "history_bytes = 1048576",
        read: |config, value| put(&mut config.channels.retention.bytes, count(value, 0..=BYTES)),
        show: |config| config.channels.retention.bytes.to_string(),
    },
    Key {
        name: "all_history_bytes",
        at_run_time: false,
        example: "all_history_bytes = 268435456",
        read: |config, value| put(&mut config.channels.all_history_bytes, count(value, 0..=BYTES)),
        show: |config| config.channels.all_history_bytes.to_string(),
    },
    Key {
        name: "channels",
        at_run_time: false,
        example: "channels = 100000",
        read: |config, value| put(&mut config.channels.channels, count(value, 1..=MANY)),
        show: |config| config.channels.channels.to_string(),
    },
];

/// How long a stop may wait, in seconds.
pub(super) const DRAIN: RangeInclusive<u64> = 0..=3600;

/// Where to listen.
///
/// # Errors
/// Says what it looks like.
pub(super) fn address(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().map_err(|_| Wrong::Address(text.to_owned()))
}

/// A whole number of seconds.
///
/// # Errors
/// Says which it may be.
pub(super) fn whole_seconds(text: &str, allowed: &RangeInclusive<u64>) -> Result<Duration, Wrong> {
    let seconds = text.parse::<i128>().map_err(|_| Wrong::Seconds(text.to_owned()))?;
    within(seconds, allowed).map(Duration::from_secs)
}

fn put<T>(place: &mut T, value: Result<T, Fault>) -> Result<(), Fault> {
    *place = value?;
    Ok(())
}

fn truth(value: &Value<'_>) -> Result<bool, Fault> {
    value.get_ref().as_bool().ok_or_else(|| expected(value, "true or false"))
}

fn seconds(value: &Value<'_>, allowed: RangeInclusive<u64>) -> Result<Duration, Fault> {
    whole(value, "a whole number of seconds", &allowed).map(Duration::from_secs)
}

fn count(value: &Value<'_>, allowed: RangeInclusive<u64>) -> Result<usize, Fault> {
    let number = whole(value, "a whole number", &allowed)?;
    usize::try_from(number).map_err(|_| Fault::new(value.span(), Wrong::TooMany))
}

fn whole(value: &Value<'_>, what: &'static str, allowed: &RangeInclusive<u64>) -> Result<u64, Fault> {
    let integer = value.get_ref().as_integer().ok_or_else(|| expected(value, what))?;
    let number = i128::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(i128::MAX);
    within(number, allowed).map_err(|wrong| Fault::new(value.span(), wrong))
}

fn within(number: i128, allowed: &RangeInclusive<u64>) -> Result<u64, Wrong> {
    let number = u64::try_from(number).ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| Wrong::OutOfRange(allowed.clone()))
}

fn one<T, E: Into<Wrong>>(value: &Value<'_>, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Fault> {
    let text = value.get_ref().as_str().ok_or_else(|| expected(value, "text in quotes"))?;
    parse(text).map_err(|why| Fault::new(value.span(), why))
}

fn list<T, E: Into<Wrong>>(value: &Value<'_>, parse: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, Fault> {
    let items = value.get_ref().as_array().ok_or_else(|| expected(value, "a list of texts"))?;
    items.iter().map(|item| one(item, &parse)).collect()
}

fn transports(value: &Value<'_>) -> Result<std::sync::Arc<[Transport]>, Fault> {
    let named = list(value, Transport::from_str)?;
    Transport::offer(&named).map_err(|why| Fault::new(value.span(), why))
}

fn expected(value: &Value<'_>, expected: &'static str) -> Fault {
    let found = match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Fault::new(value.span(), Wrong::Type { expected, found })
}

fn quoted(value: &impl Display) -> String {
    format!("\"{value}\"")
}

fn all_quoted<T: Display>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(quoted).collect();
    format!("[{}]", values.join(", "))
}
