//! `[limits]`: the most sessions, connections and channels at one time.

use super::section::{Key, MANY, Section, put};
use super::setting::Reload;
use crate::hub::Bounds;

/// The section `[limits]`: the most sessions, connections and channels at one time.
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
}

impl Default for Limits {
    fn default() -> Self {
        Self { sessions: 100_000, connections: 50_000, channels: Bounds::default().channels }
    }
}

impl Section for Limits {
    const TABLE: &'static str = "limits";
    const ABOUT: &'static str =
        "The most sessions, connections and channels at one time. Above a limit the gateway answers `full`.";
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
    ];
}
