//! The pump: carries out the commands of sessions, after the backend decided.
//!
//! A decision that is there at once is carried out at once, by the caller. One that comes later goes to its session's only task,
//! which exists while decisions are open. It drives all of them together, so that a slow one holds up its own channel and nothing
//! else. No lock is held while the backend is asked or a command is carried out.
//!
//! # Layout
//! - `lanes`: which commands wait for which: a pure machine
//! - `work`: what one session keeps for its open decisions
//! - `decided`, `act`: a command after its decision; doing it

mod act;
mod decided;
mod lanes;
#[cfg(test)]
mod simulation;
pub(super) mod work;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, Stream as _};
use tokio::task::AbortHandle;
use tracing::{Instrument as _, debug_span};

use self::act::Acts;
use self::decided::{Decided, Deed};
use self::lanes::{Ticket, Waiting};
use self::work::{Answer, Work};
use super::counters::Counters;
use super::operations::Operations;
use super::session::Session;
use crate::backend::decision::Decision;
use crate::backend::{Asker, Backend};
use crate::protocol::ChannelName;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::up::{Action, Command};

/// See the module.
pub(super) struct Pump {
    acts: Acts,
    backend: Arc<dyn Backend>,
}

/// What the backend said about a command.
enum Asked {
    Now(Decided),
    Later(Later),
}

/// A decision that comes later.
struct Later {
    id: Option<u64>,
    /// What the command cost in line form.
    bytes: usize,
    /// Commands about this channel wait for it.
    channel: Option<ChannelName>,
    decided: BoxFuture<'static, Decided>,
}

impl Pump {
    pub(super) fn new(operations: Arc<Operations>, backend: Arc<dyn Backend>, counters: Arc<Counters>) -> Arc<Self> {
        Arc::new(Self { acts: Acts { operations, counters }, backend })
    }

    /// Carries out commands in their order, as far as their decisions are there.
    pub(super) fn run(self: &Arc<Self>, session: &Arc<Session>, commands: Vec<Command>) {
        let mut batch = None;
        // Only this caller closes lanes: while none is closed, no lock is needed.
        let mut is_free = session.work().lanes.is_free();
        for command in commands {
            let command = if is_free { Some(command) } else { Self::admit(session, command) };
            match command.map(|command| self.ask(session, command)) {
                None => {}
                Some(Asked::Now(decided)) => self.acts.carry_out(session, decided, &mut batch),
                Some(Asked::Later(later)) => {
                    // What was decided before is done before.
                    self.acts.publish(session, batch.take());
                    self.wait_for(session, later);
                    is_free = false;
                }
            }
        }
        self.acts.publish(session, batch);
    }

    /// A session is over: nothing follows from its open decisions.
    pub(super) fn end(session: &Session) {
        session.work().end();
    }

    /// Gives a command back if it waits for no other.
    fn admit(session: &Session, command: Command) -> Option<Command> {
        let mut work = session.work();
        let command = work.admit(command);
        tell_waiting(session, &work);
        command
    }

    fn ask(&self, session: &Session, Command { id, action, cost }: Command) -> Asked {
        let who = Asker { id: &session.id, identity: &session.identity };
        match action {
            Action::Publish(channel, payload) => {
                let decision = self.backend.publish(who, &channel, payload);
                about_channel((id, cost), channel, decision, Deed::Publish)
            }
            Action::Subscribe(channel, since) => {
                let decision = self.backend.subscribe(who, &channel);
                about_channel((id, cost), channel, decision, |channel, ()| Deed::Subscribe(channel, since))
            }
            Action::Unsubscribe(channel) => Asked::Now(Decided { id, deed: Ok(Deed::Unsubscribe(channel)) }),
            Action::Application => match self.backend.request(who) {
                Decision::Now(verdict) => Asked::Now(Decided { id, deed: verdict.map(|()| Deed::Done) }),
                Decision::Later(verdict) => {
                    let decided = verdict.map(move |verdict| Decided { id, deed: verdict.map(|()| Deed::Done) });
                    Asked::Later(Later { id, bytes: cost, channel: None, decided: decided.boxed() })
                }
            },
            Action::Faulty(refusal) => Asked::Now(Decided { id, deed: Err(refusal) }),
        }
    }

