//! The sessions' clock: the time since the node was created. No session reads a clock of its own.

use tokio::time::Instant;

use crate::session::Time;

/// The time since the node was created.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// The moment at which it showed 0.
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
