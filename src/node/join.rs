//! From a hello to its session: the backend judges the client, then the session is found or created.

use std::sync::Arc;

use tracing::debug;

use super::Node;
use super::judgements::Verdict;
use super::session::Session;
use super::sessions::going_away;
use crate::backend::decision::Decision;
use crate::backend::{Connecting, Identity};
use crate::protocol::SessionId;
use crate::protocol::code::Refusal;
use crate::protocol::up::Hello;
use crate::session::server::ServerSession;

impl Node {
    /// Lets the backend judge a client that wants to attach a leg.
    pub(super) fn judge(&self, hello: &Hello) -> Decision<Verdict> {
        match self.backend.connect(&Connecting { token: hello.token.as_ref() }) {
            Decision::Now(verdict) => Decision::Now(verdict),
            Decision::Later(asked) => Decision::Later(self.judgements.wait(hello, asked, self.leaving.subscribe())),
        }
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
        identity: &Identity,
        offered: bool,
    ) -> Result<Option<Arc<Session>>, Refusal> {
        let session = match &hello.id {
            Some(_) => named,
            None if offered => self.sessions.find_or_create(hello, || self.create(hello, identity))?,
            None => self.sessions.find(hello),
        };
        // A session belongs to its user. For any other user its secret is unknown.
        Ok(session.filter(|session| session.identity == *identity))
    }

    fn create(&self, hello: &Hello, identity: &Identity) -> Result<Arc<Session>, Refusal> {
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
        Ok(Session::new(key, secret, identity.clone(), session, (self.clock, Arc::clone(&self.counters))))
    }
}