    /// Closes the lane of a command until its decision has come and is carried out.
    fn wait_for(self: &Arc<Self>, session: &Arc<Session>, later: Later) {
        let mut work = session.work();
        let Some(ticket) = work.lanes.close(later.channel.clone(), later.bytes) else { return };
        tell_waiting(session, &work);
        work.hand_over(later.answer(ticket), || self.spawn(session));
    }

    /// A decision has come: carries it out, and what waited for it as far as those decisions are there.
    fn decided(self: &Arc<Self>, session: &Arc<Session>, ticket: Ticket, decided: Decided) {
        let mut next = Some((ticket, decided));
        while let Some((ticket, decided)) = next.take() {
            if !session.work().lanes.decided(ticket) {
                return;
            }
            let mut batch = None;
            self.acts.carry_out(session, decided, &mut batch);
            self.acts.publish(session, batch);
            let Some((ticket, command)) = Self::following(session, ticket) else { return };
            match self.ask(session, command) {
                Asked::Now(decided) => next = Some((ticket, decided)),
                Asked::Later(later) => {
                    session.work().hand_over(later.answer(ticket), || self.spawn(session));
                }
            }
        }
    }

    /// The next command of a lane, once the one before it was carried out.
    fn following(session: &Session, ticket: Ticket) -> Option<(Ticket, Command)> {
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
    (id, bytes): (Option<u64>, usize),
    channel: ChannelName,
    decision: Decision<Result<T, Refusal>>,
    deed: impl FnOnce(ChannelName, T) -> Deed + Send + 'static,
) -> Asked {
    match decision {
        Decision::Now(verdict) => Asked::Now(Decided { id, deed: verdict.map(|value| deed(channel, value)) }),
        Decision::Later(verdict) => {
            let lane = Some(channel.clone());
            let decided = verdict.map(move |verdict| Decided { id, deed: verdict.map(|value| deed(channel, value)) });
            Asked::Later(Later { id, bytes, channel: lane, decided: decided.boxed() })
        }
    }
}

impl Later {
    /// A decision that panics is a refusal: a fault of the backend must not close its lane for ever.
    fn answer(self, ticket: Ticket) -> Answer {
        let Self { id, decided, .. } = self;
        let refused = move |_| {
            let refusal = Refusal::new(Code::Internal, "the application failed to decide about this");
            Decided { id, deed: Err(refusal) }
        };
        let decided = AssertUnwindSafe(decided).catch_unwind();
        decided.map(move |decided| (ticket, decided.unwrap_or_else(refused))).boxed()
    }
}

/// The task of a session's open decisions. It drives all of them together, and ends with the last.
async fn drive(pump: Weak<Pump>, session: Weak<Session>) {
    let _panicking = ClearOnPanic(&session);
    let mut open = FuturesUnordered::new();
    while let Some((ticket, decided)) = std::future::poll_fn(|cx| poll_next(&session, &mut open, cx)).await {
        let (Some(pump), Some(session)) = (pump.upgrade(), session.upgrade()) else { return };
        pump.decided(&session, ticket, decided);
    }
}

/// The next decision that has come; `None` when none is open.
fn poll_next(
    session: &Weak<Session>,
    open: &mut FuturesUnordered<Answer>,
    cx: &mut Context<'_>,
) -> Poll<Option<(Ticket, Decided)>> {
    let Some(session) = session.upgrade() else { return Poll::Ready(None) };
    loop {
        open.extend(session.work().take_up(cx.waker()));
        let next = Pin::new(&mut *open).poll_next(cx);
        if !matches!(next, Poll::Ready(None)) || session.work().may_end_task() {
            return next;
        }
    }
}

/// One fault must not silence a session: if a command panics, those that wait are dropped, and later ones are carried out.
struct ClearOnPanic<'a>(&'a Weak<Session>);

impl Drop for ClearOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(session) = self.0.upgrade()
        {
            session.work().clear();
            session.cell.set_waiting(0, 0);
        }
    }
}
