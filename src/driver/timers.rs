//! One deadline for each session, and one task for all of them. It knows nothing of a session but its key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::session::Time;

/// The armed deadlines of one session. Arming an earlier deadline keeps the later one. So a session whose next
/// deadline is now moments away, now far, does not leave another one behind each time.
#[derive(Debug, Default)]
pub(super) struct Armed {
    next: Option<Time>,
    later: Option<Time>,
}

impl Armed {
    /// Notes a deadline. Returns true if it must be armed, because nothing fires by then.
    pub(super) fn arm(&mut self, at: Time) -> bool {
        let sooner = self.next.is_none_or(|next| at < next);
        if sooner {
            self.later = self.later.or(self.next);
            self.next = Some(at);
        }
        sooner
    }

    /// Notes that a deadline fired. Returns true if it was the session's next.
    pub(super) fn fired(&mut self, at: Time) -> bool {
        if self.later == Some(at) {
            // It waited for the session's lock while an earlier one was armed. Either way it is gone.
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

/// Deadlines by time. `S` is the owner's handle of a session. A deadline that its session no longer knows fires and
/// finds nothing due.
pub struct Timers<S> {
    deadlines: Mutex<BTreeMap<(Time, u64), Weak<S>>>,
    earlier: Notify,
}

impl<S> Default for Timers<S> {
    fn default() -> Self {
        Self { deadlines: Mutex::default(), earlier: Notify::default() }
    }
}

impl<S> Timers<S> {
    /// Arms a deadline of a session, which `key` names.
    pub fn arm(&self, at: Time, key: u64, session: &Arc<S>) {
        let mut deadlines = self.lock();
        let first = deadlines.first_key_value().is_none_or(|((earliest, _), _)| at < *earliest);
        deadlines.insert((at, key), Arc::downgrade(session));
        drop(deadlines);
        if first {
            self.earlier.notify_one();
        }
    }

    /// Fires the deadlines that come due. The caller may drop the future at any await, and call it again.
    pub async fn run(&self, origin: Instant, fired: impl Fn(&Arc<S>, Time)) {
        loop {
            let next = self.lock().first_key_value().map(|((at, _), _)| origin + *at);
            match next {
                None => self.earlier.notified().await,
                Some(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => self.fire(origin.elapsed(), &fired),
                        () = self.earlier.notified() => {}
                    }
                }
            }
        }
    }

    fn fire(&self, now: Time, fired: impl Fn(&Arc<S>, Time)) {
        loop {
            let mut deadlines = self.lock();
            let Some(entry) = deadlines.first_entry().filter(|entry| entry.key().0 <= now) else {
                return;
            };
            let ((at, _), session) = entry.remove_entry();
            drop(deadlines);
            if let Some(session) = session.upgrade() {
                fired(&session, at);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Time, u64), Weak<S>>> {
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
        // The later deadline fires in any case, so anything due at that time or later needs no arming.
        assert!(!armed.arm(at(150)) && armed.arm(at(20)));
        assert!(!armed.fired(at(7)));
        assert!(armed.fired(at(20)) && armed.fired(at(100)) && armed.arm(at(300)));
    }

    /// 1. A deadline comes, and waits for the session's lock.
    /// 2. The lock's holder arms an earlier one, by a clock that it read before.
    /// 3. Once, the first counted as still armed. It lay in the past, so no deadline was armed any more.
    #[test]
    fn a_deadline_that_fires_behind_an_earlier_one_that_was_armed_meanwhile_is_gone() {
        let mut armed = Armed::default();
        assert!(armed.arm(at(100)) && armed.arm(at(99)));
        assert!(!armed.fired(at(100)) && armed.fired(at(99)));
        assert!(armed.arm(at(200)));
    }
}
