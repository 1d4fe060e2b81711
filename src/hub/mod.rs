//! Channels on this node: who is subscribed, and the way of a publication to all of them.
//!
//! A publication is encoded once; its subscribers share the bytes. A subscriber takes a line without waiting, so a slow one never holds
//! up another. Looking at a channel's position and registering happen under one lock: nothing slips between them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use crate::broker::{Budget, ChannelLog, Retention, fresh_epoch};
use crate::protocol::code::{Code, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::{ChannelName, Line, Position};

/// Takes lines. It must not wait, and must not call the hub back: the channel is locked meanwhile.
pub trait Subscriber: Send + Sync {
    /// Lines for it, in the order of the channel. Whom to wake for them, if anybody waits.
    #[must_use]
    fn deliver(&self, lines: &[Line]) -> Option<Waker>;

    /// Names it on this node.
    fn key(&self) -> u64;

    /// How much of what it missed it takes at once: frames and bytes. What is more would push itself out again.
    fn room(&self) -> (usize, usize);
}

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

/// What a subscription starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Publications follow from the one after this.
    pub position: Position,
    /// A position was asked for, and all after it is there.
    pub recovered: bool,
}

struct Channel {
    log: ChannelLog,
    /// By key, which is the order in which sessions were made: so they lie in memory, and so do their sockets.
    subscribers: BTreeMap<u64, Arc<dyn Subscriber>>,
}

/// All channels that are remembered.
struct Channels {
    by_name: HashMap<ChannelName, Arc<Mutex<Channel>>>,
    /// The epoch of channels to come. A channel in which nothing was published leaves nothing behind: forgotten and made again, it
    /// stands where it stood. Once one with publications is forgotten there is a new epoch, so no position means two publications.
    epoch: Arc<str>,
}

/// See the module.
pub struct Hub {
    channels: Mutex<Channels>,
    bounds: Bounds,
    budget: Arc<Budget>,
    #[cfg(test)]
    mutant: Option<forgetting_tests::Mutant>,
}

impl Hub {
    /// A hub without channels.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            channels: Mutex::new(Channels { by_name: HashMap::new(), epoch: fresh_epoch() }),
            bounds,
            budget: Arc::new(Budget::new(bounds.all_history_bytes)),
            #[cfg(test)]
            mutant: None,
        }
    }

    /// Publishes some, and says at which offset the first is; the others follow it. Whom to wake for them comes back too. Each subscriber is looked up once for all of
    /// them: with a thousand subscribers that is most of what a publication costs here.
    ///
    /// # Errors
    /// `full` when there are too many channels to make another. Nothing is published then.
    pub fn publish<'a>(
        &self,
        now: Duration,
        channel: &ChannelName,
        payloads: impl IntoIterator<Item = &'a Payload>,
    ) -> Result<(u64, Vec<Waker>), Refusal> {
        let shared = self.channel(now, channel)?;
        let mut locked = lock(&shared);
        let first = locked.log.top() + 1;
        let lines: Vec<Line> = payloads.into_iter().map(|payload| locked.log.append(now, channel, payload)).collect();
        let mut wakers = Vec::with_capacity(locked.subscribers.len());
        wakers.extend(locked.subscribers.values().filter_map(|subscriber| subscriber.deliver(&lines)));
        Ok((first, wakers))
    }

    /// Subscribes. The answer that `answer` makes of the start, if any, is delivered first, then what was missed, then what comes.
    /// Subscribing again takes the position anew. What was missed is given whole or, where it is gone or more than the subscriber
    /// has room for, not at all: the start tells.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub fn subscribe(
        &self,
        now: Duration,
        channel: &ChannelName,
        subscriber: Arc<dyn Subscriber>,
        since: Option<&Position>,
        answer: impl FnOnce(&Start) -> Option<Line>,
    ) -> Result<Start, Refusal> {
        let shared = self.channel(now, channel)?;
        let mut locked = lock(&shared);
        let top = locked.log.position();
        let missed: Option<Vec<Line>> =
            since.and_then(|since| locked.log.since(now, since).map(|lines| lines.cloned().collect()));
        let (frames, bytes) = subscriber.room();
        let fits = |lines: &Vec<Line>| lines.len() <= frames && lines.iter().map(Line::cost).sum::<usize>() <= bytes;
        let missed = missed.filter(fits);
        let position = since.filter(|_| missed.is_some()).cloned().unwrap_or(top);
        let start = Start { position, recovered: missed.is_some() };
        let lines: Vec<Line> = answer(&start).into_iter().chain(missed.into_iter().flatten()).collect();
        let waker = subscriber.deliver(&lines);
        locked.subscribers.insert(subscriber.key(), subscriber);
        drop(locked);
        waker.into_iter().for_each(Waker::wake);
        Ok(start)
    }

    /// Ends a subscription; without one nothing happens. A channel that nobody subscribes to any more, and in which nothing was ever
    /// published, is forgotten: names cost nothing then.
    pub fn unsubscribe(&self, channel: &ChannelName, subscriber: u64) {
        let shared = lock(&self.channels).by_name.get(channel).cloned();
        let Some(shared) = shared else { return };
        lock(&shared).subscribers.remove(&subscriber);
        // Given back first: of several that unsubscribe at once, the last one to come here finds the channel at rest.
        drop(shared);
        let mut channels = lock(&self.channels);
        let is_unused = |channel: &Channel| {
            let was_published = channel.log.top() > 0;
            #[cfg(test)]
            let was_published = was_published && self.mutant != Some(forgetting_tests::Mutant::HistoryForgotten);
            channel.subscribers.is_empty() && !was_published
        };
        let shared = channels.by_name.get(channel);
        if shared.and_then(at_rest).is_some_and(|channel| is_unused(&channel)) {
            channels.by_name.remove(channel);
        }
    }

    /// Forgets channels without subscribers and without history.
    pub fn sweep(&self, now: Duration) {
        let mut channels = lock(&self.channels);
        let mut had_publications = false;
        channels.by_name.retain(|_, shared| {
            let Some(mut channel) = at_rest(shared) else { return true };
            // Looked at first: it also lets go of history that is too old.
            let is_forgotten = channel.log.is_idle(now) && channel.subscribers.is_empty();
            had_publications |= is_forgotten && channel.log.top() > 0;
            !is_forgotten
        });
        #[cfg(test)]
        let had_publications = had_publications && self.mutant != Some(forgetting_tests::Mutant::EpochKept);
        if had_publications {
            channels.epoch = fresh_epoch();
        }
    }

    /// How many channels there are.
    #[must_use]
    pub fn channels(&self) -> usize {
        lock(&self.channels).by_name.len()
    }

    fn channel(&self, now: Duration, name: &ChannelName) -> Result<Arc<Mutex<Channel>>, Refusal> {
        let mut channels = lock(&self.channels);
        let count = channels.by_name.len();
        if let Some(channel) = channels.by_name.get(name) {
            return Ok(Arc::clone(channel));
        }
        if count >= self.bounds.channels {
            let limit = self.bounds.channels;
            let message = format!(
                "this gateway holds {count} channels; its limit `channels` is {limit}: try later, or use another channel"
            );
            return Err(Refusal::new(Code::Full, message));
        }
        let log = ChannelLog::new(now, Arc::clone(&channels.epoch), self.bounds.retention, Arc::clone(&self.budget));
        let channel = Arc::new(Mutex::new(Channel { log, subscribers: BTreeMap::new() }));
        channels.by_name.insert(name.clone(), Arc::clone(&channel));
        Ok(channel)
    }
}

