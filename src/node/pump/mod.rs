//! The pump: carries out the commands of sessions, after the backend decided.
//!
//! A decision that is there at once is carried out at once, by the caller. A decision that comes later goes to its session's only
//! task, and so does a command that the broker has not carried out yet. The task exists while there are any. It drives all of
//! them together, so that a slow one holds up its own channel and nothing else. No lock is held while the backend is asked or a
//! command is carried out.
//!
//! # Layout
//! - `lanes`: which commands wait for which: a pure machine
//! - `work`: what one session keeps while something is waited for
//! - `run`: commands that came together
//! - `decided`, `act`: the stages of a command; doing it

mod act;
mod decided;
mod lanes;
mod run;
#[cfg(test)]
mod simulation;
pub(super) mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, Stream as _};
use tokio::task::AbortHandle;
use tracing::{Instrument as _, debug_span, error};

use self::act::Acts;
use self::decided::{Asked, Decided, Deed, Later, Queued, Step};
use self::lanes::{Ticket, Waiting};
use self::work::{Answer, Work};
use super::counters::Counters;
use super::operations::Operations;
use super::session::Session;
use crate::backend::decision::Decision;
use crate::backend::{Asker, Backend};
use crate::protocol::ChannelName;
use crate::protocol::code::Refusal;
use crate::protocol::up::{Action, Command};

/// See the module.
pub(super) struct Pump {
    acts: Acts,
    backend: Arc<dyn Backend>,
    end_failed: EndFailed,
}

/// Ends a session one of whose commands failed.
type EndFailed = Box<dyn Fn(&Arc<Session>) + Send + Sync>;

impl Pump {
    pub(super) fn new(
        operations: Arc<Operations>,
        backend: Arc<dyn Backend>,
        counters: Arc<Counters>,
        end_failed: EndFailed,
    ) -> Arc<Self> {
        Arc::new(Self { acts: Acts { operations, counters }, backend, end_failed })
    }

    /// Carries something out for a session. If that panics, the session ends, and all others go on. Returns whether it did not.
    fn guard(&self, session: &Arc<Session>, work: impl FnOnce()) -> bool {
        // What is half done belongs to the session, which ends. Locks that others share are taken whatever happened to their holder.
        let done = catch_unwind(AssertUnwindSafe(work)).is_ok();
        if !done {
            error!(session = %session.id, "a command failed, so its session ends: this is a bug in the gateway or its backend");
            if catch_unwind(AssertUnwindSafe(|| (self.end_failed)(session))).is_err() {
                error!(session = %session.id, "the session could not be ended");
            }
        }
        done
    }

    /// A session is over: nothing follows from its open decisions.
    pub(super) fn end(session: &Session) {
        session.work().end();
    }

    fn ask(&self, session: &Session, Command { id, action, .. }: Command) -> Asked {
        let who = Asker { id: &session.id, identity: &session.identity };
        match action {
            Action::Publish(channel, payload) => {
                let decision = self.backend.publish(who, &channel, payload);
                about_channel(id, channel, decision, Deed::Publish)
            }
            Action::Subscribe(channel, since) => {
                let decision = self.backend.subscribe(who, &channel);
                about_channel(id, channel, decision, |()| Deed::Subscribe(since))
            }
            Action::Unsubscribe(channel) => Asked::Now(Decided::Channel { id, channel, deed: Ok(Deed::Unsubscribe) }),
            Action::Application => match self.backend.request(who) {
                Decision::Now(done) => Asked::Now(Decided::Other { id, done }),
                Decision::Later(done) => {
                    let decided = done.map(move |done| Decided::Other { id, done }).boxed();
                    Asked::Later(Later { id, channel: None, decided })
                }
            },
            Action::Faulty(refusal) => Asked::Now(Decided::Other { id, done: Err(refusal) }),
        }
    }

    /// Gives a command back if it waits for no other.
    fn admit(&self, session: &Session, queued: Queued, bytes: usize) -> Option<Queued> {
        let mut work = session.work();
        let queued = work.admit(queued, bytes);
        tell_waiting(session, &work);
        queued
    }

