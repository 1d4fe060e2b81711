//! A subscriber, as the hub sees it.

use std::task::Waker;

use crate::protocol::Line;

/// Takes lines. It must not wait, and must not call the hub: the channel is locked meanwhile.
pub trait Subscriber: Send + Sync {
    /// Lines for it, in the order of the channel. Returns the waker of the task that waits for them, if there is one.
    #[must_use]
    fn deliver(&self, lines: &[Line]) -> Option<Waker>;

    /// The order of the channel breaks: publications follow from the position that this frame states.
    ///
    /// With the memory broker that never happens. A subscriber without frames of its own must end here.
    #[must_use]
    fn reset(&self, frame: &Line) -> Option<Waker> {
        self.deliver(std::slice::from_ref(frame))
    }

    /// Names it on this node.
    fn key(&self) -> u64;

    /// How much of its missed publications it takes at once: frames and bytes. More would push itself out again.
    fn room(&self) -> (usize, usize);
}
