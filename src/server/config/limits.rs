//! `[limits]`: how many there may be at one time.

use super::section::{Key, MANY, Section, put};
use super::setting::Reload;
use crate::hub::Bounds;

/// See the module.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Above it clients are answered `full`, and come back. Default 100,000.
    pub sessions: usize,
    /// Above it requests are answered `full`, but for those after our health. Default 50,000.
    pub connections: usize,
    /// Above it new ones are answered `full`. Default 100,000.
    pub channels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sessions: 100_000, connections: 50_000, channels: Bounds::default().channels }
    }
}

impl Section for Limits {
    const TABLE: &'static str = "limits";
    const ABOUT: &'static str = "How many there may be at one time. Above a limit the gateway answers `full`.";
    const KEYS: &'static [Key<Self>] = &[
        Key {
            name: "sessions",
            about: "Sessions. Above it the gateway answers new ones with 503 and `full`.",
            example: "100_000",
            bounds: Some(1..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.sessions, given.count()),
            show: |limits| limits.sessions.to_string(),
        },
        Key {
            name: "connections",
            about: "Connections, each of which is an open file. Above it the gateway answers requests with 503 and \
                    `full`, except `/healthz`.",
            example: "50_000",
            bounds: Some(1..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.connections, given.count()),
            show: |limits| limits.connections.to_string(),
        },
        Key {
            name: "channels",
            about: "Channels. Above it the gateway answers new ones with `full`. It also remembers where as many others \
                    stood, at 130 bytes each.",
            example: "100_000",
            bounds: Some(1..=MANY),
            reload: Reload::Restart,
            read: |limits, given| put(&mut limits.channels, given.count()),
            show: |limits| limits.channels.to_string(),
        },
    ];
}
