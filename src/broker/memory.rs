//! One channel's log in memory: offsets, an epoch, and a history bounded in count, age and bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::protocol::frame::Payload;
use crate::protocol::{ChannelName, Line, Position, down};

/// How long publications are kept for those who come back. Whichever bound is reached first holds.
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
pub struct Budget {
    used: AtomicUsize,
    most: usize,
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { used: AtomicUsize::new(0), most }
    }

    fn is_exceeded(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.most
    }
}

/// See the module. `now` is a monotonic time since any fixed origin.
#[derive(Debug)]
pub struct ChannelLog {
    epoch: Arc<str>,
    top: u64,
    kept: VecDeque<(Duration, Line)>,
    bytes: usize,
    touched: Duration,
    retention: Retention,
    budget: Arc<Budget>,
}

impl ChannelLog {
    /// An empty log in this epoch. No log of the same channel may have had publications in it.
    #[must_use]
    pub const fn new(now: Duration, epoch: Arc<str>, retention: Retention, budget: Arc<Budget>) -> Self {
        Self { epoch, top: 0, kept: VecDeque::new(), bytes: 0, touched: now, retention, budget }
    }

    /// Gives a publication the next offset, encodes it once, and keeps it.
    pub fn append(&mut self, now: Duration, channel: &ChannelName, payload: &Payload) -> Line {
        self.top += 1;
        self.touched = now;
        let line = down::publication(channel, self.top, payload);
        self.bytes += line.cost();
        self.budget.used.fetch_add(line.cost(), Ordering::Relaxed);
        self.kept.push_back((now, line.clone()));
        self.trim(now);
        line
    }

    /// The offset of the last publication.
    #[must_use]
    pub const fn top(&self) -> u64 {
        self.top
    }

    /// Where the log stands.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { epoch: self.epoch.as_ref().to_owned(), at: self.top }
    }

    /// What was published after a position, if all of it is still there.
    pub fn since(&mut self, now: Duration, position: &Position) -> Option<impl Iterator<Item = &Line>> {
        self.trim(now);
        let missed = self.top.checked_sub(position.at).filter(|_| *position.epoch == *self.epoch)?;
        let missed = usize::try_from(missed).ok().filter(|missed| *missed <= self.kept.len())?;
        Some(self.kept.iter().skip(self.kept.len() - missed).map(|(_, line)| line))
    }

    /// Whether nothing would be lost by forgetting the log: nothing was ever published, or it is empty and nobody published for the
    /// age of its history.
    pub fn is_idle(&mut self, now: Duration) -> bool {
        self.trim(now);
        self.top == 0 || (self.kept.is_empty() && now.saturating_sub(self.touched) >= self.retention.age)
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
}

/// Returns an epoch that no log was in.
#[must_use]
pub fn fresh_epoch() -> Arc<str> {
    uuid::Uuid::new_v4().simple().to_string().into()
}

impl Drop for ChannelLog {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn log(messages: usize, budget: usize) -> ChannelLog {
        let retention = Retention { messages, age: SECOND * 10, bytes: 10_000 };
        ChannelLog::new(Duration::ZERO, fresh_epoch(), retention, Arc::new(Budget::new(budget)))
    }

    fn publish(log: &mut ChannelLog, now: Duration) {
        let channel = ChannelName::try_from("c").unwrap();
        log.append(now, &channel, &Payload::Json("1".into()));
    }

    fn after(log: &mut ChannelLog, now: Duration, at: u64) -> Option<usize> {
        let epoch = log.position().epoch;
        log.since(now, &Position { epoch, at }).map(Iterator::count)
    }

    #[test]
    fn exactly_what_was_missed_is_given_or_nothing() {
        let mut log = log(3, 10_000);
        for _ in 0..5 {
            publish(&mut log, Duration::ZERO);
        }
        assert_eq!(after(&mut log, Duration::ZERO, 5), Some(0));
        assert_eq!(after(&mut log, Duration::ZERO, 2), Some(3));
        assert_eq!(after(&mut log, Duration::ZERO, 1), None, "offset 2 is gone");
        assert_eq!(after(&mut log, Duration::ZERO, 6), None, "never published");
        assert!(log.since(Duration::ZERO, &Position { epoch: "other".into(), at: 5 }).is_none());
    }

    #[test]
    fn a_log_without_publications_is_idle_at_once() {
        let mut log = log(9, 10_000);
        assert!(log.is_idle(Duration::ZERO));
        publish(&mut log, Duration::ZERO);
        assert!(!log.is_idle(Duration::ZERO));
    }

    #[test]
    fn history_ends_by_age_and_by_the_budget_of_the_node() {
        let mut old = log(9, 10_000);
        publish(&mut old, Duration::ZERO);
        assert_eq!(after(&mut old, SECOND * 11, 0), None);
        assert!(old.is_idle(SECOND * 11));
        let mut poor = log(9, 40);
        publish(&mut poor, Duration::ZERO);
        publish(&mut poor, Duration::ZERO);
        assert_eq!(after(&mut poor, Duration::ZERO, 0), None);
        assert_eq!(after(&mut poor, Duration::ZERO, 1), Some(1));
    }
}