    /// Closes a lane until this step of its head has come, and all that follows from it is done.
    fn close(
        self: &Arc<Self>,
        session: &Arc<Session>,
        channel: Option<ChannelName>,
        bytes: usize,
        step: BoxFuture<'static, Step>,
    ) {
        let mut work = session.work();
        let Some(ticket) = work.lanes.close(channel, bytes) else { return };
        tell_waiting(session, &work);
        work.hand_over(answer(ticket, step), || self.spawn(session));
    }

    /// A step of a lane's head has come: goes on with it, and with what waited behind it as far as nothing else is to be waited for.
    fn came(self: &Arc<Self>, session: &Arc<Session>, ticket: Ticket, step: Step) {
        let mut next = Some((ticket, step));
        while let Some((ticket, step)) = next.take() {
            if !session.work().lanes.came(ticket) {
                return;
            }
            let unfinished = match step {
                Step::Decided(decided) => self.acts.carry_out(session, decided),
                Step::Done(done) => {
                    self.acts.answer(session, done);
                    None
                }
            };
            if let Some(unfinished) = unfinished {
                let mut work = session.work();
                let Some(ticket) = work.lanes.wait_on(ticket) else { return };
                return work.hand_over(answer(ticket, unfinished.step), || self.spawn(session));
            }
            let Some((ticket, queued)) = Self::following(session, ticket) else { return };
            let asked = match queued {
                Queued::Command(command) => self.ask(session, command),
                Queued::Asked(asked) => asked,
            };
            match asked {
                Asked::Now(decided) => next = Some((ticket, Step::Decided(decided))),
                Asked::Later(later) => session.work().hand_over(answer(ticket, later.step()), || self.spawn(session)),
            }
        }
    }

    /// The next command of a lane, once the one before it was carried out.
    fn following(session: &Session, ticket: Ticket) -> Option<(Ticket, Queued)> {
        let mut work = session.work();
        let following = work.lanes.next(ticket);
        tell_waiting(session, &work);
        following
    }

    fn spawn(self: &Arc<Self>, session: &Arc<Session>) -> AbortHandle {
        let span = debug_span!("decisions", session = %session.id);
        tokio::spawn(drive(Arc::downgrade(self), Arc::downgrade(session)).instrument(span)).abort_handle()
    }
}

/// What waits counts towards the session's backlog.
fn tell_waiting(session: &Session, work: &Work) {
    let Waiting { commands, bytes } = work.lanes.waiting();
    session.cell.set_waiting(commands, bytes);
}

/// What the backend said about a command on a channel.
fn about_channel<T: 'static>(
    id: Option<u64>,
    channel: ChannelName,
    decision: Decision<Result<T, Refusal>>,
    deed: impl FnOnce(T) -> Deed + Send + 'static,
) -> Asked {
    match decision {
        Decision::Now(verdict) => Asked::Now(Decided::Channel { id, channel, deed: verdict.map(deed) }),
        Decision::Later(verdict) => {
            let name = channel.clone();
            let decided = verdict.map(move |verdict| Decided::Channel { id, channel: name, deed: verdict.map(deed) });
            Asked::Later(Later { id, channel: Some(channel), decided: decided.boxed() })
        }
    }
}

/// A step under the ticket of its lane.
fn answer(ticket: Ticket, step: BoxFuture<'static, Step>) -> Answer {
    step.map(move |step| (ticket, step)).boxed()
}

/// The task of a session's open decisions. It drives all of them together, and ends with the last.
async fn drive(pump: Weak<Pump>, session: Weak<Session>) {
    let mut open = FuturesUnordered::new();
    while let Some((ticket, step)) = std::future::poll_fn(|cx| poll_next(&session, &mut open, cx)).await {
        let (Some(pump), Some(session)) = (pump.upgrade(), session.upgrade()) else { return };
        if !pump.guard(&session, || pump.came(&session, ticket, step)) {
            return;
        }
    }
}

/// The next decision that has come; `None` when none is open.
fn poll_next(
    session: &Weak<Session>,
    open: &mut FuturesUnordered<Answer>,
    cx: &mut Context<'_>,
) -> Poll<Option<(Ticket, Step)>> {
    let Some(session) = session.upgrade() else { return Poll::Ready(None) };
    loop {
        open.extend(session.work().take_up(cx.waker()));
        let next = Pin::new(&mut *open).poll_next(cx);
        if !matches!(next, Poll::Ready(None)) || session.work().may_end_task() {
            return next;
        }
    }
}
