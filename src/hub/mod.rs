//! Channels on this node: the subscribers, and the way of a publication to all of them.
//!
//! A publication is encoded once, and its subscribers share the bytes. A subscriber takes a line without waiting, so a slow one never
//! holds up another. The hub decides nothing itself: each channel is a machine (`channel`), which this shell keeps behind
//! one short lock with its log. It must never wait for a broker, and never know a session.
//!
//! With a broker that answers within the call, such as the memory broker, [`Hub::publish`] does everything. With another
//! broker [`Hub::publish`] and [`Hub::subscribe`] return [`Outcome::Later`]. Then somebody must run [`Hub::next`], and hand what
//! it brings to [`Hub::event`] or [`Hub::timeout`].
//!
//! # Layout
//! - `channel`: the machine of one channel; `events`: its inputs and outputs; `recovery`: history joined with live lines
//! - `desk`: a machine with its log, behind one lock; [`late`]: answers that come after the call
//! - [`subscriber`]: a subscriber, as the hub sees it
//! - `mutant`, `simulation`: the machine in schedules of faults, and its rules taken away one at a time

mod channel;
mod desk;
mod events;
pub mod late;
mod mutant;
mod recovery;
#[cfg(test)]
mod simulation;
pub mod subscriber;

use std::collections::{BTreeSet, HashMap};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use self::channel::Channel;
use self::desk::{Call, Desk, MakeAnswer};
use self::events::{Input, Room, Settings, Wish};
use self::late::{Caller, Waiting};
use crate::broker::{Broker, Event, Memory, Retention, Ticket};
use crate::protocol::code::{Limit, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::{ChannelName, Line, Position, limits};

pub use self::events::Start;
pub use self::late::Outcome;
pub use self::subscriber::Subscriber;

/// Appends of one channel under way at a broker.
const APPENDS: usize = 256;
/// Subscribers whose history one fetch brings.
const JOINERS: usize = 256;
/// A request that a broker has not answered by then counts as lost.
const PATIENCE: Duration = Duration::from_secs(2);
/// The first and the longest pause before a failed fetch is tried again.
const PAUSE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// The bounds of a hub.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Of each channel's history.
    pub retention: Retention,
    /// Channels at one time.
    pub channels: usize,
    /// Bytes of all histories together.
    pub all_history_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { retention: Retention::default(), channels: 100_000, all_history_bytes: 256 << 20 }
    }
}

/// What a hub waits for.
#[derive(Debug)]
pub enum Next {
    /// To be handed to [`Hub::event`].
    Event(ChannelName, Event),
    /// [`Hub::timeout`] is due.
    Timeout,
}

/// The channels that are remembered, and how many were made so far.
#[derive(Default)]
struct Channels {
    by_name: HashMap<ChannelName, Arc<Mutex<Desk>>>,
    made: u64,
}

/// See the module.
pub struct Hub {
    channels: Mutex<Channels>,
    most: usize,
    settings: Arc<Settings>,
    broker: Box<dyn Broker>,
    /// When each machine that waits for its broker wants to hear the time.
    deadlines: Mutex<BTreeSet<(Duration, ChannelName)>>,
    /// Told when a deadline comes before all others.
    earlier: Notify,
    #[cfg(test)]
    mutant: Option<forgetting_tests::Mutant>,
}

