//! Clients that have shut their sending side behind a request, and may still read its answer (`nc -N` is one).
//!
//! A client that is gone altogether looks the same, until something is written to it: its machine answers that with a reset.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep};

use crate::protocol::limits::HALF_CLOSED;

/// The time since a client has shut its sending side. Before that it takes next to nothing.
#[derive(Default)]
pub(super) struct HalfClosed(Option<Pin<Box<Sleep>>>);

impl HalfClosed {
    /// The client has shut its sending side.
    pub(super) fn begin(&mut self) {
        self.0.get_or_insert_with(|| Box::pin(sleep(HALF_CLOSED)));
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.0.is_some()
    }

    /// Ready again and again, each time [`HALF_CLOSED`] after the last; never before it has begun.
    pub(super) fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(sleep) = &mut self.0 else { return Poll::Pending };
        ready!(sleep.as_mut().poll(cx));
        sleep.as_mut().reset(Instant::now() + HALF_CLOSED);
        // Whoever is told now is woken for the next time too.
        let _ = sleep.as_mut().poll(cx);
        Poll::Ready(())
    }
}
