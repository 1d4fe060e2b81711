//! What a client's numbered frames lead to.
//!
//! The place for what the application decides (permissions, requests, webhooks) is before each arm, when there is a backend layer.

use std::sync::Arc;
use std::task::Waker;

use super::Driver;
use super::handle::Handle;
use crate::hub::Subscriber;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::up::{Action, Command};
use crate::protocol::{ChannelName, Line, Position, down, limits};

/// Some 4 ms of writing.
const WOKEN_AT_ONCE: usize = 1024;

impl Driver {
    /// Carries out commands in their order. Publications to one channel that follow each other are published together.
    pub(super) fn execute(&self, session: &Arc<Handle>, commands: &[Command]) {
        for run in commands.chunk_by(|one, next| channel(one).is_some() && channel(one) == channel(next)) {
            let answers = self.answers(session, run);
            if !answers.is_empty() {
                session.deliver(&answers).into_iter().for_each(Waker::wake);
            }
        }
    }

    /// Carries out a command, or several publications to one channel.
    fn answers(&self, session: &Arc<Handle>, run: &[Command]) -> Vec<Line> {
        let [Command { id, action, .. }, ..] = run else { return Vec::new() };
        let outcome = match action {
            Action::Publish(channel, _) => return self.publish(channel, run),
            Action::Subscribe(channel, since) => self.subscribe(session, *id, channel, since.as_ref()),
            Action::Unsubscribe(channel) => Ok(self.unsubscribe(session, *id, channel)),
            Action::Application => {
                Err(Refusal::new(Code::Forbidden, "no application stands behind this gateway to answer that"))
            }
            Action::Faulty(refusal) => Err(refusal.clone()),
        };
        let refused = |refusal| {
            self.note(&refusal);
            id.map(|id| down::err(id, &refusal))
        };
        outcome.unwrap_or_else(refused).into_iter().collect()
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
            let message = format!("this session holds {0} subscriptions; the limit is {0}", limits::SUBSCRIPTIONS);
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

    fn unsubscribe(&self, session: &Handle, id: Option<u64>, channel: &ChannelName) -> Option<Line> {
        session.remove_subscription(channel);
        self.hub.unsubscribe(channel, session.key);
        id.map(down::ok)
    }

    /// Publishes what all of these carry, to the channel that they share.
    fn publish(&self, channel: &ChannelName, commands: &[Command]) -> Vec<Line> {
        self.counters.publications.inc_by(commands.len() as u64);
        let payloads = commands.iter().filter_map(|command| match &command.action {
            Action::Publish(_, payload) => Some(payload),
            _ => None,
        });
        let answer = |(command, offset): (&Command, Result<u64, &Refusal>)| {
            let id = command.id?;
            Some(offset.map_or_else(|refusal| down::err(id, refusal), |offset| down::ok_published(id, offset)))
        };
        match self.hub.publish(self.now(), channel, payloads) {
            Ok((first, wakers)) => {
                wake(wakers);
                commands.iter().zip((first..).map(Ok)).filter_map(answer).collect()
            }
            Err(refusal) => {
                commands.iter().for_each(|_| self.note(&refusal));
                commands.iter().map(|command| (command, Err(&refusal))).filter_map(answer).collect()
            }
        }
    }
}

/// Wakes all of them; where they are many, some at a time, and between two of those the network is looked at and whoever waits for
/// it has a turn: otherwise an echo beside a fan-out to 18,000 waits for all of them to be written to.
fn wake(mut wakers: Vec<Waker>) {
    if wakers.len() <= WOKEN_AT_ONCE {
        return wakers.into_iter().for_each(Waker::wake);
    }
    tokio::spawn(async move {
        while !wakers.is_empty() {
            wakers.drain(..wakers.len().min(WOKEN_AT_ONCE)).for_each(Waker::wake);
            tokio::task::yield_now().await;
        }
    });
}

/// Where a publication goes.
const fn channel(command: &Command) -> Option<&ChannelName> {
    match &command.action {
        Action::Publish(channel, _) => Some(channel),
        _ => None,
    }
}
