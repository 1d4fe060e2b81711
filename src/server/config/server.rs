//! `[server]`: the gateway's address, access rules, proxies, compression and stop.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr as _;
use std::time::Duration;

use super::fault::Wrong;
use super::section::{Key, Section, all_quoted, put, quoted, within};
use super::setting::Reload;
use crate::server::forwarded::Prefix;
use crate::server::gate::AllowedOrigin;

/// The section `[server]`: the gateway's address, access rules, proxies, compression and stop.
///
/// # Examples
/// ```
/// use std::error::Error;
/// use throughline::{Config, ServerSection};
///
/// fn behind_a_proxy(server: &mut ServerSection) -> Result<(), Box<dyn Error>> {
///     server.origins.push("https://example.org".parse()?);
///     server.trusted_proxies.push("127.0.0.1".parse()?);
///     Ok(())
/// }
///
/// let mut config = Config::default();
/// behind_a_proxy(&mut config.server)?;
/// # Ok::<(), Box<dyn Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Server {
    /// The address and the port of the listener. Port 0 takes a free port. Default 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// Listens beyond loopback although there is no authentication. Default no.
    pub open: bool,
    /// Origins whose pages may connect, and whose hosts a request may name, beside loopback. Default none.
    pub origins: Vec<AllowedOrigin>,
    /// Proxies whose `X-Forwarded-For` the gateway believes. Default none.
    pub trusted_proxies: Vec<Prefix>,
    /// Expects a header of the PROXY protocol, version 1 or 2, on each connection of a listed proxy. Default no.
    pub proxy_protocol: bool,
    /// Compresses WebSocket messages and answers of polls, for clients that accept it. docs/BENCHMARKS.md has the
    /// costs. Default no.
    pub compression: bool,
    /// The longest time that a stop waits for clients to leave. Default 10 s.
    pub drain: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            open: false,
            origins: Vec::new(),
            trusted_proxies: Vec::new(),
            proxy_protocol: false,
            compression: false,
            drain: Duration::from_secs(10),
        }
    }
}

impl Section for Server {
    const TABLE: &'static str = "server";
    const ABOUT: &'static str = "The gateway's address, access rules, proxies, compression and stop.";
    const KEYS: &'static [Key<Self>] = &[
        Key {
            name: "listen",
            about: "The address and the port, as `--listen`. Other machines reach only an address beyond loopback. \
                    Port 0 takes a free port.",
            example: r#""127.0.0.1:8080""#,
            bounds: None,
            reload: Reload::Restart,
            read: |server, given| put(&mut server.listen, given.text(address)),
            show: |server| quoted(&server.listen),
        },
        Key {
            name: "open",
            about: "Listens beyond loopback although there is no authentication, as `--open`.",
            example: "true",
            bounds: None,
            reload: Reload::Restart,
            read: |server, given| put(&mut server.open, given.truth()),
            show: |server| server.open.to_string(),
        },
        Key {
            name: "origins",
            about: "Origins whose pages may connect beside those of loopback, such as `\"https://example.org\"`. \
                    A request may also name their hosts. `--origin` adds one.",
            example: r#"["https://example.org"]"#,
            bounds: None,
            reload: Reload::Restart,
            read: |server, given| put(&mut server.origins, given.list(AllowedOrigin::from_str)),
            show: |server| all_quoted(&server.origins),
        },
        Key {
            name: "trusted_proxies",
            about: "Addresses or prefixes of proxies, such as `\"10.0.0.0/8\"`. The gateway believes their \
                    `X-Forwarded-For`, and distinguishes the networks of clients by it.",
            example: r#"["127.0.0.1", "10.0.0.0/8"]"#,
            bounds: None,
            reload: Reload::Restart,
            read: |server, given| put(&mut server.trusted_proxies, given.list(Prefix::from_str)),
            show: |server| all_quoted(&server.trusted_proxies),
        },
        Key {
            name: "proxy_protocol",
            about: "Expects a header of the PROXY protocol, version 1 or 2, on each connection of a listed proxy. It \
                    states the client's address. The gateway closes a connection without one. For proxies that pass \
                    on bytes without reading HTTP.",
            example: "true",
            bounds: None,
            reload: Reload::Restart,
            read: |server, given| put(&mut server.proxy_protocol, given.truth()),
            show: |server| server.proxy_protocol.to_string(),
        },
        Key {
            name: "compression",
            about: "Compresses WebSocket messages (permessage-deflate, once for all receivers) and answers of polls \
                    (gzip), for clients that accept it. It saves bytes and costs CPU.",
            example: "true",
            bounds: None,
            reload: Reload::Restart,
            read: |server, given| put(&mut server.compression, given.truth()),
            show: |server| server.compression.to_string(),
        },
        Key {
            name: "drain_s",
            about: "How long a stop waits for clients to leave, as `--drain`. Raise it to spread the return of many \
                    clients.",
            example: "10",
            bounds: Some(DRAIN),
            reload: Reload::Restart,
            read: |server, given| put(&mut server.drain, given.seconds()),
            show: |server| server.drain.as_secs().to_string(),
        },
    ];

    fn oddities(&self) -> Vec<String> {
        let is_odd = self.proxy_protocol && self.trusted_proxies.is_empty();
        let odd =
            "server.proxy_protocol is on, but server.trusted_proxies lists no proxy: no connection has the header";
        is_odd.then(|| odd.to_owned()).into_iter().collect()
    }
}

/// The allowed values of `drain_s`.
const DRAIN: RangeInclusive<u64> = 0..=3600;

/// Reads the address of a listener. The command line uses this too.
///
/// # Errors
/// The text is not an address with a port.
pub fn address(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().map_err(|_| Wrong::Address(text.to_owned()))
}

/// Reads how long a stop may wait, for the command line.
///
/// # Errors
/// The text is not a whole number of seconds, or the number is out of range.
pub fn drain(text: &str) -> Result<Duration, Wrong> {
    let seconds = text.parse::<i128>().map_err(|_| Wrong::Seconds(text.to_owned()))?;
    within(seconds, &DRAIN).map(Duration::from_secs)
}
