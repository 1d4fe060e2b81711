//! The sessions' clock: the time since the node was made. No session reads a clock of its own.

use tokio::time::Instant;

use crate::session::Time;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// When it showed 0.
    pub(super) origin: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { origin: Instant::now() }
    }

    pub(super) fn now(self) -> Time {
        self.origin.elapsed()
    }
}
