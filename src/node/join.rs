//! From a hello to its session: the backend judges the client, then the session is found or created.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use tracing::debug;

use super::Node;
use super::judgements::{Verdict, Waiting};
use super::session::Session;
use super::sessions::{Newcomer, going_away};
use super::tally::Holder;
use crate::backend::Identity;
use crate::backend::access::Admitted;
use crate::backend::decision::Decision;
use crate::protocol::SessionId;
use crate::protocol::code::{Mistake, Refusal};
use crate::protocol::token::Token;
use crate::protocol::up::Hello;
use crate::session::server::{Right, ServerSession};

/// A judgement about a hello, now or later.
pub(super) enum Judged {
    Now(Verdict),
    Later(Waiting),
}

impl Node {
    /// Lets the backend judge a client that wants to attach a leg, by the token in its hello or its request.
    pub(super) fn judge(&self, hello: &Hello, token: Option<&Token>) -> Judged {
        match self.access.connect(token) {
            Decision::Now(verdict) => Judged::Now(verdict),
            Decision::Later(asked) => {
                Judged::Later(self.judgements.wait(hello, token, asked, self.leaving.subscribe()))
            }
        }
    }

    /// Counts a new leg of an address.
    ///
    /// # Errors
    /// The address attaches too often.
    pub(super) fn spend_attach(&self, address: Option<IpAddr>) -> Result<(), Refusal> {
        self.attaches.spend(self.sessions.limits(), self.clock.now(), address)
    }

    /// Returns the session that a hello names by its id.
    pub(super) fn named(&self, hello: &Hello) -> Option<Arc<Session>> {
        hello.id.as_ref()?;
        self.sessions.find(hello)
    }

    /// Returns the session of a judged hello, or `None` for `gone` (rule 2). `named` is the result of
    /// [`Self::named`]. A hello without an id may create a session, but only if the leg's transport is `offered`.
    pub(super) fn join(
        &self,
        hello: &Hello,
        named: Option<Arc<Session>>,
        admitted: &Admitted,
        (address, offered): (Option<IpAddr>, bool),
    ) -> Result<Option<Arc<Session>>, Refusal> {
        let identity = &admitted.identity;
        let session = match &hello.id {
            Some(_) => named,
            None if offered => {
                let newcomer = Newcomer { identity, address };
                self.sessions.find_or_create(hello, newcomer, |address| self.create(hello, identity, address))?
            }
            None => self.sessions.find(hello),
        };
        let Some(session) = session else { return Ok(None) };
        let holder = session.identity();
        if holder.user.is_some() && identity.user.is_none() && self.access.checks_tokens() {
            return Err(Mistake::NoToken.into());
        }
        // A session belongs to its user (rule 13). For any other user its secret is unknown.
        let is_same = holder.user == identity.user && holder.is_guest == identity.is_guest;
        if is_same {
            session.renew(identity);
        }
        Ok(Some(session).filter(|_| is_same))
    }

    /// Returns the right of an admitted client, on the sessions' clock. `None` in open mode.
    pub(super) fn right_of(&self, Admitted { identity, until }: &Admitted) -> Option<Box<Right>> {
        let until = until.map(|until| self.clock.now() + until.duration_since(SystemTime::now()).unwrap_or_default());
        let has_right = identity.user.is_some() || until.is_some();
        has_right.then(|| Box::new(Right { user: identity.user.clone(), until }))
    }

    fn create(
        &self,
        hello: &Hello,
        identity: &Arc<Identity>,
        address: Option<Holder>,
    ) -> Result<Arc<Session>, Refusal> {
        if self.is_draining() {
            return Err(going_away());
        }
        self.counters.sessions_created.inc();
        let Ok(id) = SessionId::try_from(uuid::Uuid::new_v4().to_string()) else {
            unreachable!("a UUID is 36 printable characters")
        };
        debug!(session = %id, "a session is made");
        let session = ServerSession::new(self.clock.now(), id, self.settings.get());
        let (key, secret) = (self.sessions.next_key(), hello.secret.clone());
        let (holder, session) = ((Arc::clone(identity), address), (session, Arc::clone(&self.relief.kept)));
        Ok(Session::new(key, secret, holder, session, (self.clock, Arc::clone(&self.counters))))
    }
}
