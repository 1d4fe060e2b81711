//! The channels on this node: their subscribers, and the path of a publication to all of them.
//!
//! A publication is encoded once, and its subscribers share the bytes. A subscriber accepts a line without waiting,
//! so a slow one never delays another. The hub decides nothing itself. Each channel is a machine (`channel`), which
//! this shell keeps with its log behind one short lock. It must never wait for a broker, and never know a session.
//!
//! With a broker that answers within the call, such as the memory broker, [`Hub::publish`] does everything. With
//! another broker [`Hub::publish`] and [`Hub::subscribe`] return [`Outcome::Later`]. Then a task must run
//! [`Hub::next`], and hand each result to [`Hub::event`] or [`Hub::timeout`].
//!
//! # Layout
//! - `channel`: the machine of one channel; `events`: its inputs and outputs; `recovery`: history joined with live
//!   lines
//! - `desk`: a machine with its log, behind one lock; [`late`]: answers that come after the call
//! - [`subscriber`]: a subscriber, as the hub sees it
//! - `mutant`, `simulation`: the machine in schedules of faults, and its rules removed one at a time

mod channel;
mod desk;
mod events;
pub mod late;
mod mutant;
mod recovery;
#[cfg(any(test, fuzzing))]
pub(crate) mod simulation;
pub mod subscriber;

use std::collections::{BTreeSet, HashMap};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use self::channel::Channel;
use self::desk::{Call, Desk, Request};
use self::events::{Input, Settings, Wish};
use self::late::{Caller, Waiting};
use crate::broker::{Broker, Event, Memory, Retention, Retentions};
use crate::protocol::code::{Limit, Refusal};
use crate::protocol::limits::Room;
use crate::protocol::publication::Publication;
use crate::protocol::{ChannelName, Line, Position};

pub use self::events::Start;
pub use self::late::Outcome;
pub use self::subscriber::Subscriber;

/// The maximum number of appends of one channel that are under way at a broker.
const APPENDS: usize = 256;
/// The maximum number of subscribers whose history one fetch brings.
const JOINERS: usize = 256;
/// How long a broker may take to answer. After that a request counts as lost.
const PATIENCE: Duration = Duration::from_secs(2);
/// The first and the longest pause before a failed fetch is tried again.
const PAUSE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// The bounds of a hub.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The bounds of each channel's history.
    pub retention: Retention,
    /// The maximum number of channels at one time.
    pub channels: usize,
    /// The maximum number of bytes of all histories together.
    pub all_history_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { retention: Retention::default(), channels: 100_000, all_history_bytes: 256 << 20 }
    }
}

/// An event that a hub waits for.
#[derive(Debug)]
pub enum Next {
    /// An event for [`Hub::event`].
    Event(ChannelName, Event),
    /// [`Hub::timeout`] is due.
    Timeout,
}

/// The channels that are remembered, and the number of channels created so far.
#[derive(Default)]
struct Channels {
    by_name: HashMap<ChannelName, Arc<Mutex<Desk>>>,
    made: u64,
}

/// All channels of this node.
pub struct Hub {
    channels: Mutex<Channels>,
    most: usize,
    settings: Arc<Settings>,
    broker: Box<dyn Broker>,
    /// When each machine that waits for its broker needs [`Input::Timeout`].
    deadlines: Mutex<BTreeSet<(Duration, ChannelName)>>,
    /// Notified when a deadline becomes the first one.
    earlier: Notify,
    #[cfg(test)]
    mutant: Option<forgetting_tests::Mutant>,
}

