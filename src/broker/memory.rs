//! The broker of one node: logs in memory, with a history that is bounded in count, age and bytes.
//!
//! It answers within the call, and no other node appends, so no message is ever lost. It must never know a subscriber.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use super::log::{Answer, Broker, Encode, Event, Log, Stretch, Ticket};
use crate::protocol::frame::Payload;
use crate::protocol::{ChannelName, Line, Position};

/// How long publications stay for clients that come back. The bound that is reached first holds.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Publications per channel.
    pub messages: usize,
    /// Their age.
    pub age: Duration,
    /// Their bytes per channel.
    pub bytes: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { messages: 1000, age: Duration::from_secs(300), bytes: 1 << 20 }
    }
}

/// The bytes that all histories of a node may hold together. A channel that publishes when they are used up
/// forgets its own history first.
#[derive(Debug)]
struct Budget {
    used: AtomicUsize,
    most: usize,
}

impl Budget {
    const fn new(most: usize) -> Self {
        Self { used: AtomicUsize::new(0), most }
    }

    fn is_exceeded(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.most
    }
}

/// The epoch of logs to come.
///
/// A log without publications leaves nothing behind: it may be forgotten and made again in the same epoch. After a log with
/// publications was forgotten there is a new epoch, so no position means two publications.
#[derive(Debug)]
struct Epoch {
    name: Arc<str>,
    /// A log with publications in it was forgotten.
    is_used: bool,
    #[cfg(test)]
    is_kept: bool,
}

impl Epoch {
    fn fresh(&mut self) -> Arc<str> {
        #[cfg(test)]
        let is_used = self.is_used && !self.is_kept;
        #[cfg(not(test))]
        let is_used = self.is_used;
        if is_used {
            (self.name, self.is_used) = (unique(), false);
        }
        Arc::clone(&self.name)
    }
}

/// Text that no epoch had before.
fn unique() -> Arc<str> {
    uuid::Uuid::new_v4().simple().to_string().into()
}

/// All logs of a node share its epoch and its budget.
#[derive(Debug)]
pub struct Memory {
    epoch: Arc<Mutex<Epoch>>,
    retention: Retention,
    budget: Arc<Budget>,
}

impl Memory {
    /// A broker without logs. All histories together hold so many bytes at most.
    #[must_use]
    pub fn new(retention: Retention, all_history_bytes: usize) -> Self {
        let epoch = Epoch {
            name: unique(),
            is_used: false,
            #[cfg(test)]
            is_kept: false,
        };
        Self { epoch: Arc::new(Mutex::new(epoch)), retention, budget: Arc::new(Budget::new(all_history_bytes)) }
    }

    /// The same broker with a fault: a log that is forgotten comes back in its old epoch.
    #[cfg(test)]
    pub(crate) fn with_one_epoch(self) -> Self {
        lock(&self.epoch).is_kept = true;
        self
    }
}

impl Broker for Memory {
    fn open(&self, now: Duration, _: &ChannelName) -> Box<dyn Log> {
        Box::new(ChannelLog {
            epoch: lock(&self.epoch).fresh(),
            top: 0,
            kept: VecDeque::new(),
            bytes: 0,
            touched: now,
            retention: self.retention,
            budget: Arc::clone(&self.budget),
            all: Arc::clone(&self.epoch),
        })
    }

    fn check_every(&self) -> Option<Duration> {
        None
    }

    fn poll_event(&self, _: &mut Context<'_>) -> Poll<(ChannelName, Event)> {
        Poll::Pending
    }
}

/// One channel's log. `now` is a monotonic time since any fixed origin.
#[derive(Debug)]
struct ChannelLog {
    epoch: Arc<str>,
    top: u64,
    kept: VecDeque<(Duration, Line)>,
    bytes: usize,
    touched: Duration,
    retention: Retention,
    budget: Arc<Budget>,
    /// It learns when a log with publications is dropped.
    all: Arc<Mutex<Epoch>>,
}

impl ChannelLog {
    fn keep(&mut self, now: Duration, line: Line) {
        self.bytes += line.cost();
        self.budget.used.fetch_add(line.cost(), Ordering::Relaxed);
        self.kept.push_back((now, line));
        self.trim(now);
    }

    fn trim(&mut self, now: Duration) {
        while let Some((published, _)) = self.kept.front() {
            let old = now.saturating_sub(*published) > self.retention.age;
            let many = self.kept.len() > self.retention.messages || self.bytes > self.retention.bytes;
            if !(old || many || self.budget.is_exceeded()) {
                return;
            }
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, line)) = self.kept.pop_front() {
            self.bytes -= line.cost();
            self.budget.used.fetch_sub(line.cost(), Ordering::Relaxed);
        }
    }

    /// How many publications follow a position, if all of them are still there.
    fn missed(&self, position: &Position) -> Option<usize> {
        let missed = self.top.checked_sub(position.at).filter(|_| *position.epoch == *self.epoch)?;
        usize::try_from(missed).ok().filter(|missed| *missed <= self.kept.len())
    }
}

