//! A channel without a session, which a plain EventSource or curl reads.
//!
//! Nothing is numbered or kept for a reader. A reader that falls behind is cut off. It comes back with
//! `Last-Event-ID`, and history brings what it missed.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use tokio::sync::watch;

use super::Node;
use crate::hub::{Outcome, Start, Subscriber};
use crate::protocol::code::{Limit, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::limits::{self, Room};
use crate::protocol::{ChannelName, Line, Position};

/// A plain reader's subscription. Dropping the reader ends it.
pub struct Reader {
    subscription: Subscription,
    leaving: watch::Receiver<bool>,
    /// Where the reader starts: events follow from the next offset, one by one.
    pub start: Start,
}

/// The subscription of a reader. Dropping it ends the subscription.
struct Subscription {
    node: Arc<Node>,
    channel: ChannelName,
    queue: Arc<Queue>,
}

struct Queue {
    key: u64,
    unread: Mutex<Unread>,
}

/// The lines that the reader has not read.
#[derive(Default)]
struct Unread {
    lines: VecDeque<Line>,
    bytes: usize,
    /// The reader fell behind, and is cut off.
    is_behind: bool,
    waker: Option<Waker>,
}

impl Node {
    /// Publishes to a channel in the name of the application, and returns the offset.
    ///
    /// # Errors
    /// The publication is too large, or as [`crate::hub::Hub::publish`].
    pub async fn publish(&self, channel: &ChannelName, payload: &Payload) -> Result<u64, Refusal> {
        // The bound of a client's line holds here too, so every client can receive the publication.
        if payload.bytes() > limits::LINE_BYTES {
            return Err(Limit::LineBytes(payload.bytes()).into());
        }
        match self.operations.publish(channel, std::iter::once(payload)) {
            Outcome::Now(offset) => offset,
            Outcome::Later(offset) => offset.await,
        }
    }

    /// Reads a channel, from a position if one is given. Dropping the future ends the subscription.
    ///
    /// # Errors
    /// The same as those of [`crate::hub::Hub::subscribe`].
    pub async fn read_channel(
        self: &Arc<Self>,
        channel: ChannelName,
        since: Option<&Position>,
    ) -> Result<Reader, Refusal> {
        let queue = Arc::new(Queue { key: self.sessions.next_key(), unread: Mutex::default() });
        let outcome = self.operations.read(&channel, Arc::clone(&queue) as Arc<dyn Subscriber>, since);
        let subscription = Subscription { node: Arc::clone(self), channel, queue };
        let start = match outcome {
            Outcome::Now(start) => start?,
            Outcome::Later(start) => start.await?,
        };
        Ok(Reader { subscription, leaving: self.leaving.subscribe(), start })
    }
}

impl Reader {
    /// Returns the next publication. Returns `None` if the reader fell behind and is cut off, or if the gateway is
    /// going away. Cancel-safe.
    pub async fn next(&mut self) -> Option<Line> {
        let line = poll_fn(|cx| {
            let mut unread = self.subscription.queue.lock();
            if let Some(line) = unread.lines.pop_front() {
                unread.bytes -= line.cost();
                return Poll::Ready(Some(line));
            }
            if unread.is_behind {
                return Poll::Ready(None);
            }
            unread.waker = Some(cx.waker().clone());
            Poll::Pending
        });
        tokio::select! {
            line = line => line,
            _ = self.leaving.wait_for(|leaving| *leaving) => None,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.node.operations.end_reading(&self.channel, self.queue.key);
    }
}

impl Unread {
    fn push(&mut self, line: &Line) {
        if self.lines.len() >= limits::REPLAY_FRAMES || self.bytes + line.cost() > limits::REPLAY_BYTES {
            // The reader comes back for them by its position. They are not kept until its connection notices the
            // end.
            self.is_behind = true;
            (self.lines, self.bytes) = (VecDeque::new(), 0);
        }
        if !self.is_behind {
            self.bytes += line.cost();
            self.lines.push_back(line.clone());
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for Queue {
    fn deliver(&self, lines: &[Line]) -> Option<Waker> {
        let mut unread = self.lock();
        lines.iter().for_each(|line| unread.push(line));
        unread.waker.take()
    }

    /// A plain stream counts its events from its start. So it ends here, and the reader comes back by its position.
    fn reset(&self, _: &Line) -> Option<Waker> {
        let mut unread = self.lock();
        unread.is_behind = true;
        unread.waker.take()
    }

    fn key(&self) -> u64 {
        self.key
    }

    fn room(&self) -> Room {
        Room::REPLAY.half()
    }
}
