//! Carries decisions out, and answers them.

use std::sync::Arc;
use std::task::Waker;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use smallvec::SmallVec;

use super::decided::{Decided, Deed, Done, Step};
use crate::hub::{Outcome, Subscriber as _};
use crate::node::counters::Counters;
use crate::node::operations::Operations;
use crate::node::session::Session;
use crate::protocol::code::Refusal;
use crate::protocol::publication::Publication;
use crate::protocol::{ChannelName, Line, down};

/// Consecutive publications to one channel. The hub looks up each subscriber once for all of them.
pub(super) struct Batch {
    channel: ChannelName,
    /// Each publication with the id that its answer repeats. There is usually one.
    publications: SmallVec<[(Option<u64>, Publication); 1]>,
    /// The cost of their frames in line form.
    bytes: usize,
}

/// An operation that the hub has not finished.
pub(super) struct Unfinished {
    /// The channel. Commands about it wait.
    pub(super) channel: ChannelName,
    pub(super) step: BoxFuture<'static, Step>,
}

/// Carries decisions out, and answers them.
pub(super) struct Acts {
    pub(super) operations: Arc<Operations>,
    pub(super) counters: Arc<Counters>,
}

impl Batch {
    pub(super) fn new(channel: ChannelName, id: Option<u64>, publication: Publication, bytes: usize) -> Self {
        Self { channel, publications: smallvec::smallvec![(id, publication)], bytes }
    }

    pub(super) fn is_for(&self, channel: &ChannelName) -> bool {
        self.channel == *channel
    }

    pub(super) fn push(&mut self, id: Option<u64>, publication: Publication, bytes: usize) {
        self.publications.push((id, publication));
        self.bytes += bytes;
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Acts {
    /// Carries a decision out. Answers it if the hub finishes within the call.
    pub(super) fn carry_out(&self, session: &Arc<Session>, decided: Decided) -> Option<Unfinished> {
        match decided {
            Decided::Channel { id, channel, deed: Ok(Deed::Publish(publication)) } => {
                self.publish(session, Batch::new(channel, id, publication, 0))
            }
            Decided::Channel { id, channel, deed: Ok(Deed::Subscribe(since)) } => {
                match self.operations.subscribe(session, id, &channel, since.as_ref()) {
                    Outcome::Now(outcome) => {
                        self.subscribed(session, id, &channel, outcome.map(drop));
                        None
                    }
                    Outcome::Later(waiting) => {
                        let name = channel.clone();
                        let done = waiting.map(move |outcome| Done::Subscribed(id, name, outcome.map(drop)));
                        Some(Unfinished { channel, step: done.map(Step::Done).boxed() })
                    }
                }
            }
            Decided::Channel { id, channel, deed: Ok(Deed::Unsubscribe) } => {
                self.operations.unsubscribe(session, &channel);
                self.answer_deed(session, id, Ok(()));
                None
            }
            Decided::Channel { id, deed: Err(refusal), .. } => {
                self.answer_deed(session, id, Err(refusal));
                None
            }
            Decided::Other { id, done } => {
                self.answer_deed(session, id, done);
                None
            }
        }
    }

    /// Publishes a batch. Answers each of its publications if the hub finishes within the call.
    pub(super) fn publish(&self, session: &Session, batch: Batch) -> Option<Unfinished> {
        let Batch { channel, publications, .. } = batch;
        match self.operations.publish(&channel, publications.iter().map(|(_, publication)| publication)) {
            Outcome::Now(outcome) => {
                self.published(session, publications.iter().map(|(id, _)| *id), outcome);
                None
            }
            Outcome::Later(waiting) => {
                let ids = publications.into_iter().map(|(id, _)| id).collect();
                let done = waiting.map(|outcome| Done::Published(ids, outcome));
                Some(Unfinished { channel, step: done.map(Step::Done).boxed() })
            }
        }
    }

    /// Answers an operation that the hub finished after the call.
    pub(super) fn answer(&self, session: &Session, done: Done) {
        match done {
            Done::Published(ids, outcome) => self.published(session, ids.into_iter(), outcome),
            Done::Subscribed(id, channel, outcome) => self.subscribed(session, id, &channel, outcome),
        }
    }

    fn published(
        &self,
        session: &Session,
        ids: impl ExactSizeIterator<Item = Option<u64>>,
        outcome: Result<u64, Refusal>,
    ) {
        let answers: SmallVec<[Line; 1]> = match outcome {
            Ok(first) => ids.zip(first..).filter_map(|(id, at)| Some(down::ok_published(id?, at))).collect(),
            Err(refusal) => {
                (0..ids.len()).for_each(|_| self.counters.note(&refusal));
                ids.filter_map(|id| Some(down::err(id?, &refusal))).collect()
            }
        };
        deliver(session, &answers);
    }

    /// Answers a refused subscription. The hub itself delivers the answer to an accepted one, before the first
    /// publication.
    fn subscribed(&self, session: &Session, id: Option<u64>, channel: &ChannelName, outcome: Result<(), Refusal>) {
        if let Err(refusal) = outcome {
            self.operations.unsubscribe(session, channel);
            self.answer_deed(session, id, Err(refusal));
        }
    }

    fn answer_deed(&self, session: &Session, id: Option<u64>, done: Result<(), Refusal>) {
        if let Err(refusal) = &done {
            self.counters.note(refusal);
        }
        let Some(id) = id else { return };
        let answer = done.map_or_else(|refusal| down::err(id, &refusal), |()| down::ok(id));
        deliver(session, &[answer]);
    }
}

fn deliver(session: &Session, answers: &[Line]) {
    if !answers.is_empty() {
        session.deliver(answers).into_iter().for_each(Waker::wake);
    }
}
