//! Stopping gracefully: clients leave within a time, and what is left then is ended.

use std::time::Duration;

use crate::node::Node;

/// How often a drain looks whether a leg is left, and how often in a row it must find none: between two polls there is none for a moment.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const LOOKS: u32 = 5;
/// Part of the drain that clients spread their leaving over; the rest is for their last answers.
const JITTER_OF_DRAIN: f64 = 0.6;

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// All connections ended by themselves.
    Drained,
    /// The deadline came first; the rest was cut.
    Cut,
}

/// Tells clients to leave within a part of `limit`, which comes back.
pub(super) fn begin(node: &Node, limit: Duration) -> Duration {
    let jitter = limit.mul_f64(JITTER_OF_DRAIN);
    node.drain(jitter);
    jitter
}

/// Waits until no leg is left.
pub(super) async fn all_left(node: &Node) {
    let mut looks = 0;
    while looks < LOOKS {
        looks = if node.links() == 0 { looks + 1 } else { 0 };
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Runs a drain to its end, or to its deadline.
pub(super) async fn within(limit: Duration, drain: impl Future<Output = ()>) -> Stopped {
    match tokio::time::timeout(limit, drain).await {
        Ok(()) => Stopped::Drained,
        Err(_) => Stopped::Cut,
    }
}
