//! Fresh tokens of living sessions: their check, and the subscriptions that they no longer grant.

use std::sync::Arc;
use std::task::Waker;

use tracing::debug;

use super::Node;
use super::judgements::Verdict;
use super::session::Session;
use crate::backend::Asker;
use crate::backend::access::Asking;
use crate::backend::decision::Decision;
use crate::backend::rules::Rules;
use crate::driver::cycle;
use crate::hub::Subscriber as _;
use crate::protocol::token::Token;
use crate::protocol::{LegNumber, down};
use crate::session::server::Input;

impl Node {
    /// Checks a fresh token, and tells the session the outcome.
    pub(super) fn check_fresh(self: &Arc<Self>, session: &Arc<Session>, leg: LegNumber, token: &Token) {
        match self.access.connect(Some(token)) {
            Decision::Now(verdict) => self.renewed(session, leg, verdict),
            Decision::Later(verdict) => {
                // The attach limit bounds these tasks, and so does the key server's timeout.
                let (node, session) = (Arc::downgrade(self), Arc::downgrade(session));
                tokio::spawn(async move {
                    let verdict = verdict.await;
                    if let (Some(node), Some(session)) = (node.upgrade(), session.upgrade()) {
                        node.renewed(&session, leg, verdict);
                    }
                });
            }
        }
    }

    fn renewed(&self, session: &Arc<Session>, leg: LegNumber, verdict: Verdict) {
        let outcome = verdict.and_then(|admitted| {
            let right = self.right_of(&admitted).ok_or(crate::protocol::code::Mistake::OtherUser)?;
            if session.identity().user == admitted.identity.user {
                session.renew(&admitted.identity);
            }
            Ok(right)
        });
        if let Err(refusal) = &outcome {
            self.counters.note(refusal);
        }
        let is_renewed = outcome.is_ok();
        // The session answers a refusal itself. A session that is over needs no answer.
        let _ = cycle::input(self, session, Input::Token { leg, outcome });
        if is_renewed {
            self.review(session);
        }
    }

    /// Ends the subscriptions of a session that its client may no longer have.
    pub(super) fn review(&self, session: &Arc<Session>) {
        let identity = session.identity();
        for channel in session.channels() {
            let asker = Asker { id: &session.id, identity: &identity };
            let asking = Asking { asker, is_subscribed: &|_| true, spent: None };
            let Err(refusal) = self.access.keeps(asking, &channel) else { continue };
            debug!(session = %session.id, %channel, %refusal, "a subscription ends");
            self.operations.unsubscribe(session, &channel);
            session.deliver(&[down::unsubscribed(&channel, &refusal)]).into_iter().for_each(Waker::wake);
        }
    }

    /// Replaces the rules of channels, and ends the subscriptions that they no longer allow.
    pub fn set_rules(&self, rules: Rules) {
        self.access.set_rules(rules);
        self.changes.send_modify(|changes| *changes += 1);
        self.sessions.all().iter().for_each(|session| self.review(session));
    }
}
