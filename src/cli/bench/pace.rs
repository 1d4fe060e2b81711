//! The open-loop schedule: when each message is due, whatever became of the messages before it.
//!
//! This keeps coordinated omission out. The gateway or this program may be too busy to send a message in time. The
//! message is then sent late, but counted from when it was due. So a stall shows in every message that it held up, and
//! not in one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;

/// Schedules begin on multiples of this, so several senders wake at once, not each by itself.
pub(super) const GRAIN: Duration = Duration::from_micros(250);

/// One sender's messages: so many, at equal distances.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) first: Instant,
    pub(super) interval: Duration,
    pub(super) count: u64,
}

impl Schedule {
    /// Returns when the message with this number, from 1, is due, or none if there is no such message.
    pub(super) fn due(&self, number: u64) -> Option<Instant> {
        let passed = u32::try_from(number.checked_sub(1)?).ok()?;
        (number <= self.count).then(|| self.first + self.interval * passed)
    }
}

/// A sender's place with the pacer, which wakes it there when a message is due.
#[derive(Debug, Default, Clone)]
pub(super) struct Seat(Arc<AtomicWaker>);

impl Seat {
    pub(super) fn register(&self, cx: &std::task::Context<'_>) {
        self.0.register(cx.waker());
    }
}

/// Wakes each sender at each of its times. It has a thread of its own, which ends with the last of the times, or with
/// the pacer. A runtime's timers would be late by up to a millisecond, which is more than a message takes on one
/// machine.
#[derive(Debug)]
pub(super) struct Pacer {
    thread: Thread,
    alive: Option<Arc<()>>,
}

impl Pacer {
    /// # Errors
    /// The system's error, if it has no thread to give.
    pub(super) fn start(senders: Vec<(Schedule, Seat)>) -> io::Result<Self> {
        let alive = Arc::new(());
        let watched = Arc::downgrade(&alive);
        let name = thread::Builder::new().name("pacer".to_owned());
        let started = name.spawn(move || pace(&senders, || watched.strong_count() > 0))?;
        Ok(Self { thread: started.thread().clone(), alive: Some(alive) })
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.alive = None;
        self.thread.unpark();
    }
}

fn pace(senders: &[(Schedule, Seat)], alive: impl Fn() -> bool) {
    let due = |place: usize, number| senders[place].0.due(number).map(|due| Reverse((due, place, number)));
    let mut queue: BinaryHeap<_> = (0..senders.len()).filter_map(|place| due(place, 1)).collect();
    while let Some(Reverse((next, place, number))) = queue.peek().copied()
        && alive()
    {
        let wait = next.saturating_duration_since(Instant::now());
        if !wait.is_zero() {
            thread::park_timeout(wait);
            continue;
        }
        queue.pop();
        queue.extend(due(place, number + 1));
        senders[place].1.0.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_goes_by_the_clock_alone() {
        let (first, interval) = (Instant::now(), Duration::from_millis(10));
        let schedule = Schedule { first, interval, count: 3 };
        assert_eq!(schedule.due(0), None);
        assert_eq!(schedule.due(1), Some(first));
        assert_eq!(schedule.due(3), Some(first + 2 * interval));
        assert_eq!(schedule.due(4), None);
    }
}
