//! Clients that have shut their sending side behind a request, and may still read its answer (`nc -N` is one).
//!
//! A client that is gone looks the same until something is written to it. Then its machine answers with a reset.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep};

use crate::protocol::limits::HALF_CLOSED;

/// The pause doubles up to 2 to the power of this.
const LONGEST: u32 = 4;

/// Says when to write to a client that has shut its sending side. It keeps no timer before that.
#[derive(Default)]
pub(in crate::transport) struct HalfClosed {
    sleep: Option<Pin<Box<Sleep>>>,
    ticks: u32,
}

impl HalfClosed {
    /// The client has shut its sending side.
    pub(in crate::transport) fn begin(&mut self) {
        self.sleep.get_or_insert_with(|| Box::pin(sleep(HALF_CLOSED)));
    }

    pub(in crate::transport) const fn has_begun(&self) -> bool {
        self.sleep.is_some()
    }

    /// Ready [`HALF_CLOSED`] after it began, again after the same time, and then ever less often. The first two writes
    /// show whether the client is gone: its machine resets the connection at the first, and the second fails.
    pub(in crate::transport) fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(sleep) = &mut self.sleep else { return Poll::Pending };
        ready!(sleep.as_mut().poll(cx));
        let pause = HALF_CLOSED * (1 << self.ticks.min(LONGEST));
        self.ticks = self.ticks.saturating_add(1);
        sleep.as_mut().reset(Instant::now() + pause);
        // The caller is woken for the next tick too.
        let _ = sleep.as_mut().poll(cx);
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn two_ticks_follow_each_other_and_the_others_come_ever_less_often() {
        let mut half_closed = HalfClosed::default();
        assert!(poll_fn(|cx| Poll::Ready(half_closed.poll_tick(cx))).await.is_pending());
        let begun = Instant::now();
        half_closed.begin();
        let mut seconds = Vec::new();
        for _ in 0..8 {
            poll_fn(|cx| half_closed.poll_tick(cx)).await;
            half_closed.begin();
            seconds.push(begun.elapsed().as_secs());
        }
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 48, 64]);
    }
}
