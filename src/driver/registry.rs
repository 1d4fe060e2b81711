//! Sessions by their secret, and how a hello finds, makes or misses one.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::debug;

use super::Driver;
use super::handle::Handle;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::up::Hello;
use crate::protocol::{Secret, SessionId};
use crate::session::server::{Resolution, ServerSession, resolve};

/// What a client that was turned away for want of room waits.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A session, found by its secret.
struct BySecret(Arc<Handle>);

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

/// See the module.
pub(super) struct Registry {
    sessions: Mutex<HashSet<BySecret>>,
    keys: AtomicU64,
    most: usize,
}

impl Registry {
    pub(super) fn new(most: usize) -> Self {
        Self { sessions: Mutex::default(), keys: AtomicU64::new(0), most }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn all(&self) -> Vec<Arc<Handle>> {
        self.lock().iter().map(|BySecret(session)| Arc::clone(session)).collect()
    }

    pub(super) fn remove(&self, session: &Arc<Handle>) {
        let mut sessions = self.lock();
        if sessions.get(&session.secret).is_some_and(|BySecret(held)| Arc::ptr_eq(held, session)) {
            sessions.remove(&session.secret);
        }
    }

    /// A key for something that subscribes.
    pub(super) fn next_key(&self) -> u64 {
        self.keys.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<BySecret>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// The session a hello is about; `None` is `gone` (rule 2).
    pub(super) fn find(self: &Arc<Self>, hello: &Hello, may_create: bool) -> Result<Option<Arc<Handle>>, Refusal> {
        let mut sessions = self.registry.lock();
        let held = sessions.get(&hello.secret).map(|BySecret(session)| Arc::clone(session));
        match resolve(held.as_ref().map(|session| &session.id), hello, may_create) {
            Resolution::Join => Ok(held),
            Resolution::Gone => Ok(None),
            Resolution::Create if self.is_draining() => Err(going_away()),
            Resolution::Create if sessions.len() >= self.registry.most => {
                let message = format!(
                    "this gateway holds {} sessions; its limit `sessions` is {}",
                    sessions.len(),
                    self.registry.most
                );
                Err(Refusal::new(Code::Full, message).retry_after(RETRY_AFTER))
            }
            Resolution::Create => {
                let session = self.create(hello);
                sessions.insert(BySecret(Arc::clone(&session)));
                Ok(Some(session))
            }
        }
    }

    fn create(self: &Arc<Self>, hello: &Hello) -> Arc<Handle> {
        self.counters.sessions_created.inc();
        let Ok(id) = SessionId::try_from(uuid::Uuid::new_v4().to_string()) else {
            unreachable!("a UUID is 36 printable characters")
        };
        debug!(session = %id, "a session is made");
        let session = ServerSession::new(self.now(), id, self.settings());
        Handle::new(self.registry.next_key(), hello.secret.clone(), Arc::downgrade(self), session)
    }
}

/// Why nothing new is taken while the gateway drains.
pub(super) fn going_away() -> Refusal {
    Refusal::new(Code::Draining, "this gateway is going away").retry_after(RETRY_AFTER)
}
