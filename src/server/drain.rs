//! Stops gracefully: clients leave within a time, and the gateway ends the connections that are left.

use std::time::Duration;

use crate::node::Node;

/// The pause between two looks for legs that are left.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// A drain must find no leg this many times in a row, because a client has no leg for a moment between two polls.
const LOOKS: u32 = 5;
/// The part of the drain in which clients leave at random times. The rest is for their last answers.
const JITTER_OF_DRAIN: f64 = 0.6;

/// The outcome of a stop.
///
/// # Examples
/// ```
/// use throughline::Stopped;
///
/// fn report(stopped: Stopped) -> &'static str {
///     match stopped {
///         Stopped::Drained => "every client has left",
///         _ => "the gateway cut some connections",
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// All connections ended by themselves.
    Drained,
    /// The deadline came first, and the gateway cut the other connections.
    Cut,
}

/// Asks clients to leave within a part of `limit`, and returns that part.
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
