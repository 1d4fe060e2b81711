//! The sessions of this node, by their secret.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;
use super::session::Session;
use super::tally::{Holder, Tally};
use crate::backend::Identity;
use crate::protocol::Secret;
use crate::protocol::code::{Holder as Of, Leaving, Limit, Refusal};
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
    held: Mutex<Held>,
    keys: AtomicU64,
    limits: Limits,
}

/// The sessions, and their counts by holder.
#[derive(Default)]
struct Held {
    by_secret: HashSet<BySecret>,
    /// The sessions without a token, where every user needs one.
    guests: usize,
    /// The sessions of each user and each address.
    tally: Tally,
}

/// A client that asks for a session.
#[derive(Clone, Copy)]
pub(super) struct Newcomer<'a> {
    pub(super) identity: &'a Identity,
    pub(super) address: Option<IpAddr>,
}

impl Sessions {
    pub(super) fn new(limits: Limits) -> Self {
        Self { held: Mutex::default(), keys: AtomicU64::new(0), limits }
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn len(&self) -> usize {
        self.lock().by_secret.len()
    }

    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.lock().by_secret.iter().map(|BySecret(session)| Arc::clone(session)).collect()
    }

    /// Returns the session that a hello names, or `None` for `gone` (rule 2).
    pub(super) fn find(&self, hello: &Hello) -> Option<Arc<Session>> {
        let held = self.lock().by_secret.get(&hello.secret).map(|BySecret(session)| Arc::clone(session));
        held.filter(|held| resolve(Some(&held.id), hello, false) == Resolution::Join)
    }

    /// Finds the session of a hello. If there is none and the hello may create one, `create` does so, and gets the
    /// address among the holders of sessions.
    ///
    /// # Errors
    /// That of `create`, or a limit of sessions is reached.
    pub(super) fn find_or_create(
        &self,
        hello: &Hello,
        newcomer: Newcomer<'_>,
        create: impl FnOnce(Option<Holder>) -> Result<Arc<Session>, Refusal>,
    ) -> Result<Option<Arc<Session>>, Refusal> {
        let mut sessions = self.lock();
        let held = sessions.by_secret.get(&hello.secret).map(|BySecret(session)| Arc::clone(session));
        match resolve(held.as_ref().map(|session| &session.id), hello, true) {
            Resolution::Join => Ok(held),
            Resolution::Gone => Ok(None),
            Resolution::Create => {
                let address =
                    self.limits.counted(newcomer.address).map(|address| sessions.tally.holder(("address", address)));
                sessions.check_room(&self.limits, newcomer.identity, address)?;
                let session = create(address)?;
                sessions.count(&session, Tally::add, |guests| guests + 1);
                sessions.by_secret.insert(BySecret(Arc::clone(&session)));
                Ok(Some(session))
            }
        }
    }

    pub(super) fn remove(&self, session: &Arc<Session>) {
        let mut sessions = self.lock();
        if sessions.by_secret.get(&session.secret).is_some_and(|BySecret(held)| Arc::ptr_eq(held, session)) {
            sessions.by_secret.remove(&session.secret);
            sessions.count(session, Tally::remove, |guests| guests.saturating_sub(1));
        }
    }

    /// Returns a key for a new subscriber.
    pub(super) fn next_key(&self) -> u64 {
        self.keys.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Checks whether a client may have another session. At most a tenth of the sessions may be guests, so that
    /// strangers leave room for users.
    fn check_room(&self, limits: &Limits, identity: &Identity, address: Option<Holder>) -> Result<(), Refusal> {
        let (held, limit) = (self.by_secret.len(), limits.sessions);
        if held >= limit {
            return Err(Limit::Sessions { held, limit }.into());
        }
        let (held, limit) = (self.guests, (limits.sessions / 10).max(1));
        if identity.is_guest && held >= limit {
            return Err(Limit::Guests { held, limit }.into());
        }
        let check = |of: Of, holder: Option<Holder>, limit: usize| {
            let held = holder.map_or(0, |holder| self.tally.held(holder));
            if holder.is_some() && held >= limit { Err(Limit::SessionsOf { of, held }) } else { Ok(()) }
        };
        check(Of::User, self.user(identity), limits.sessions_per_user)?;
        check(Of::Address, address, limits.sessions_per_address)?;
        check(Of::Guests, self.guests_of(identity, address), limits.guests_per_address)?;
        Ok(())
    }

    /// Adds a session to what its holders have, or removes it.
    fn count(&mut self, session: &Session, change: fn(&mut Tally, Holder), guests: fn(usize) -> usize) {
        let identity = session.identity();
        let (user, guest) = (self.user(&identity), self.guests_of(&identity, session.address));
        user.into_iter().chain(session.address).chain(guest).for_each(|holder| change(&mut self.tally, holder));
        if identity.is_guest {
            self.guests = guests(self.guests);
        }
    }

    fn user(&self, identity: &Identity) -> Option<Holder> {
        identity.user.as_deref().map(|user| self.tally.holder(("user", user)))
    }

    /// Returns the address as the holder of guests, for a guest.
    fn guests_of(&self, identity: &Identity, address: Option<Holder>) -> Option<Holder> {
        address.filter(|_| identity.is_guest).map(|address| self.tally.holder(("guests", address)))
    }
}

/// Returns the refusal for all new sessions and legs while the node drains.
pub(super) fn going_away() -> Refusal {
    Leaving::Gateway.into()
}
