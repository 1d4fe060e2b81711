//! A subscriber, from the hub's view.

use std::task::Waker;

use crate::protocol::Line;
use crate::protocol::limits::Room;

/// A receiver of lines. It must not wait, and must not call the hub, because the hub holds the channel's lock.
pub trait Subscriber: Send + Sync {
    /// Accepts lines, in the order of the channel. Returns the waker of the task that waits for them, if there is
    /// one.
    #[must_use]
    fn deliver(&self, lines: &[Line]) -> Option<Waker>;

    /// Learns that the order of the channel breaks: publications follow from the position that this frame states.
    ///
    /// The memory broker never causes this. A subscriber that cannot pass frames on must end here.
    #[must_use]
    fn reset(&self, frame: &Line) -> Option<Waker> {
        self.deliver(std::slice::from_ref(frame))
    }

    /// Returns its name on this node.
    fn key(&self) -> u64;

    /// Returns how much of its missed publications it accepts at once. More would make it drop its own frames.
    fn room(&self) -> Room;
}
