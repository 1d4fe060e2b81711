//! `[history]`: the messages that channels keep for clients that come back.

use std::time::Duration;

use super::section::{BYTES, Key, MANY, Section, put};
use super::setting::Reload;
use crate::broker::Retention;
use crate::hub::Bounds;

/// The section `[history]`: the bounds of the histories of channels.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use throughline::Config;
///
/// let mut config = Config::default();
/// config.history.messages = 100;
/// config.history.age = Duration::from_secs(60);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct History {
    /// The maximum number of messages of one channel. Default 1,000.
    pub messages: usize,
    /// Their greatest age. Default 300 s.
    pub age: Duration,
    /// The maximum number of bytes of one channel. Default 1 MB.
    pub bytes: usize,
    /// The maximum number of bytes of all histories together. Default 256 MB.
    pub all_bytes: usize,
}

impl Default for History {
    fn default() -> Self {
        let Bounds { retention: Retention { messages, age, bytes }, all_history_bytes, .. } = Bounds::default();
        Self { messages, age, bytes, all_bytes: all_history_bytes }
    }
}

impl History {
    /// Returns the bounds of each channel's history.
    #[must_use]
    pub(super) const fn retention(&self) -> Retention {
        Retention { messages: self.messages, age: self.age, bytes: self.bytes }
    }
}

impl Section for History {
    const TABLE: &'static str = "history";
    const ABOUT: &'static str =
        "The messages that each channel keeps for clients that come back. The first bound to be reached applies.";
    const KEYS: &'static [Key<Self>] = &[
        Key {
            name: "messages",
            about: "The most messages that one channel keeps. Raise it for clients that miss more of them.",
            example: "1_000",
            bounds: Some(0..=MANY),
            reload: Reload::Restart,
            read: |history, given| put(&mut history.messages, given.count()),
            show: |history| history.messages.to_string(),
        },
        Key {
            name: "age_s",
            about: "The greatest age of a message, in seconds. Raise it for clients that are away longer.",
            example: "300",
            bounds: Some(0..=86_400),
            reload: Reload::Restart,
            read: |history, given| put(&mut history.age, given.seconds()),
            show: |history| history.age.as_secs().to_string(),
        },
        Key {
            name: "bytes",
            about: "The greatest size of the messages of one channel, in bytes. Lower it to bound the memory.",
            example: "1_048_576",
            bounds: Some(BYTES),
            reload: Reload::Restart,
            read: |history, given| put(&mut history.bytes, given.count()),
            show: |history| history.bytes.to_string(),
        },
        Key {
            name: "all_bytes",
            about: "The greatest size of the histories of all channels together, in bytes. A channel that publishes \
                    above it drops its own history first. Lower it to bound the memory.",
            example: "268_435_456",
            bounds: Some(BYTES),
            reload: Reload::Restart,
            read: |history, given| put(&mut history.all_bytes, given.count()),
            show: |history| history.all_bytes.to_string(),
        },
    ];

    fn oddities(&self) -> Vec<String> {
        let Self { bytes, all_bytes, .. } = self;
        let odd = bytes > all_bytes;
        let odd = odd.then(|| {
            format!(
                "`history.bytes` ({bytes}) is more than `history.all_bytes` ({all_bytes}), so no channel can keep that much: raise the latter"
            )
        });
        odd.into_iter().collect()
    }
}