/// A channel that nobody is about to use: whoever does has got it under the lock of all channels, which is held here.
fn at_rest(channel: &Arc<Mutex<Channel>>) -> Option<MutexGuard<'_, Channel>> {
    (Arc::strong_count(channel) == 1).then(|| lock(channel))
}

/// A lock whose holder panicked is taken all the same: no invariant spans two statements here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod forgetting_tests;

#[cfg(test)]
mod tests {
    use super::*;

    struct Inbox(u64, Mutex<Vec<Line>>);

    impl Subscriber for Inbox {
        fn deliver(&self, lines: &[Line]) -> Option<Waker> {
            self.1.lock().unwrap().extend_from_slice(lines);
            None
        }
        fn key(&self) -> u64 {
            self.0
        }
        fn room(&self) -> (usize, usize) {
            (10, 1000)
        }
    }

    fn inbox(key: u64) -> Arc<Inbox> {
        Arc::new(Inbox(key, Mutex::default()))
    }

    fn hub() -> (Hub, ChannelName) {
        (Hub::new(Bounds { channels: 2, ..Bounds::default() }), ChannelName::try_from("c").unwrap())
    }

    #[test]
    fn all_subscribers_share_the_bytes_of_a_publication() {
        let (hub, channel) = hub();
        let (a, b) = (inbox(1), inbox(2));
        for subscriber in [&a, &b] {
            hub.subscribe(Duration::ZERO, &channel, Arc::clone(subscriber) as _, None, |_| None).unwrap();
        }
        assert_eq!(hub.publish(Duration::ZERO, &channel, [&Payload::Json("1".into())]).unwrap().0, 1);
        let (a, b) = (a.1.lock().unwrap(), b.1.lock().unwrap());
        assert_eq!(a[0].event().as_ptr(), b[0].event().as_ptr());
    }

    #[test]
    fn a_subscription_from_a_position_gets_what_it_missed_behind_its_answer() {
        let (hub, channel) = hub();
        for _ in 0..3 {
            hub.publish(Duration::ZERO, &channel, [&Payload::Json("1".into())]).unwrap();
        }
        let a = inbox(1);
        let epoch = hub.subscribe(Duration::ZERO, &channel, inbox(9), None, |_| None).unwrap().position.epoch;
        let answer = |start: &Start| Some(crate::protocol::down::ok_subscribed(7, &start.position, start.recovered));
        let since = Position { epoch, at: 1 };
        let start = hub.subscribe(Duration::ZERO, &channel, Arc::clone(&a) as _, Some(&since), answer).unwrap();
        assert!(start.recovered && start.position == since);
        assert_eq!(a.1.lock().unwrap().len(), 3);
        for _ in 0..10 {
            hub.publish(Duration::ZERO, &channel, [&Payload::Json("1".into())]).unwrap();
        }
        let start = hub.subscribe(Duration::ZERO, &channel, inbox(2), Some(&since), |_| None).unwrap();
        assert!(!start.recovered && start.position.at == 13, "twelve missed do not fit into ten");
    }

    #[test]
    fn channels_are_bounded_and_forgotten_when_idle() {
        let (hub, channel) = hub();
        let other = |name: &str| ChannelName::try_from(name).unwrap();
        hub.publish(Duration::ZERO, &channel, [&Payload::Json("1".into())]).unwrap();
        hub.subscribe(Duration::ZERO, &other("d"), inbox(1), None, |_| None).unwrap();
        let full = hub.publish(Duration::ZERO, &other("e"), [&Payload::Json("1".into())]);
        assert_eq!(full.unwrap_err().code, Code::Full);
        hub.sweep(Duration::from_secs(3600));
        assert_eq!(hub.channels(), 1);
        hub.unsubscribe(&other("d"), 1);
        assert_eq!(hub.channels(), 0);
    }
}
