//! `[limits]`: the most sessions, connections and channels at one time, and the shares of one user and one address.

use std::num::NonZeroUsize;

use super::section::{BYTES, Key, MANY, Section, put};
use super::setting::Reload;
use crate::backend::rules::gcra::Rate;
use crate::hub::Bounds;
use crate::node;
use crate::server::forwarded::{Prefix, is_trusted};

/// The section `[limits]`: the most sessions, connections and channels at one time, and the shares of one user and one
/// address.
///
/// # Examples
/// ```
/// use throughline::{Config, LimitsSection};
///
/// fn small(limits: &mut LimitsSection) {
///     limits.sessions = 1_000;
///     limits.connections = 1_500;
/// }
///
/// let mut config = Config::default();
/// small(&mut config.limits);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// The maximum number of sessions. The gateway answers further clients with `full`, and they come back later.
    /// Default 100,000.
    pub sessions: usize,
    /// The maximum number of connections. The gateway answers requests on further ones with `full`, except
    /// `/healthz`. Default 50,000.
    pub connections: usize,
    /// The maximum number of channels. The gateway answers requests for further ones with `full`. Default 100,000.
    pub channels: usize,
    /// The maximum number of connections of one address, except for a listed proxy. An IPv6 address counts by its /64.
    /// The gateway answers requests on further ones with `full`. 0 means no limit. Default 1,000.
    pub connections_per_address: usize,
    /// The maximum number of sessions of one address. The gateway answers further clients with `full`. 0 means no
    /// limit. Default 2,000.
    pub sessions_per_address: usize,
    /// The maximum number of sessions of one user. The gateway answers further clients with `full`. 0 means no limit.
    /// Default 100.
    pub sessions_per_user: usize,
    /// The maximum number of sessions of one address that have no token, where every user needs one. 0 means no limit.
    /// Default 100.
    pub guests_per_address: usize,
    /// The maximum number of bytes that all sessions keep for readers that have not acknowledged them. Above it, the
    /// sessions that keep the most lose their oldest frames. 0 means no limit. Default 1 GB.
    pub replay_bytes_total: usize,
    /// How many new legs one address may attach in a second. The gateway answers further ones with `rate_limited`. 0
    /// means no limit. Default 200.
    pub attaches_per_address: u32,
    /// How many of these may come at once. Default 2,000.
    pub attaches_burst: u32,
    /// How often one session may subscribe in a second. The gateway answers further ones with `rate_limited`. 0 means
    /// no limit. Default 200.
    pub subscribes_per_session: u32,
    /// How many of these may come at once. Default 2,000.
    pub subscribes_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 100_000,
            connections: 50_000,
            channels: Bounds::default().channels,
            connections_per_address: 1_000,
            sessions_per_address: 2_000,
            sessions_per_user: 100,
            guests_per_address: 100,
            replay_bytes_total: 1_000_000_000,
            attaches_per_address: 200,
            attaches_burst: 2_000,
            subscribes_per_session: 200,
            subscribes_burst: 2_000,
        }
    }
}

impl Limits {
    /// Returns the limits of a node. The listed proxies have none by address.
    pub(in crate::server) fn of_node(&self, proxies: &[Prefix]) -> node::limits::Limits {
        let proxies: Box<[Prefix]> = proxies.into();
        node::limits::Limits {
            sessions: self.sessions,
            sessions_per_user: bound(self.sessions_per_user),
            sessions_per_address: bound(self.sessions_per_address),
            guests_per_address: bound(self.guests_per_address),
            replay_bytes: bound(self.replay_bytes_total),
            subscribes: rate(self.subscribes_per_session, self.subscribes_burst),
            attaches: rate(self.attaches_per_address, self.attaches_burst),
            is_proxy: Box::new(move |address| is_trusted(address, &proxies)),
        }
    }

    /// Returns how many connections one address may have.
    pub(in crate::server) fn connections_of_address(&self) -> usize {
        bound(self.connections_per_address)
    }
}

/// Returns a bound. 0 means that there is none.
fn bound(most: usize) -> usize {
    NonZeroUsize::new(most).map_or(usize::MAX, NonZeroUsize::get)
}

