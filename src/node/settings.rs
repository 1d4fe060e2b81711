//! The settings of sessions to come, which may change while the gateway runs. An existing session keeps its
//! settings.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::protocol::Transport;
use crate::session::server::Settings;

/// The settings of sessions to come.
pub(super) struct Shared {
    settings: Mutex<Arc<Settings>>,
    /// Held while the transports change, so that all sessions learn of the changes in one order.
    offering: Mutex<()>,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings: Mutex::new(Arc::new(settings)), offering: Mutex::default() }
    }

    pub(super) fn get(&self) -> Arc<Settings> {
        Arc::clone(&lock(&self.settings))
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(Arc::make_mut(&mut lock(&self.settings)));
    }

    /// Offers other transports from now on, and calls `tell` for the living sessions. Nothing happens if these
    /// transports are offered already.
    pub(super) fn offer(&self, transports: &Arc<[Transport]>, tell: impl FnOnce()) {
        let _one_by_one = lock(&self.offering);
        if self.get().transports == *transports {
            return;
        }
        // The settings change first, then the living sessions are told. A session that is created meanwhile is told
        // twice, and none is left out.
        self.change(|settings| settings.transports = Arc::clone(transports));
        tell();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
