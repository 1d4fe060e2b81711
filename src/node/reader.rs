//! A channel without a session, which a plain EventSource or curl reads.
//!
//! Nothing is numbered or kept for a reader. A reader that falls behind is cut off. It comes back with
//! `Last-Event-ID`, and history brings what it missed.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Node;
use crate::backend::access::{Admitted, Asking};
use crate::backend::decision::Decision;
use crate::backend::{Asker, Identity};
use crate::hub::{Outcome, Start, Subscriber};
use crate::protocol::code::{Limit, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::limits::{self, Room};
use crate::protocol::token::Token;
use crate::protocol::{ChannelName, Line, Position, SessionId};

/// A plain reader's subscription. Dropping the reader ends it.
pub struct Reader {
    subscription: Subscription,
    /// `None` for the application itself, which may read everything.
    client: Option<Client>,
    /// When its right to read ends.
    until: Option<Instant>,
    leaving: watch::Receiver<bool>,
    /// Where the reader starts: events follow from the next offset, one by one.
    pub start: Start,
}

/// The client that reads.
struct Client {
    identity: Arc<Identity>,
    /// The changes of the rules.
    changes: watch::Receiver<u64>,
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
        let publication = self.access.of_application(channel, payload.clone());
        match self.operations.publish(channel, std::iter::once(&publication)) {
            Outcome::Now(offset) => offset,
            Outcome::Later(offset) => offset.await,
        }
    }

    /// Reads a channel for a client, from a position if one is given. Dropping the future ends the subscription.
    ///
    /// # Errors
    /// The client may not read it, or as [`Self::read_channel`].
    pub async fn open_channel(
        self: &Arc<Self>,
        token: Option<&Token>,
        channel: ChannelName,
        since: Option<&Position>,
    ) -> Result<Reader, Refusal> {
        let changes = self.changes.subscribe();
        let Admitted { identity, until } = decided(self.access.connect(token)).await?;
        let until = until.map(|until| Instant::now() + until.duration_since(SystemTime::now()).unwrap_or_default());
        let asks = self.access.subscribe(asking(&identity), &channel);
        decided(asks).await?;
        let reader = self.read_channel(channel, since).await?;
        Ok(Reader { client: Some(Client { identity, changes }), until, ..reader })
    }

    /// Reads a channel in the name of the application, from a position if one is given. Dropping the future ends the
    /// subscription.
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
        Ok(Reader { subscription, client: None, until: None, leaving: self.leaving.subscribe(), start })
    }
}

impl Reader {
    /// Returns the next publication. Returns `None` if the reader fell behind and is cut off, if its right to read has
    /// ended, or if the gateway is going away. Cancel-safe.
    pub async fn next(&mut self) -> Option<Line> {
        while self.may_go_on() {
            let Self { subscription, client, until, leaving, .. } = self;
            tokio::select! {
                line = subscription.next() => return line,
                () = ended(*until) => return None,
                () = changed(client.as_mut()) => {}
                _ = leaving.wait_for(|leaving| *leaving) => return None,
            }
        }
        None
    }

    /// Returns true if the rules still let the client read. They are asked again only after they changed, or
    /// after tokens were revoked.
    fn may_go_on(&mut self) -> bool {
        let Some(Client { identity, changes }) = &mut self.client else { return true };
        if !changes.has_changed().unwrap_or(false) {
            return true;
        }
        changes.mark_unchanged();
        let Subscription { node, channel, .. } = &self.subscription;
        !node.access.is_revoked(identity) && node.access.keeps(asking(identity), channel).is_ok()
    }
}

impl Subscription {
    /// Returns the next publication, or `None` if the reader fell behind. Cancel-safe.
    async fn next(&self) -> Option<Line> {
        poll_fn(|cx| {
            let mut unread = self.queue.lock();
            if let Some(line) = unread.lines.pop_front() {
                unread.bytes -= line.cost();
                return Poll::Ready(Some(line));
            }
            if unread.is_behind {
                return Poll::Ready(None);
            }
            unread.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// Waits until the rules have changed. It leaves the change to be seen.
async fn changed(client: Option<&mut Client>) {
    let Some(client) = client else { return std::future::pending().await };
    if client.changes.changed().await.is_ok() {
        client.changes.mark_changed();
    }
}

/// Waits for the end of a right, if it ends.
async fn ended(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Waits for a decision.
async fn decided<T>(decision: Decision<Result<T, Refusal>>) -> Result<T, Refusal> {
    match decision {
        Decision::Now(verdict) => verdict,
        Decision::Later(verdict) => verdict.await,
    }
}

/// Returns a reader as the rules see it.
fn asking(identity: &Identity) -> Asking<'_> {
    static ID: LazyLock<SessionId> = LazyLock::new(|| {
        let Ok(id) = SessionId::try_from("event-stream".to_owned()) else { unreachable!("printable characters") };
        id
    });
    Asking { asker: Asker { id: &ID, identity }, is_subscribed: &|_| true, spent: None }
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
