//! What a client's numbered frames lead to.
//!
//! The place for what the application decides (permissions, requests, webhooks) is before each arm, when there is a backend layer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Driver;
use super::handle::Handle;
use crate::hub::Subscriber;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::up::{Action, Command};
use crate::protocol::{ChannelName, Line, Position, down, limits};

impl Driver {
    pub(super) fn execute(&self, session: &Arc<Handle>, command: Command) {
        let id = command.id;
        let outcome = match command.action {
            Action::Subscribe(channel, since) => self.subscribe(session, id, &channel, since.as_ref()),
            Action::Unsubscribe(channel) => self.unsubscribe(session, id, &channel),
            Action::Publish(channel, payload) => self.publish(id, &channel, &payload),
            Action::Application => {
                Err(Refusal::new(Code::Forbidden, "no application stands behind this gateway to answer that"))
            }
            Action::Faulty(refusal) => Err(refusal),
        };
        let answer = outcome.unwrap_or_else(|refusal| id.map(|id| down::err(id, &refusal)));
        if let Some(line) = answer {
            session.deliver(&line);
        }
    }

    /// The answer is delivered by the hub, before the first publication.
    fn subscribe(
        &self,
        session: &Arc<Handle>,
        id: Option<u64>,
        channel: &ChannelName,
        since: Option<&Position>,
    ) -> Result<Option<Line>, Refusal> {
        if !session.add_subscription(channel) {
            let message = format!("a session may hold {} subscriptions", limits::SUBSCRIPTIONS);
            return Err(Refusal::new(Code::TooLarge, message));
        }
        let subscriber = Arc::clone(session);
        let answer = |start: &crate::hub::Start| id.map(|id| down::ok_subscribed(id, &start.position, start.recovered));
        let outcome = self.hub.subscribe(self.now(), channel, subscriber, since, answer);
        if let Err(refusal) = outcome {
            session.remove_subscription(channel);
            return Err(refusal);
        }
        if session.is_over() {
            self.hub.unsubscribe(channel, session.key);
        }
        Ok(None)
    }

    fn unsubscribe(&self, session: &Handle, id: Option<u64>, channel: &ChannelName) -> Result<Option<Line>, Refusal> {
        session.remove_subscription(channel);
        self.hub.unsubscribe(channel, session.key);
        Ok(id.map(down::ok))
    }

    fn publish(&self, id: Option<u64>, channel: &ChannelName, payload: &Payload) -> Result<Option<Line>, Refusal> {
        self.counters.publications.fetch_add(1, Ordering::Relaxed);
        let at = self.hub.publish(self.now(), channel, payload)?;
        Ok(id.map(|id| down::ok_published(id, at)))
    }
}
