//! The broker of one node: logs in memory, with a history that is bounded in count, age and bytes.
//!
//! It answers within the call, and no other node appends, so no message is ever lost. It must never know a subscriber.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use super::log::{Answer, Broker, Encode, Event, Log, Stretch, Ticket};
#[cfg(test)]
use super::remembered::Fault;
use super::remembered::{Place, Remembered};
use super::retention::{Asked, Retention, Retentions};
use crate::protocol::publication::Publication;
use crate::protocol::{ChannelName, Line, Position};

/// The bytes that all histories of a node may hold together. If they are used up, a channel that publishes forgets
/// its own history first.
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

/// How many unused logs are remembered, unless [`Memory::remembering`] says otherwise.
const REMEMBERED: usize = 100_000;

/// The broker of one node. All its logs share its memory of unused logs, and its budget.
#[derive(Debug)]
pub struct Memory {
    remembered: Arc<Mutex<Remembered>>,
    retentions: Arc<Retentions>,
    budget: Arc<Budget>,
}

impl Memory {
    /// Returns a broker without logs, whose channels all keep as much. All histories together hold at most this many
    /// bytes.
    #[must_use]
    pub fn new(retention: Retention, all_history_bytes: usize) -> Self {
        let remembered = Arc::new(Mutex::new(Remembered::new(REMEMBERED)));
        let budget = Arc::new(Budget::new(all_history_bytes));
        Self { remembered, retentions: Arc::new(retention.into()), budget }
    }

    /// Gives each channel a retention of its own.
    #[must_use]
    pub fn with_retentions(self, retentions: Arc<Retentions>) -> Self {
        Self { retentions, ..self }
    }

    /// Makes the broker remember where this many unused logs ended. Each takes some 130 bytes.
    #[must_use]
    pub fn remembering(self, logs: usize) -> Self {
        *lock(&self.remembered) = Remembered::new(logs);
        self
    }

    /// Gives the broker a fault.
    #[cfg(test)]
    pub(crate) fn with_fault(self, fault: Option<Fault>) -> Self {
        lock(&self.remembered).fault = fault;
        self
    }
}

impl Broker for Memory {
    fn open(&self, _: Duration, channel: &ChannelName) -> Box<dyn Log> {
        let Place { epoch, top } = lock(&self.remembered).begin(channel);
        Box::new(ChannelLog {
            channel: channel.clone(),
            epoch,
            top,
            kept: VecDeque::new(),
            bytes: 0,
            asked: self.retentions.ask(channel),
            retentions: Arc::clone(&self.retentions),
            budget: Arc::clone(&self.budget),
            remembered: Arc::clone(&self.remembered),
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
    channel: ChannelName,
    epoch: Arc<str>,
    top: u64,
    kept: VecDeque<(Duration, Line)>,
    bytes: usize,
    asked: Asked,
    retentions: Arc<Retentions>,
    budget: Arc<Budget>,
    /// Learns where this log ended once it is unused.
    remembered: Arc<Mutex<Remembered>>,
}

impl ChannelLog {
    fn keep(&mut self, now: Duration, line: Line) {
        self.bytes += line.cost();
        self.budget.used.fetch_add(line.cost(), Ordering::Relaxed);
        self.kept.push_back((now, line));
        self.trim(now);
    }

    fn trim(&mut self, now: Duration) {
        if !self.retentions.holds(&self.asked) {
            self.asked = self.retentions.ask(&self.channel);
        }
        let Retention { messages, age, bytes } = self.asked.retention;
        while let Some((published, _)) = self.kept.front() {
            let old = now.saturating_sub(*published) > age;
            let many = self.kept.len() > messages || self.bytes > bytes;
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

    /// Returns how many publications follow a position, if all of them are still there.
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
        publications: &mut dyn Iterator<Item = &Publication>,
        encode: Encode<'_>,
    ) -> Answer<Stretch<Line>> {
        let before = self.top;
        let mut items = Vec::with_capacity(publications.size_hint().0);
        for publication in publications {
            self.top += 1;
            let line = encode(self.top, publication);
            self.keep(now, line.clone());
            items.push(line);
        }
        Answer::Now(Ok(Stretch { epoch: Arc::clone(&self.epoch), before, items }))
    }

    /// No other node appends, so the count alone proves a position, even if the publication at it is gone.
    fn fetch(&mut self, now: Duration, _: Ticket, after: &[Position]) -> Answer<Vec<Stretch<Line>>> {
        self.trim(now);
        let missed = after.iter().filter_map(|position| self.missed(position)).max().unwrap_or(0);
        let items = self.kept.iter().skip(self.kept.len() - missed).map(|(_, line)| line.clone()).collect();
        Answer::Now(Ok(vec![Stretch { epoch: Arc::clone(&self.epoch), before: self.top - missed as u64, items }]))
    }

    fn watch(&mut self) {}

    fn unwatch(&mut self) {}

    fn is_blank(&self) -> bool {
        self.kept.is_empty()
    }

    /// An empty history needs no log: the broker remembers where the log ended.
    fn is_idle(&mut self, now: Duration) -> bool {
        self.trim(now);
        self.kept.is_empty()
    }
}

impl Drop for ChannelLog {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.top > 0 {
            let place = Place { epoch: Arc::clone(&self.epoch), top: self.top };
            lock(&self.remembered).leave(self.channel.clone(), place);
        }
    }
}

/// Locks a mutex even if its last holder panicked: no invariant spans two statements here.
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
        let publication = Publication::from(serde_json::json!(1));
        let mut encode = |at: u64, publication: &Publication| down::publication(&channel(), at, publication);
        log.append(now, TICKET, &mut std::iter::once(&publication), &mut encode);
    }

    /// Returns the log's only stretch, for a fetch after this offset of its epoch.
    fn fetch(log: &mut dyn Log, now: Duration, at: u64) -> Stretch<Line> {
        let stretch = |log: &mut dyn Log, after: &[Position]| match log.fetch(now, TICKET, after) {
            Answer::Now(Ok(mut stretches)) => stretches.remove(0),
            other => panic!("{other:?}"),
        };
        let epoch = stretch(log, &[]).epoch.as_ref().to_owned();
        stretch(log, &[Position { epoch, at }])
    }

    /// Returns how many publications follow this offset, if it is proven.
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
    fn a_log_that_was_forgotten_goes_on_where_it_stood() {
        let memory = Memory::new(Retention::default(), 10_000);
        let mut log = memory.open(Duration::ZERO, &channel());
        let blank = fetch(&mut *log, Duration::ZERO, 0).epoch;
        drop(log);
        let mut log = memory.open(Duration::ZERO, &channel());
        assert_eq!(fetch(&mut *log, Duration::ZERO, 0).epoch, blank);
        publish(&mut *log, Duration::ZERO);
        publish(&mut *log, Duration::ZERO);
        drop(log);
        let mut log = memory.open(Duration::ZERO, &channel());
        assert_eq!(fetch(&mut *log, Duration::ZERO, 2).epoch, blank);
        assert_eq!(after(&mut *log, Duration::ZERO, 2), Some(0), "nothing was missed");
        assert_eq!(after(&mut *log, Duration::ZERO, 1), None, "the history is gone");
        publish(&mut *log, Duration::ZERO);
        assert_eq!(after(&mut *log, Duration::ZERO, 2), Some(1));
        assert!(log.is_idle(Retention::default().age * 2));
    }
}