/// Returns a rate. 0 a second means that there is none.
fn rate(a_second: u32, burst: u32) -> Option<Rate> {
    (a_second > 0).then(|| Rate::new(a_second, burst))
}

impl Section for Limits {
    const TABLE: &'static str = "limits";
    const ABOUT: &'static str = "The most sessions, connections and channels at one time, and the shares of one user and one address. Above a \
         limit the gateway answers `full`, and above a rate `rate_limited`.";
    const KEYS: &'static [Key<Self>] = &[
        Key {
            name: "sessions",
            about: "The most sessions. The gateway answers requests for further ones with 503 and `full`. Lower it to \
                    bound the memory.",
            example: "100_000",
            bounds: Some(1..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.sessions, given.count()),
            show: |limits| limits.sessions.to_string(),
        },
        Key {
            name: "connections",
            about: "The most connections. The gateway answers requests on further ones with 503 and `full`, except \
                    `/healthz`. Each one is an open file, so raise the limit of open files with it.",
            example: "50_000",
            bounds: Some(1..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.connections, given.count()),
            show: |limits| limits.connections.to_string(),
        },
        Key {
            name: "channels",
            about: "The most channels. The gateway answers requests for further ones with `full`. It also remembers \
                    the positions of as many unused channels, at 130 bytes each. Raise it for more channels.",
            example: "100_000",
            bounds: Some(1..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.channels, given.count()),
            show: |limits| limits.channels.to_string(),
        },
        Key {
            name: "connections_per_address",
            about: "The most connections of one address, and 0 for no limit. Proxies of \
                    `server.trusted_proxies` do not count. An IPv6 address counts by its /64.",
            example: "1_000",
            bounds: Some(0..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.connections_per_address, given.count()),
            show: |limits| limits.connections_per_address.to_string(),
        },
        Key {
            name: "sessions_per_address",
            about: "The most sessions of one address, and 0 for no limit. Behind a listed proxy the address of the \
                    client counts.",
            example: "2_000",
            bounds: Some(0..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.sessions_per_address, given.count()),
            show: |limits| limits.sessions_per_address.to_string(),
        },
        Key {
            name: "sessions_per_user",
            about: "The most sessions of one user, and 0 for no limit. A browser has one in each tab.",
            example: "100",
            bounds: Some(0..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.sessions_per_user, given.count()),
            show: |limits| limits.sessions_per_user.to_string(),
        },
        Key {
            name: "guests_per_address",
            about: "The most sessions of one address that have no token, where every user needs one. 0 means no limit.",
            example: "100",
            bounds: Some(0..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.guests_per_address, given.count()),
            show: |limits| limits.guests_per_address.to_string(),
        },
        Key {
            name: "attaches_per_address",
            about: "The most new legs of one address in a second, and 0 for no limit. Each connect and each reconnect \
                    is one.",
            example: "200",
            bounds: Some(0..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.attaches_per_address, given.number()),
            show: |limits| limits.attaches_per_address.to_string(),
        },
        Key {
            name: "attaches_burst",
            about: "How many new legs of one address may come at once.",
            example: "2_000",
            bounds: Some(1..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.attaches_burst, given.number()),
            show: |limits| limits.attaches_burst.to_string(),
        },
        Key {
            name: "subscribes_per_session",
            about: "The most subscribes of one session in a second, and 0 for no limit.",
            example: "200",
            bounds: Some(0..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.subscribes_per_session, given.number()),
            show: |limits| limits.subscribes_per_session.to_string(),
        },
        Key {
            name: "subscribes_burst",
            about: "How many subscribes of one session may come at once. A client that comes back subscribes to all \
                    its channels, 512 at most.",
            example: "2_000",
            bounds: Some(1..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.subscribes_burst, given.number()),
            show: |limits| limits.subscribes_burst.to_string(),
        },
        Key {
            name: "replay_bytes_total",
            about: "The most bytes that all sessions keep for readers that have not acknowledged them, and 0 for no \
                    limit. Above it, the sessions that keep the most lose their oldest messages, as an overrun. Set it \
                    for the memory of the machine.",
            example: "1_000_000_000",
            bounds: Some(BYTES),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.replay_bytes_total, given.count()),
            show: |limits| limits.replay_bytes_total.to_string(),
        },
    ];
}
