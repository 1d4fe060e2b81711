//! How long publications stay, for all channels or for each.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::protocol::ChannelName;

/// How long publications stay for clients that come back. The first bound to be reached counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The maximum number of publications of a channel.
    pub messages: usize,
    /// Their greatest age.
    pub age: Duration,
    /// The maximum number of bytes of a channel.
    pub bytes: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { messages: 1000, age: Duration::from_secs(300), bytes: 1 << 20 }
    }
}

type Of = Box<dyn Fn(&ChannelName) -> Retention + Send + Sync>;

/// The retention of each channel, by a function.
///
/// A log asks once when it opens, and once after each change. The function runs under the channel's lock, so it must
/// not wait and must not call the hub.
pub struct Retentions {
    of: RwLock<Of>,
    /// Counts the changes.
    version: AtomicU64,
}

impl Retentions {
    /// Returns the retentions that this function gives.
    #[must_use]
    pub fn new(of: impl Fn(&ChannelName) -> Retention + Send + Sync + 'static) -> Self {
        Self { of: RwLock::new(Box::new(of)), version: AtomicU64::new(0) }
    }

    /// Replaces the function. Each open log asks again before it next uses its history.
    pub fn replace(&self, of: impl Fn(&ChannelName) -> Retention + Send + Sync + 'static) {
        *self.of.write().unwrap_or_else(PoisonError::into_inner) = Box::new(of);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Returns the retention of a channel, until a change.
    pub(super) fn ask(&self, channel: &ChannelName) -> Asked {
        // The version comes first, so that a change during the question leads to another one.
        let version = self.version.load(Ordering::Acquire);
        let of = self.of.read().unwrap_or_else(PoisonError::into_inner);
        Asked { retention: of(channel), version }
    }

    /// Returns true if nothing changed since that answer.
    pub(super) fn holds(&self, asked: &Asked) -> bool {
        self.version.load(Ordering::Acquire) == asked.version
    }
}

impl From<Retention> for Retentions {
    fn from(retention: Retention) -> Self {
        Self::new(move |_| retention)
    }
}

impl fmt::Debug for Retentions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retentions").field("version", &self.version).finish_non_exhaustive()
    }
}

/// An answer of [`Retentions`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) retention: Retention,
    version: u64,
}
