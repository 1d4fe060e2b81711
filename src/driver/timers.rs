//! One deadline a session, and one task for all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::handle::Handle;
use crate::session::Time;

/// Deadlines by time. A session that armed an earlier one leaves the later behind; it fires and finds nothing to do.
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
