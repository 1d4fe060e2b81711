//! The sessions of this node, by their secret.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::session::Session;
use crate::protocol::Secret;
use crate::protocol::code::{Leaving, Limit, Refusal};
use crate::protocol::up::Hello;
use crate::session::server::{Resolution, resolve};

/// A session, found by its secret.
struct BySecret(Arc<Session>);

impl Borrow<Secret> for BySecret {
    fn borrow(&self) -> &Secret {
        &self.0.secret
    }
}

impl Hash for BySecret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.secret.hash(state);
    }
}

impl PartialEq for BySecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.secret == other.0.secret
    }
}

impl Eq for BySecret {}

/// All sessions of this node.
pub(super) struct Sessions {
    by_secret: Mutex<HashSet<BySecret>>,
    keys: AtomicU64,
    most: usize,
    /// The sessions without a token, where every user needs one.
    guests: AtomicUsize,
}

impl Sessions {
    pub(super) fn new(most: usize) -> Self {
        Self { by_secret: Mutex::default(), keys: AtomicU64::new(0), most, guests: AtomicUsize::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.lock().iter().map(|BySecret(session)| Arc::clone(session)).collect()
    }

    /// Returns the session that a hello names, or `None` for `gone` (rule 2).
    pub(super) fn find(&self, hello: &Hello) -> Option<Arc<Session>> {
        let held = self.lock().get(&hello.secret).map(|BySecret(session)| Arc::clone(session));
        held.filter(|held| resolve(Some(&held.id), hello, false) == Resolution::Join)
    }

    /// Finds the session of a hello. If there is none and the hello may create one, `create` does so.
    pub(super) fn find_or_create(
        &self,
        hello: &Hello,
        create: impl FnOnce() -> Result<Arc<Session>, Refusal>,
    ) -> Result<Option<Arc<Session>>, Refusal> {
        let mut sessions = self.lock();
        let held = sessions.get(&hello.secret).map(|BySecret(session)| Arc::clone(session));
        match resolve(held.as_ref().map(|session| &session.id), hello, true) {
            Resolution::Join => Ok(held),
            Resolution::Gone => Ok(None),
            Resolution::Create => {
                let session = self.if_there_is_room(sessions.len(), create)?;
                sessions.insert(BySecret(Arc::clone(&session)));
                Ok(Some(session))
            }
        }
    }

    pub(super) fn remove(&self, session: &Arc<Session>) {
        let mut sessions = self.lock();
        if sessions.get(&session.secret).is_some_and(|BySecret(held)| Arc::ptr_eq(held, session)) {
            sessions.remove(&session.secret);
            if session.identity().is_guest {
                self.guests.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Counts a guest. At most a tenth of the sessions may be guests, so that strangers leave room for users.
    ///
    /// # Errors
    /// There are too many guests.
    pub(super) fn admit_guest(&self) -> Result<(), Refusal> {
        let (held, limit) = (self.guests.load(Ordering::Relaxed), (self.most / 10).max(1));
        if held >= limit {
            return Err(Limit::Guests { held, limit }.into());
        }
        self.guests.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Returns a key for a new subscriber.
    pub(super) fn next_key(&self) -> u64 {
        self.keys.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn if_there_is_room<T>(&self, held: usize, create: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
        if held >= self.most {
            return Err(Limit::Sessions { held, limit: self.most }.into());
        }
        create()
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<BySecret>> {
        self.by_secret.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the refusal for all new sessions and legs while the node drains.
pub(super) fn going_away() -> Refusal {
    Leaving::Gateway.into()
}
