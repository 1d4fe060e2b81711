//! The operations on this node's channels: for clients, and in the same way for an API or an embedder.
//!
//! The caller decides before whether an operation is allowed. A call never waits: if the broker answers later, the
//! outcome comes later. No session's lock is held here.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::clock::Clock;
use super::counters::Counters;
use super::session::Session;
use crate::hub::{Hub, Next, Outcome, Start, Subscriber};
use crate::protocol::code::Limit;
use crate::protocol::publication::Publication;
use crate::protocol::{ChannelName, Position, down};

/// The most tasks woken in a row. To wake them takes some 4 ms of writing.
const WOKEN_AT_ONCE: usize = 1024;

/// The operations on this node's channels.
pub(super) struct Operations {
    hub: Hub,
    clock: Clock,
    counters: Arc<Counters>,
}

impl Operations {
    pub(super) const fn new(hub: Hub, clock: Clock, counters: Arc<Counters>) -> Self {
        Self { hub, clock, counters }
    }

    /// Publishes a batch to one channel. The outcome is the offset of the first publication; the others follow it.
    pub(super) fn publish<'a>(
        &self,
        channel: &ChannelName,
        publications: impl ExactSizeIterator<Item = &'a Publication>,
    ) -> Outcome<u64> {
        self.counters.publications.inc_by(publications.len() as u64);
        let (outcome, wakers) = self.hub.publish(self.clock.now(), channel, publications);
        wake(wakers);
        outcome
    }

    /// Publishes one, as [`Self::publish`] does. Also returns the epoch of the channel, if the broker states it within
    /// the call.
    pub(super) fn publish_one(&self, channel: &ChannelName, one: &Publication) -> (Outcome<u64>, Option<Arc<str>>) {
        self.counters.publications.inc();
        let mut epoch = None;
        let (outcome, wakers) = self.hub.publish_and_tell(self.clock.now(), channel, [one], Some(&mut epoch));
        wake(wakers);
        (outcome, epoch)
    }

    /// Subscribes a session. The hub delivers the answer before the first publication. If the outcome is a refusal,
    /// the caller must unsubscribe.
    pub(super) fn subscribe(
        &self,
        session: &Arc<Session>,
        id: Option<u64>,
        channel: &ChannelName,
        since: Option<&Position>,
    ) -> Outcome<Start> {
        if !session.add_subscription(channel) {
            return Outcome::Now(Err(Limit::Subscriptions.into()));
        }
        let subscriber = Arc::clone(session);
        let answer = move |start: &Start| id.map(|id| down::ok_subscribed(id, &start.position, start.recovered));
        let outcome = self.hub.subscribe(self.clock.now(), channel, subscriber, since, answer);
        if session.cell.is_over() {
            self.hub.unsubscribe(channel, session.key);
        }
        outcome
    }

    pub(super) fn unsubscribe(&self, session: &Session, channel: &ChannelName) {
        session.remove_subscription(channel);
        self.hub.unsubscribe(channel, session.key);
    }

    /// Ends all subscriptions of a session.
    pub(super) fn leave(&self, session: &Session) {
        for channel in session.take_subscriptions() {
            self.hub.unsubscribe(&channel, session.key);
        }
    }

    /// Subscribes a reader that has no session.
    pub(super) fn read(
        &self,
        channel: &ChannelName,
        reader: Arc<dyn Subscriber>,
        since: Option<&Position>,
    ) -> Outcome<Start> {
        self.hub.subscribe(self.clock.now(), channel, reader, since, |_| None)
    }

    pub(super) fn end_reading(&self, channel: &ChannelName, key: u64) {
        self.hub.unsubscribe(channel, key);
    }

    /// Hands the hub its broker's events, and the time. Runs until it is dropped.
    pub(super) async fn run(&self) {
        loop {
            match self.hub.next(self.clock.origin).await {
                Next::Event(channel, event) => self.hub.event(self.clock.now(), &channel, event),
                Next::Timeout => self.hub.timeout(self.clock.now()),
            }
            // A broker that always has another event must not delay the deadlines of sessions.
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Forgets unused channels.
    pub(super) fn sweep(&self, now: Duration) {
        self.hub.sweep(now);
    }

    pub(super) fn channels(&self) -> usize {
        self.hub.channels()
    }
}

/// Wakes all tasks. If there are many, the network and other tasks have a turn after each part. Otherwise an echo
/// beside a fan-out to 18,000 would wait until all of them are written to.
fn wake(mut wakers: Vec<Waker>) {
    if wakers.len() <= WOKEN_AT_ONCE {
        return wakers.into_iter().for_each(Waker::wake);
    }
    tokio::spawn(async move {
        while !wakers.is_empty() {
            wakers.drain(..wakers.len().min(WOKEN_AT_ONCE)).for_each(Waker::wake);
            tokio::task::yield_now().await;
        }
    });
}
