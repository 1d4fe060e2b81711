//! Limits a kind of log entry to one in a minute, and counts the others: strangers must not make a log grow fast.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long further events of the kind are only counted.
const PAUSE: Duration = Duration::from_secs(60);

/// The limit on one kind of log entry. The time is an argument, measured from any fixed moment.
#[derive(Debug, Default)]
pub struct Seldom {
    /// When the next entry may be logged, in milliseconds.
    next: AtomicU64,
    untold: AtomicU64,
}

impl Seldom {
    /// Notes another event. If it must be logged, returns how many events before it were not.
    pub fn happened(&self, now: Duration) -> Option<u64> {
        let now = crate::session::milliseconds(now);
        let due = self.next.load(Ordering::Relaxed);
        let next = now + crate::session::milliseconds(PAUSE);
        // If several threads race, one of them logs.
        let says = now >= due && self.next.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if says {
            return Some(self.untold.swap(0, Ordering::Relaxed));
        }
        self.untold.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_in_a_minute_is_logged_with_the_number_of_those_that_were_not() {
        let seldom = Seldom::default();
        let at = |second| seldom.happened(Duration::from_secs(second));
        assert_eq!([at(0), at(1), at(59)], [Some(0), None, None]);
        assert_eq!([at(60), at(61)], [Some(2), None]);
        assert_eq!(at(1000), Some(1));
    }
}
