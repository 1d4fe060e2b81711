//! The pump: carries out the commands of sessions after the backend has decided.
//!
//! The caller carries out an immediate decision at once. A later decision goes to its session's only task, and so
//! does a command that the broker has not finished. The task exists while there are any. It drives all of them
//! together, so that a slow one delays only its own channel. No lock is held while the backend is asked or a
//! command is carried out.
//!
//! # Layout
//! - `lanes`: which commands wait for which: a pure machine
//! - `work`: the waiting commands of one session
//! - `run`: commands that came together
//! - `decided`, `act`: the stages of a command, and how it is carried out

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
use self::lanes::Ticket;
use self::work::{ComingStep, Work};
use super::counters::Counters;
use super::operations::Operations;
use super::session::Session;
use crate::backend::Asker;
use crate::backend::access::{Access, Asking};
use crate::backend::decision::Decision;
use crate::backend::rules::gcra::Rate;
use crate::protocol::ChannelName;
use crate::protocol::code::Refusal;
use crate::protocol::up::{Action, Command};

/// Carries out the commands of sessions.
pub(super) struct Pump {
    acts: Acts,
    access: Arc<Access>,
    /// The limit of subscribing of each session.
    subscribes: Option<Rate>,
    end_failed: EndFailed,
}

/// Ends a session after one of its commands failed.
type EndFailed = Box<dyn Fn(&Arc<Session>) + Send + Sync>;

impl Pump {
    pub(super) fn new(
        operations: Arc<Operations>,
        (access, subscribes): (Arc<Access>, Option<Rate>),
        counters: Arc<Counters>,
        end_failed: EndFailed,
    ) -> Arc<Self> {
        Arc::new(Self { acts: Acts { operations, counters }, access, subscribes, end_failed })
    }

    /// Runs `work` for a session. If it panics, the session ends, and all others go on. Returns true if it did not
    /// panic.
    fn guard(&self, session: &Arc<Session>, work: impl FnOnce()) -> bool {
        // Unfinished work belongs to the session, which ends. Locks that others share ignore the panic of their
        // holder.
        let done = catch_unwind(AssertUnwindSafe(work)).is_ok();
        if !done {
            error!(session = %session.id, "a command failed, so its session ends: this is a bug in the gateway or its backend");
            if catch_unwind(AssertUnwindSafe(|| (self.end_failed)(session))).is_err() {
                error!(session = %session.id, "the session could not be ended");
            }
        }
        done
    }

    /// Ends a session: its open decisions have no consequences.
    pub(super) fn end(session: &Session) {
        session.work().end();
    }

    fn ask(&self, session: &Session, Command { id, action, .. }: Command) -> Asked {
        let identity = session.identity();
        let asker = Asker { id: &session.id, identity: &identity };
        let is_subscribed = |channel: &ChannelName| session.has_subscription(channel);
        let asking = Asking { asker, is_subscribed: &is_subscribed, spent: Some(&session.spent) };
        match action {
            Action::Publish(channel, payload) => {
                let decision = self.access.publish(|| session.now(), asking, &channel, payload);
                about_channel(id, channel, decision, Deed::Publish)
            }
            Action::Subscribe(channel, since) => {
                if let Some(Err(refusal)) = self.subscribes.map(|rate| session.spend_subscribe(rate)) {
                    return Asked::Now(Decided::Channel { id, channel, deed: Err(refusal) });
                }
                let decision = self.access.subscribe(asking, &channel);
                about_channel(id, channel, decision, |()| Deed::Subscribe(since))
            }
            Action::Unsubscribe(channel) => Asked::Now(Decided::Channel { id, channel, deed: Ok(Deed::Unsubscribe) }),
            Action::Application => match self.access.request(asker) {
                Decision::Now(done) => Asked::Now(Decided::Other { id, done }),
                Decision::Later(done) => {
                    let decided = done.map(move |done| Decided::Other { id, done }).boxed();
                    Asked::Later(Later { id, channel: None, decided })
                }
            },
            Action::Faulty(refusal) => Asked::Now(Decided::Other { id, done: Err(refusal) }),
        }
    }

    /// Admits a command. Returns it if it waits for no other.
    fn admit(&self, session: &Session, queued: Queued, bytes: usize) -> Option<Queued> {
        let mut work = session.work();
        let queued = work.admit(queued, bytes);
        note_backlog(session, &work);
        queued
    }

    /// Closes a lane until this step of its head has come, and all its consequences are carried out.
    fn close(
        self: &Arc<Self>,
        session: &Arc<Session>,
        channel: Option<ChannelName>,
        bytes: usize,
        step: BoxFuture<'static, Step>,
    ) {
        let mut work = session.work();
        let Some(ticket) = work.lanes.close(channel, bytes) else { return };
        note_backlog(session, &work);
        work.hand_over(ticketed(ticket, step), || self.spawn(session));
    }

    /// Goes on with a lane whose head's step has come. It carries out the head, and the commands behind it, until
    /// one of them must wait.
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
                return work.hand_over(ticketed(ticket, unfinished.step), || self.spawn(session));
            }
            let Some((ticket, queued)) = Self::following(session, ticket) else { return };
            let asked = match queued {
                Queued::Command(command) => self.ask(session, command),
                Queued::Asked(asked) => asked,
            };
            match asked {
                Asked::Now(decided) => next = Some((ticket, Step::Decided(decided))),
                Asked::Later(later) => session.work().hand_over(ticketed(ticket, later.step()), || self.spawn(session)),
            }
        }
    }

    /// Returns the next command of a lane, after the one before it was carried out.
    fn following(session: &Session, ticket: Ticket) -> Option<(Ticket, Queued)> {
        let mut work = session.work();
        let following = work.lanes.next(ticket);
        note_backlog(session, &work);
        following
    }

    fn spawn(self: &Arc<Self>, session: &Arc<Session>) -> AbortHandle {
        let span = debug_span!("decisions", session = %session.id);
        tokio::spawn(drive(Arc::downgrade(self), Arc::downgrade(session)).instrument(span)).abort_handle()
    }
}

/// Counts the commands in the lanes towards the bound of the session's cell.
fn note_backlog(session: &Session, work: &Work) {
    session.cell.set_undecided(work.lanes.backlog());
}

/// Wraps the backend's decision about a command on a channel.
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

/// Returns a step with the ticket of its lane.
fn ticketed(ticket: Ticket, step: BoxFuture<'static, Step>) -> ComingStep {
    step.map(move |step| (ticket, step)).boxed()
}

/// Runs the task of a session's open decisions. It drives all of them together, and ends with the last.
async fn drive(pump: Weak<Pump>, session: Weak<Session>) {
    let mut open = FuturesUnordered::new();
    while let Some((ticket, step)) = std::future::poll_fn(|cx| poll_next(&session, &mut open, cx)).await {
        let (Some(pump), Some(session)) = (pump.upgrade(), session.upgrade()) else { return };
        if !pump.guard(&session, || pump.came(&session, ticket, step)) {
            return;
        }
    }
}

/// Returns the next decision that has come, or `None` if none is open.
fn poll_next(
    session: &Weak<Session>,
    open: &mut FuturesUnordered<ComingStep>,
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