impl Hub {
    /// Returns a hub without channels, whose logs are in memory.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self::with_retentions(bounds, Arc::new(bounds.retention.into()))
    }

    /// Returns a hub without channels, whose logs are in memory and have a retention each. It replaces that of the
    /// bounds.
    #[must_use]
    pub fn with_retentions(bounds: Bounds, retentions: Arc<Retentions>) -> Self {
        let memory = Memory::new(bounds.retention, bounds.all_history_bytes).remembering(bounds.channels);
        Self::with_broker(bounds.channels, Box::new(memory.with_retentions(retentions)))
    }

    /// Returns a hub for at most this many channels, whose logs are at this broker.
    #[must_use]
    pub fn with_broker(channels: usize, broker: Box<dyn Broker>) -> Self {
        // A session accepts no more than its replay bound, so no more is held for it.
        let held = Room::REPLAY;
        let check_every = broker.check_every();
        let settings =
            Settings { appends: APPENDS, joiners: JOINERS, held, patience: PATIENCE, pause: PAUSE, check_every };
        Self {
            channels: Mutex::default(),
            most: channels,
            settings: Arc::new(settings),
            broker,
            deadlines: Mutex::default(),
            earlier: Notify::new(),
            #[cfg(test)]
            mutant: None,
        }
    }

    /// Publishes a batch. The outcome is the offset of the first publication; the others follow it. Also returns
    /// the wakers of the tasks that wait for the lines.
    ///
    /// # Errors
    /// `full` if there is no room for another channel, or if the broker stored nothing. `internal` if the broker
    /// does not answer in time: then it is unknown whether the publications were stored.
    pub fn publish<'a>(
        &self,
        now: Duration,
        channel: &ChannelName,
        publications: impl IntoIterator<Item = &'a Publication>,
    ) -> (Outcome<u64>, Vec<Waker>) {
        self.publish_and_tell(now, channel, publications, None)
    }

    /// Publishes a batch as [`Self::publish`] does. Also puts the epoch of the channel into `epoch`, if the broker
    /// states it within the call.
    ///
    /// # Errors
    /// As those of [`Self::publish`].
    pub fn publish_and_tell<'a>(
        &self,
        now: Duration,
        channel: &ChannelName,
        publications: impl IntoIterator<Item = &'a Publication>,
        epoch: Option<&mut Option<Arc<str>>>,
    ) -> (Outcome<u64>, Vec<Waker>) {
        let shared = match self.channel(now, channel) {
            Ok(shared) => shared,
            Err(refusal) => return (Outcome::Now(Err(refusal)), Vec::new()),
        };
        let mut desk = lock(&shared);
        let ticket = desk.machine.ticket();
        let (mut publications, mut published) = (publications.into_iter(), None);
        let request = Request::Publish { ticket, publications: &mut publications, outcome: &mut published, epoch };
        let mut call = Call::new(request);
        desk.carry_out(now, channel, Input::Publish(ticket), &mut call);
        let wakers = call.wakers;
        let outcome = match published {
            Some(published) => Outcome::Now(published),
            None => Outcome::Later(Waiting::new(|sender| desk.callers.add(ticket, Caller::Publisher(sender)))),
        };
        self.arm(channel, &mut desk);
        (outcome, wakers)
    }

    /// Subscribes. The subscriber first gets the line that `answer` makes of the start, if any. Then it gets the
    /// missed publications, and then the live ones. A repeated subscription replaces the earlier one and its
    /// position.
    ///
    /// The missed publications come whole or not at all. If some are gone, or there are more than the subscriber
    /// has room for, none comes, and the start says so.
    ///
    /// # Errors
    /// `full`, as for [`Self::publish`], and also if the broker does not answer in time.
    pub fn subscribe(
        &self,
        now: Duration,
        channel: &ChannelName,
        subscriber: Arc<dyn Subscriber>,
        since: Option<&Position>,
        answer: impl FnOnce(&Start) -> Option<Line> + Send + 'static,
    ) -> Outcome<Start> {
        let shared = match self.channel(now, channel) {
            Ok(shared) => shared,
            Err(refusal) => return Outcome::Now(Err(refusal)),
        };
        let mut desk = lock(&shared);
        let mut answer = Some(answer);
        let mut once = |start: &Start| answer.take().and_then(|answer| answer(start));
        let (wish, mut started) = (wish(&mut desk, subscriber, since), None);
        let ticket = wish.ticket;
        let mut call = Call::new(Request::Subscribe { ticket, answer: &mut once, outcome: &mut started });
        desk.carry_out(now, channel, Input::Subscribe(wish), &mut call);
        let wakers = call.wakers;
        let outcome = match started {
            Some(started) => Outcome::Now(started),
            None => Outcome::Later(Waiting::new(|sender| {
                let answer = Box::new(move |start: &Start| answer.and_then(|answer| answer(start)));
                desk.callers.add(ticket, Caller::Subscriber(answer, sender));
            })),
        };
        self.arm(channel, &mut desk);
        drop(desk);
        wakers.into_iter().for_each(Waker::wake);
        outcome
    }

    /// Ends a subscription, if there is one. A channel without subscribers and without history is forgotten, so
    /// names cost nothing.
    pub fn unsubscribe(&self, channel: &ChannelName, subscriber: u64) {
        let shared = lock(&self.channels).by_name.get(channel).cloned();
        let Some(shared) = shared else { return };
        let mut desk = lock(&shared);
        // The machine needs no time to end a subscription.
        desk.carry_out(Duration::ZERO, channel, Input::Unsubscribe(subscriber), &mut Call::default());
        self.arm(channel, &mut desk);
        // The last one to leave forgets the channel.
        if !desk.machine.is_unused() {
            return;
        }
        drop(desk);
        // The handle is dropped first. If several unsubscribe at once, the last one to come here then finds the
        // channel at rest.
        drop(shared);
        let mut channels = lock(&self.channels);
        let is_unused = |desk: &Desk| {
            let is_blank = desk.log.is_blank();
            #[cfg(test)]
            let is_blank = is_blank || self.mutant == Some(forgetting_tests::Mutant::HistoryForgotten);
            is_blank && desk.machine.is_unused()
        };
        let shared = channels.by_name.get(channel);
        if shared.and_then(at_rest).is_some_and(|desk| is_unused(&desk)) {
            channels.by_name.remove(channel);
        }
    }

    /// Forgets channels without subscribers and without history.
    pub fn sweep(&self, now: Duration) {
        lock(&self.channels).by_name.retain(|_, shared| {
            let Some(mut desk) = at_rest(shared) else { return true };
            // The log is checked first, because that also drops history that is too old.
            !(desk.log.is_idle(now) && desk.machine.is_unused())
        });
    }

    /// Returns the number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        lock(&self.channels).by_name.len()
    }

    /// Handles an event of a broker that does not answer within the call. It ignores an event of a forgotten
    /// channel.
    pub fn event(&self, now: Duration, channel: &ChannelName, event: Event) {
        self.visit(channel, |desk, call| desk.hear(now, channel, event, call));
    }

    /// Waits for the next event of the broker, or the next deadline. `origin` is the moment at which the time is
    /// zero. With a broker that answers within the call, neither ever comes. Cancel-safe.
    pub async fn next(&self, origin: Instant) -> Next {
        loop {
            let deadline = self.next_timeout();
            let due = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(origin + at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                (channel, event) = poll_fn(|cx| self.broker.poll_event(cx)) => return Next::Event(channel, event),
                () = due => return Next::Timeout,
                () = self.earlier.notified() => {}
            }
        }
    }

    fn next_timeout(&self) -> Option<Duration> {
        lock(&self.deadlines).first().map(|(at, _)| *at)
    }

    /// Hands the time to each channel whose deadline has come.
    pub fn timeout(&self, now: Duration) {
        let deadlines = lock(&self.deadlines);
        let due: Vec<ChannelName> =
            deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, name)| name.clone()).collect();
        drop(deadlines);
        for channel in due {
            self.visit(&channel, |desk, call| desk.carry_out(now, &channel, Input::Timeout, call));
        }
    }

    /// Runs `act` on a remembered channel, and wakes the tasks that wait for its lines.
    fn visit(&self, channel: &ChannelName, act: impl FnOnce(&mut Desk, &mut Call<'_, '_>)) {
        let shared = lock(&self.channels).by_name.get(channel).cloned();
        let Some(shared) = shared else { return };
        let mut desk = lock(&shared);
        let mut call = Call::default();
        act(&mut desk, &mut call);
        self.arm(channel, &mut desk);
        drop(desk);
        call.wakers.into_iter().for_each(Waker::wake);
    }

    /// Notes the machine's deadline.
    fn arm(&self, channel: &ChannelName, desk: &mut Desk) {
        let due = desk.machine.poll_timeout();
        if due == desk.armed {
            return;
        }
        let mut deadlines = lock(&self.deadlines);
        if let Some(old) = std::mem::replace(&mut desk.armed, due) {
            deadlines.remove(&(old, channel.clone()));
        }
        let Some(at) = due else { return };
        let is_first = deadlines.first().is_none_or(|(first, _)| at < *first);
        deadlines.insert((at, channel.clone()));
        if is_first {
            self.earlier.notify_one();
        }
    }

    fn channel(&self, now: Duration, name: &ChannelName) -> Result<Arc<Mutex<Desk>>, Refusal> {
        let mut channels = lock(&self.channels);
        let (count, limit) = (channels.by_name.len(), self.most);
        if let Some(channel) = channels.by_name.get(name) {
            return Ok(Arc::clone(channel));
        }
        if count >= limit {
            return Err(Limit::Channels { held: count, limit }.into());
        }
        channels.made += 1;
        let machine = Channel::new(Arc::clone(&self.settings), channels.made);
        let desk = Arc::new(Mutex::new(Desk::new(machine, self.broker.open(now, name))));
        channels.by_name.insert(name.clone(), Arc::clone(&desk));
        Ok(desk)
    }
}

/// Returns the wish of a subscriber, with a ticket of its own.
fn wish(desk: &mut Desk, subscriber: Arc<dyn Subscriber>, since: Option<&Position>) -> Wish<Arc<dyn Subscriber>> {
    let ticket = desk.machine.ticket();
    // A subscription without a position needs no room.
    let (key, room) = (subscriber.key(), since.map_or(Room::NONE, |_| subscriber.room()));
    Wish { ticket, key, subscriber, since: since.cloned(), room }
}

/// Locks a channel that is not in use. A caller gets a channel only under the lock of all channels, which is held
/// here.
fn at_rest(channel: &Arc<Mutex<Desk>>) -> Option<MutexGuard<'_, Desk>> {
    (Arc::strong_count(channel) == 1).then(|| lock(channel))
}

/// Locks a mutex even if its last holder panicked: no invariant spans two statements here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod answer_tests;
#[cfg(test)]
mod forgetting_tests;
#[cfg(test)]
mod late_tests;
#[cfg(test)]
mod tests;
