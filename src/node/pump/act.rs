//! Does what was decided, and answers it.

use std::sync::Arc;
use std::task::Waker;

use smallvec::SmallVec;

use super::decided::{Decided, Deed};
use crate::hub::Subscriber as _;
use crate::node::counters::Counters;
use crate::node::operations::Operations;
use crate::node::session::Session;
use crate::protocol::code::Refusal;
use crate::protocol::frame::Payload;
use crate::protocol::{ChannelName, Line, down};

/// Publications to one channel that follow each other: the hub looks up each subscriber once for all of them.
pub(super) struct Batch {
    channel: ChannelName,
    /// Each with the id that its answer refers to. As a rule there is one.
    publications: SmallVec<[(Option<u64>, Payload); 1]>,
}

/// See the module.
pub(super) struct Acts {
    pub(super) operations: Arc<Operations>,
    pub(super) counters: Arc<Counters>,
}

impl Acts {
    /// Does what was decided. A publication goes to the batch, which is published before anything else is done.
    pub(super) fn carry_out(&self, session: &Arc<Session>, Decided { id, deed }: Decided, batch: &mut Option<Batch>) {
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
    pub(super) fn publish(&self, session: &Session, batch: Option<Batch>) {
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
