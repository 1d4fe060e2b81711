//! The pump: carries out the commands of sessions, after the backend allowed them.
//!
//! It takes the commands of one session in their order, and no lock is held meanwhile.

use std::sync::Arc;
use std::task::Waker;

use smallvec::SmallVec;

use super::counters::Counters;
use super::operations::Operations;
use super::session::Session;
use crate::backend::{Asker, Backend};
use crate::hub::Subscriber as _;
use crate::protocol::code::Refusal;
use crate::protocol::frame::Payload;
use crate::protocol::up::{Action, Command};
use crate::protocol::{ChannelName, Line, Position, down};

/// See the module.
pub(super) struct Pump {
    pub(super) operations: Operations,
    pub(super) backend: Arc<dyn Backend>,
    counters: Arc<Counters>,
}

/// A command after its decision.
struct Decided {
    /// What the answer refers to; none is wanted without it.
    id: Option<u64>,
    deed: Result<Deed, Refusal>,
}

/// What a command leads to.
enum Deed {
    Publish(ChannelName, Payload),
    Subscribe(ChannelName, Option<Position>),
    Unsubscribe(ChannelName),
    /// The application did it.
    Done,
}

/// Publications to one channel that follow each other: the hub looks up each subscriber once for all of them.
struct Batch {
    channel: ChannelName,
    /// Each with the id that its answer refers to. As a rule there is one.
    publications: SmallVec<[(Option<u64>, Payload); 1]>,
}

impl Pump {
    pub(super) const fn new(operations: Operations, backend: Arc<dyn Backend>, counters: Arc<Counters>) -> Self {
        Self { operations, backend, counters }
    }

    /// Carries out commands in their order.
    pub(super) fn run(&self, session: &Arc<Session>, commands: Vec<Command>) {
        let mut batch = None;
        for command in commands {
            let decided = self.ask(session, command);
            self.carry_out(session, decided, &mut batch);
        }
        self.publish(session, batch);
    }

    /// Asks the backend about a command.
    fn ask(&self, session: &Session, Command { id, action, .. }: Command) -> Decided {
        let who = Asker { id: &session.id, identity: &session.identity };
        let deed = match action {
            Action::Publish(channel, payload) => {
                self.backend.publish(who, &channel, payload).map(|payload| Deed::Publish(channel, payload))
            }
            Action::Subscribe(channel, since) => {
                self.backend.subscribe(who, &channel).map(|()| Deed::Subscribe(channel, since))
            }
            Action::Unsubscribe(channel) => Ok(Deed::Unsubscribe(channel)),
            Action::Application => self.backend.request(who).map(|()| Deed::Done),
            Action::Faulty(refusal) => Err(refusal),
        };
        Decided { id, deed }
    }

    /// Does what was decided. A publication goes to the batch, which is published before anything else is done.
    fn carry_out(&self, session: &Arc<Session>, Decided { id, deed }: Decided, batch: &mut Option<Batch>) {
        match deed {
            Ok(Deed::Publish(channel, payload)) => {
                if batch.as_ref().is_none_or(|batch| batch.channel != channel) {
                    self.publish(session, batch.replace(Batch::new(channel)));
                }
                if let Some(batch) = batch {
                    batch.publications.push((id, payload));
                }
            }
            deed => {
                self.publish(session, batch.take());
                let answer = deed.and_then(|deed| self.act(session, id, deed)).unwrap_or_else(|refusal| {
                    self.counters.note(&refusal);
                    id.map(|id| down::err(id, &refusal))
                });
                deliver(session, answer.as_slice());
            }
        }
    }

    /// Does one thing; the answer, if it is to be delivered here.
    fn act(&self, session: &Arc<Session>, id: Option<u64>, deed: Deed) -> Result<Option<Line>, Refusal> {
        match deed {
            Deed::Publish(channel, payload) => {
                let at = self.operations.publish(&channel, std::iter::once(&payload))?;
                Ok(id.map(|id| down::ok_published(id, at)))
            }
            // The hub delivers the answer, before the first publication.
            Deed::Subscribe(channel, since) => {
                self.operations.subscribe(session, id, &channel, since.as_ref()).map(|()| None)
            }
            Deed::Unsubscribe(channel) => {
                self.operations.unsubscribe(session, &channel);
                Ok(id.map(down::ok))
            }
            Deed::Done => Ok(id.map(down::ok)),
        }
    }

    /// Publishes a batch, and answers each of its publications.
    fn publish(&self, session: &Session, batch: Option<Batch>) {
        let Some(Batch { channel, publications }) = batch else { return };
        let payloads = publications.iter().map(|(_, payload)| payload);
        let answers: Vec<Line> = match self.operations.publish(&channel, payloads) {
            Ok(first) => {
                let placed = publications.iter().zip(first..);
                placed.filter_map(|((id, _), at)| Some(down::ok_published((*id)?, at))).collect()
            }
            Err(refusal) => {
                publications.iter().for_each(|_| self.counters.note(&refusal));
                publications.iter().filter_map(|(id, _)| Some(down::err((*id)?, &refusal))).collect()
            }
        };
        deliver(session, &answers);
    }
}

impl Batch {
    fn new(channel: ChannelName) -> Self {
        Self { channel, publications: SmallVec::new() }
    }
}

fn deliver(session: &Session, answers: &[Line]) {
    if !answers.is_empty() {
        session.deliver(answers).into_iter().for_each(Waker::wake);
    }
}
