//! Says the first of its kind in a minute, and counts the others: a log must not grow as fast as strangers can ask.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long others of the kind are only counted.
const PAUSE: Duration = Duration::from_secs(60);

/// See the module. The time is an argument: since any fixed moment.
#[derive(Debug, Default)]
pub struct Seldom {
    /// In milliseconds.
    next: AtomicU64,
    untold: AtomicU64,
}

impl Seldom {
    /// One more has happened. If it is to be said, how many before it were not.
    pub fn happened(&self, now: Duration) -> Option<u64> {
        let now = crate::session::milliseconds(now);
        let due = self.next.load(Ordering::Relaxed);
        let next = now + crate::session::milliseconds(PAUSE);
        // Of several at once, one says it.
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
    fn the_first_in_a_minute_is_said_with_the_number_of_those_that_were_not() {
        let seldom = Seldom::default();
        let at = |second| seldom.happened(Duration::from_secs(second));
        assert_eq!([at(0), at(1), at(59)], [Some(0), None, None]);
        assert_eq!([at(60), at(61)], [Some(2), None]);
        assert_eq!(at(1000), Some(1));
    }
}
