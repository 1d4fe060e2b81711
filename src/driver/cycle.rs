//! The cycle: all effects of a session's input, in order.
//!
//! The owner of the sessions is an argument here, so this layer holds no reference to those above it.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::cell::{Cell, Effects, Progress};
use crate::protocol::Line;
use crate::protocol::code::Refusal;
use crate::protocol::up::Command;
use crate::session::Time;
use crate::session::server::{Carrier, Input};

/// Owns sessions, and carries out the effects that reach beyond one session.
pub(crate) trait Owner {
    /// A session, with the data that its owner keeps beside it.
    type Session;

    /// Returns the time on the sessions' clock.
    fn now(&self) -> Time;

    /// Returns the cell of a session.
    fn cell<'a>(&self, session: &'a Self::Session) -> &'a Cell;

    /// Arms a deadline: [`timer_fired`] must be called then.
    fn arm(&self, at: Time, session: &Arc<Self::Session>);

    /// Carries out commands of the client, in their order.
    fn run_commands(&self, session: &Arc<Self::Session>, commands: Vec<Command>);

    /// Forgets a session that is over.
    fn forget(&self, session: &Arc<Self::Session>);
}

/// Runs `happen` on a session, and carries out all effects. Returns `None` if the session was over before, or
/// nothing was due.
pub(crate) fn turn<O: Owner>(
    owner: &O,
    session: &Arc<O::Session>,
    happen: impl FnOnce(&Cell, Time) -> Option<Effects>,
) -> Option<Result<(), Refusal>> {
    let cell = owner.cell(session);
    // 1. Input to effects: the only step under the session's lock.
    let Effects { outcome, deadline, wakers, commands, is_over } = happen(cell, owner.now())?;
    // 2. Arm: the timers fire in time.
    if let Some(at) = deadline {
        owner.arm(at, session);
    }
    // 3. Wake: each carrier that has lines polls for them.
    wakers.into_iter().for_each(Waker::wake);
    // 4. Run the commands, and those that come meanwhile. There are none here if another caller already runs
    //    commands.
    cell.run(commands, |commands| owner.run_commands(session, commands));
    // 5. Forget: a session that is over leaves everything that it was part of.
    if is_over {
        owner.forget(session);
    }
    Some(outcome)
}

/// Hands one input to a session. Returns `None` if the session is over.
pub(crate) fn input<O: Owner>(owner: &O, session: &Arc<O::Session>, input: Input) -> Option<Result<(), Refusal>> {
    turn(owner, session, |cell, now| cell.take(now, None, std::iter::once(input)))
}

/// Handles a deadline that fired.
pub(crate) fn timer_fired<O: Owner>(owner: &O, session: &Arc<O::Session>, at: Time) {
    turn(owner, session, |cell, now| cell.timer_fired(at, now));
}

/// Handles the loss of a carrier.
pub(crate) fn closed<O: Owner>(owner: &O, session: &Arc<O::Session>, carrier: Carrier) {
    input(owner, session, Input::Closed(carrier));
    owner.cell(session).forget_carrier(carrier);
}

/// Writes lines for a carrier, now or later. A write may bring a deadline forward.
pub(crate) fn poll_lines<O: Owner>(
    owner: &O,
    session: &Arc<O::Session>,
    cx: &mut Context<'_>,
    carrier: Carrier,
    out: impl FnMut(&Line),
) -> Poll<Progress> {
    let (progress, deadline) = owner.cell(session).poll_lines(owner.now(), cx, carrier, out);
    if let Some(at) = deadline {
        owner.arm(at, session);
    }
    progress
}
