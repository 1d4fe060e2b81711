//! The cycle: all effects of a session's input, in order.
//!
//! The owner of the sessions is an argument here, so this layer holds no reference to those above it.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::cell::{Cell, Effects, Progress};
use crate::protocol::code::Refusal;
use crate::protocol::token::Token;
use crate::protocol::up::Command;
use crate::protocol::{LegNumber, Line};
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

    /// Checks a fresh token, now or later. [`Input::Token`] tells the session the outcome.
    fn check_token(&self, session: &Arc<Self::Session>, leg: LegNumber, token: Token);

    /// Forgets a session that is over.
    fn forget(&self, session: &Arc<Self::Session>);
}

/// Why a session did not accept an input.
#[derive(Debug)]
pub(crate) enum NotAccepted {
    /// The session is over.
    Over,
    /// The session refuses the input, and is unchanged.
    Refused(Refusal),
}

/// Runs `happen` on a session, and carries out all effects. Returns the outcome of `happen`, or `None` if nothing
/// happened.
fn turn<O: Owner, T>(
    owner: &O,
    session: &Arc<O::Session>,
    happen: impl FnOnce(&Cell, Time) -> Option<(T, Effects)>,
) -> Option<T> {
    let cell = owner.cell(session);
    // 1. Input to effects: the only step under the session's lock.
    let (outcome, effects) = happen(cell, owner.now())?;
    let Effects { deadline, wakers, commands, token, is_over } = effects;
    // 2. Arm: the timers fire in time.
    if let Some(at) = deadline {
        owner.arm(at, session);
    }
    // 3. Wake: each carrier that has lines polls for them.
    wakers.into_iter().for_each(Waker::wake);
    // 4. Run the commands, and those that come meanwhile. There are none here if another caller already runs
    //    commands.
    cell.run(commands, |commands| owner.run_commands(session, commands));
    // 5. Check a fresh token.
    if let Some((leg, token)) = token.map(|fresh| *fresh) {
        owner.check_token(session, leg, token);
    }
    // 6. Forget: a session that is over leaves everything that it was part of.
    if is_over {
        owner.forget(session);
    }
    Some(outcome)
}

/// Hands an input to a session.
///
/// # Errors
/// The session is over, or refuses an `Attach` or a `Send`. It refuses no other input.
pub(crate) fn input<O: Owner>(owner: &O, session: &Arc<O::Session>, input: Input) -> Result<(), NotAccepted> {
    match turn(owner, session, |cell, now| cell.take(now, input)) {
        Some(outcome) => outcome.map_err(NotAccepted::Refused),
        None => Err(NotAccepted::Over),
    }
}

/// Hands the inputs of a socket's frames to a session. Returns false if the session is over. The socket must poll for
/// lines in the same poll.
pub(crate) fn frames<O: Owner>(
    owner: &O,
    session: &Arc<O::Session>,
    socket: Carrier,
    inputs: impl Iterator<Item = Input>,
) -> bool {
    turn(owner, session, |cell, now| Some(((), cell.take_frames(now, socket, inputs)?))).is_some()
}

/// Handles a deadline that fired.
pub(crate) fn timer_fired<O: Owner>(owner: &O, session: &Arc<O::Session>, at: Time) {
    turn(owner, session, |cell, now| Some(((), cell.timer_fired(at, now)?)));
}

/// Handles the loss of a carrier.
pub(crate) fn closed<O: Owner>(owner: &O, session: &Arc<O::Session>, carrier: Carrier) {
    // A session that is over has lost the carrier already.
    let _ = input(owner, session, Input::Closed(carrier));
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