impl Log for ChannelLog {
    fn append(
        &mut self,
        now: Duration,
        _: Ticket,
        payloads: &mut dyn Iterator<Item = &Payload>,
        encode: Encode<'_>,
    ) -> Answer<Stretch<Line>> {
        self.touched = now;
        let before = self.top;
        let mut items = Vec::with_capacity(payloads.size_hint().0);
        for payload in payloads {
            self.top += 1;
            let line = encode(self.top, payload);
            self.keep(now, line.clone());
            items.push(line);
        }
        Answer::Now(Ok(Stretch { epoch: Arc::clone(&self.epoch), before, items }))
    }

    /// No other node appends, so the count alone proves a position: the publication at it may be gone.
    fn fetch(&mut self, now: Duration, _: Ticket, after: &[Position]) -> Answer<Vec<Stretch<Line>>> {
        self.trim(now);
        let missed = after.iter().filter_map(|position| self.missed(position)).max().unwrap_or(0);
        let items = self.kept.iter().skip(self.kept.len() - missed).map(|(_, line)| line.clone()).collect();
        Answer::Now(Ok(vec![Stretch { epoch: Arc::clone(&self.epoch), before: self.top - missed as u64, items }]))
    }

    fn watch(&mut self) {}

    fn unwatch(&mut self) {}

    fn is_blank(&self) -> bool {
        self.top == 0
    }

    /// Nothing was ever published, or the history is empty and the last publication is as old as a history may be.
    fn is_idle(&mut self, now: Duration) -> bool {
        self.trim(now);
        self.top == 0 || (self.kept.is_empty() && now.saturating_sub(self.touched) >= self.retention.age)
    }
}

impl Drop for ChannelLog {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.top > 0 {
            lock(&self.all).is_used = true;
        }
    }
}

/// A lock whose holder panicked is taken all the same: no invariant spans two statements here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::down;

    const SECOND: Duration = Duration::from_secs(1);
    const TICKET: Ticket = Ticket { life: 0, number: 0 };

    fn log(messages: usize, budget: usize) -> Box<dyn Log> {
        let retention = Retention { messages, age: SECOND * 10, bytes: 10_000 };
        Memory::new(retention, budget).open(Duration::ZERO, &channel())
    }

    fn channel() -> ChannelName {
        ChannelName::try_from("c").unwrap()
    }

    fn publish(log: &mut dyn Log, now: Duration) {
        let payload = Payload::Json("1".into());
        let mut encode = |at: u64, payload: &Payload| down::publication(&channel(), at, payload);
        log.append(now, TICKET, &mut std::iter::once(&payload), &mut encode);
    }

    /// The log's only stretch, for a fetch after this offset of its epoch.
    fn fetch(log: &mut dyn Log, now: Duration, at: u64) -> Stretch<Line> {
        let stretch = |log: &mut dyn Log, after: &[Position]| match log.fetch(now, TICKET, after) {
            Answer::Now(Ok(mut stretches)) => stretches.remove(0),
            other => panic!("{other:?}"),
        };
        let epoch = stretch(log, &[]).epoch.as_ref().to_owned();
        stretch(log, &[Position { epoch, at }])
    }

    /// How many publications follow this offset, if it is proven.
    fn after(log: &mut dyn Log, now: Duration, at: u64) -> Option<usize> {
        let stretch = fetch(log, now, at);
        stretch.holds(&stretch.epoch, at).then(|| stretch.after(at).len())
    }

    #[test]
    fn an_offset_whose_successor_is_gone_is_not_proven() {
        let mut log = log(3, 10_000);
        for _ in 0..5 {
            publish(&mut *log, Duration::ZERO);
        }
        assert_eq!(after(&mut *log, Duration::ZERO, 5), Some(0));
        assert_eq!(after(&mut *log, Duration::ZERO, 2), Some(3));
        assert_eq!(after(&mut *log, Duration::ZERO, 1), None, "offset 2 is gone");
        assert_eq!(after(&mut *log, Duration::ZERO, 6), None, "never published");
    }

    #[test]
    fn a_log_without_publications_is_idle_at_once() {
        let mut log = log(9, 10_000);
        assert!(log.is_idle(Duration::ZERO) && log.is_blank());
        publish(&mut *log, Duration::ZERO);
        assert!(!log.is_idle(Duration::ZERO) && !log.is_blank());
    }

    #[test]
    fn history_ends_by_age_and_by_the_budget_of_the_node() {
        let mut old = log(9, 10_000);
        publish(&mut *old, Duration::ZERO);
        assert_eq!(after(&mut *old, SECOND * 11, 0), None);
        assert!(old.is_idle(SECOND * 11));
        let mut poor = log(9, 40);
        publish(&mut *poor, Duration::ZERO);
        publish(&mut *poor, Duration::ZERO);
        assert_eq!(after(&mut *poor, Duration::ZERO, 0), None);
        assert_eq!(after(&mut *poor, Duration::ZERO, 1), Some(1));
    }

    #[test]
    fn the_epoch_changes_only_after_a_log_with_publications_is_forgotten() {
        let memory = Memory::new(Retention::default(), 10_000);
        let epoch = |log: &mut dyn Log| fetch(log, Duration::ZERO, 0).epoch;
        let mut log = memory.open(Duration::ZERO, &channel());
        let first = epoch(&mut *log);
        drop(log);
        let mut log = memory.open(Duration::ZERO, &channel());
        assert_eq!(epoch(&mut *log), first);
        publish(&mut *log, Duration::ZERO);
        drop(log);
        assert_ne!(epoch(&mut *memory.open(Duration::ZERO, &channel())), first);
    }
}