impl Hub {
    /// A hub without channels, whose logs are in memory.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let memory = Memory::new(bounds.retention, bounds.all_history_bytes).remembering(bounds.channels);
        Self::with_broker(bounds.channels, Box::new(memory))
    }

    /// A hub for at most so many channels, whose logs are at this broker.
    #[must_use]
    pub fn with_broker(channels: usize, broker: Box<dyn Broker>) -> Self {
        // A session could not take more than its replay bound, so no more is held for it.
        let held = Room { frames: limits::REPLAY_FRAMES, bytes: limits::REPLAY_BYTES };
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

    /// Publishes some. The outcome is the offset of the first; the others follow it. The wakers of the tasks that wait for
    /// them come back too.
    ///
    /// # Errors
    /// `full` if there are too many channels to make another, or if the broker took nothing. `internal` if the broker does not
    /// answer in time: then it is unknown whether it was done.
    pub fn publish<'a>(
        &self,
        now: Duration,
        channel: &ChannelName,
        payloads: impl IntoIterator<Item = &'a Payload>,
    ) -> (Outcome<u64>, Vec<Waker>) {
        let shared = match self.channel(now, channel) {
            Ok(shared) => shared,
            Err(refusal) => return (Outcome::Now(Err(refusal)), Vec::new()),
        };
        let mut desk = lock(&shared);
        let ticket = desk.machine.ticket();
        let mut payloads = payloads.into_iter();
        let mut call = Call { ticket: Some(ticket), payloads: Some(&mut payloads), ..Call::default() };
        desk.carry_out(now, channel, Input::Publish(ticket), &mut call);
        let Call { wakers, published, .. } = call;
        let outcome = match published {
            Some(published) => Outcome::Now(published),
            None => Outcome::Later(Waiting::new(|sender| desk.callers.add(ticket, Caller::Publisher(sender)))),
        };
        self.arm(channel, &mut desk);
        (outcome, wakers)
    }

    /// Subscribes. The line that `answer` makes of the start, if any, is delivered first, then the missed publications, then
    /// live ones. Subscribing again takes the position anew. The missed publications are delivered whole. If they are
    /// gone, or more than the subscriber has room for, none is delivered, and the start says so.
    ///
    /// # Errors
    /// `full`, as for [`Self::publish`], and if the broker does not answer in time.
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
        let (ticket, started, wakers) = ask(now, channel, &mut desk, subscriber, since, &mut once);
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

    /// Ends a subscription; without one nothing happens. A channel without subscribers and without history is forgotten, so names cost
    /// nothing.
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
        // Given back first: of several that unsubscribe at once, the last one to come here finds the channel at rest.
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
            // Looked at first: it also lets go of history that is too old.
            !(desk.log.is_idle(now) && desk.machine.is_unused())
        });
    }

    /// How many channels there are.
    #[must_use]
    pub fn channels(&self) -> usize {
        lock(&self.channels).by_name.len()
    }

    /// Hands in an event of a broker that does not answer within the call. A channel that is not remembered needs none.
    pub fn event(&self, now: Duration, channel: &ChannelName, event: Event) {
        self.visit(channel, |desk, call| desk.hear(now, channel, event, call));
    }

    /// Waits for what comes next: an event of the broker, or a deadline. `origin` is the moment at which the time is zero.
    /// With a broker that answers within the call, nothing ever comes. Cancel-safe.
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

    /// Tells all channels the time whose deadline has come.
    pub fn timeout(&self, now: Duration) {
        let deadlines = lock(&self.deadlines);
        let due: Vec<ChannelName> =
            deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, name)| name.clone()).collect();
        drop(deadlines);
        for channel in due {
            self.visit(&channel, |desk, call| desk.carry_out(now, &channel, Input::Timeout, call));
        }
    }

    /// Does something at a channel that is remembered, and wakes the tasks that wait for its lines.
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

    /// Notes when the machine wants to hear the time.
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

/// Has a subscriber subscribed, and returns the outcome within the call.
fn ask(
    now: Duration,
    channel: &ChannelName,
    desk: &mut Desk,
    subscriber: Arc<dyn Subscriber>,
    since: Option<&Position>,
    answer: MakeAnswer<'_>,
) -> (Ticket, Option<Result<Start, Refusal>>, Vec<Waker>) {
    let ticket = desk.machine.ticket();
    // Without a position there is nothing that needs room.
    let (frames, bytes) = since.map_or((0, 0), |_| subscriber.room());
    let (key, room) = (subscriber.key(), Room { frames, bytes });
    let wish = Wish { ticket, key, subscriber, since: since.cloned(), room };
    let mut call = Call { ticket: Some(ticket), answer: Some(answer), ..Call::default() };
    desk.carry_out(now, channel, Input::Subscribe(wish), &mut call);
    (ticket, call.started, call.wakers)
}

/// A channel that is not in use: a caller gets it under the lock of all channels, which is held here.
fn at_rest(channel: &Arc<Mutex<Desk>>) -> Option<MutexGuard<'_, Desk>> {
    (Arc::strong_count(channel) == 1).then(|| lock(channel))
}

/// A lock whose holder panicked is taken all the same: no invariant spans two statements here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod forgetting_tests;
#[cfg(test)]
mod late_tests;
#[cfg(test)]
mod tests;
