//! One deadline a session, and one task for all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::handle::Handle;
use crate::session::Time;

/// What of one session is among the deadlines. One that was armed before an earlier one stays: a session whose next deadline is now
/// moments away, now far, does not leave another behind each time.
#[derive(Debug, Default)]
pub(super) struct Armed {
    next: Option<Time>,
    later: Option<Time>,
}

impl Armed {
    /// Whether this is to be armed: nothing fires by then.
    pub(super) fn arm(&mut self, at: Time) -> bool {
        let sooner = self.next.is_none_or(|next| at < next);
        if sooner {
            self.later = self.later.or(self.next);
            self.next = Some(at);
        }
        sooner
    }

    /// It fired. Whether it is the session's next.
    pub(super) fn fired(&mut self, at: Time) -> bool {
        if self.later == Some(at) {
            // It waited for the session while an earlier one was armed, and is gone all the same.
            self.later = None;
            return false;
        }
        let next = self.next == Some(at);
        if next {
            self.next = self.later.take();
        }
        next
    }
}

/// Deadlines by time. What a session does not know of any more fires, and finds nothing to do.
#[derive(Default)]
pub(super) struct Timers {
    deadlines: Mutex<BTreeMap<(Time, u64), Weak<Handle>>>,
    earlier: Notify,
}

impl Timers {
    pub(super) fn arm(&self, at: Time, session: &Arc<Handle>) {
        let mut deadlines = self.lock();
        let first = deadlines.first_key_value().is_none_or(|((earliest, _), _)| at < *earliest);
        deadlines.insert((at, session.key), Arc::downgrade(session));
        drop(deadlines);
        if first {
            self.earlier.notify_one();
        }
    }

    /// Fires what comes due. May be dropped and called again at any await.
    pub(super) async fn run(&self, origin: Instant) {
        loop {
            let next = self.lock().first_key_value().map(|((at, _), _)| origin + *at);
            match next {
                None => self.earlier.notified().await,
                Some(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => self.fire(origin.elapsed()),
                        () = self.earlier.notified() => {}
                    }
                }
            }
        }
    }

    fn fire(&self, now: Time) {
        loop {
            let mut deadlines = self.lock();
            let Some(entry) = deadlines.first_entry().filter(|entry| entry.key().0 <= now) else {
                return;
            };
            let ((at, _), session) = entry.remove_entry();
            drop(deadlines);
            if let Some(session) = session.upgrade() {
                session.timer_fired(at, now);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Time, u64), Weak<Handle>>> {
        self.deadlines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn only_what_comes_sooner_is_armed_and_what_was_armed_before_it_is_known() {
        let mut armed = Armed::default();
        assert!(armed.arm(at(100)) && !armed.arm(at(100)) && !armed.arm(at(200)));
        assert!(armed.arm(at(10)) && armed.fired(at(10)));
        // It fires anyway: nothing is armed for what is due then or later.
        assert!(!armed.arm(at(150)) && armed.arm(at(20)));
        assert!(!armed.fired(at(7)));
        assert!(armed.fired(at(20)) && armed.fired(at(100)) && armed.arm(at(300)));
    }

    /// 1. A deadline comes, and waits for the session's lock.
    /// 2. Who holds that arms an earlier one, by a clock that was read before.
    /// 3. The first was taken for still armed: it lay in the past, so nothing was armed any more.
    #[test]
    fn a_deadline_that_fires_behind_an_earlier_one_that_was_armed_meanwhile_is_gone() {
        let mut armed = Armed::default();
        assert!(armed.arm(at(100)) && armed.arm(at(99)));
        assert!(!armed.fired(at(100)) && armed.fired(at(99)));
        assert!(armed.arm(at(200)));
    }
}
