//! A session and the wakers of its carriers, behind one short lock.
//!
//! An input comes back as [`Effects`]. The cell carries none of them out, and does not know its owner. It must
//! never call anything outside of the session while its lock is held.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use smallvec::SmallVec;

use super::kept::Kept;
use super::timers::Armed;
use crate::protocol::code::{Limit, Refusal};
use crate::protocol::limits::{self, Room};
use crate::protocol::token::Token;
use crate::protocol::up::Command;
use crate::protocol::{LegNumber, Line};
use crate::session::Time;
use crate::session::server::{Carrier, Input, Output, ServerSession};

/// The maximum number of bytes that a carrier writes at once, so that one write never occupies a socket for long.
const WRITTEN_AT_ONCE: usize = 64 * 1024;

/// The maximum number of commands of one session that may wait to be carried out, and the maximum number of bytes of
/// those that wait for decisions. Beyond either bound the gateway refuses new commands.
const LONGEST_BACKLOG: Backlog = Backlog { commands: 1024, bytes: limits::REPLAY_BYTES };

/// Commands of one session that wait, and their cost in line form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// How many commands wait.
    pub commands: usize,
    /// The bytes of all of them.
    pub bytes: usize,
}

impl Backlog {
    /// Returns a backlog without commands.
    #[must_use]
    pub const fn new() -> Self {
        Self { commands: 0, bytes: 0 }
    }

    /// Adds a command with this cost.
    pub const fn add(&mut self, bytes: usize) {
        self.commands += 1;
        self.bytes += bytes;
    }

    /// Removes a command with this cost.
    pub const fn remove(&mut self, bytes: usize) {
        self.commands -= 1;
        self.bytes -= bytes;
    }
}

/// The result of [`Cell::poll_lines`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// All lines that were there. The next ones wake the caller. They are the whole answer of a poll.
    Lines,
    /// As many lines as one write should hold. There are more: poll again.
    Full,
    /// The last lines, or none. Nothing follows.
    End,
}

/// The effects of an input. `cycle` states the order in which they are carried out.
#[derive(Debug)]
#[must_use]
pub struct Effects {
    /// A deadline to arm: no armed deadline fires by then.
    pub deadline: Option<Time>,
    /// The wakers of the carriers that have lines.
    pub wakers: SmallVec<[Waker; 2]>,
    /// Commands for [`Cell::run`].
    pub commands: Vec<Command>,
    /// A fresh token to check, and the leg on which it came. Of several, the last.
    pub token: Option<Box<(LegNumber, Token)>>,
    /// The session is over.
    pub is_over: bool,
}

/// A session and the wakers of its carriers. A publication reads only its first fields, as in the session itself.
#[repr(C)]
pub struct Cell {
    state: Mutex<State>,
    kept: Arc<Kept>,
}

#[repr(C)]
struct State {
    /// There is usually one carrier, or none.
    wakers: SmallVec<[(Carrier, Waker); 1]>,
    session: ServerSession,
    finished: Vec<(Carrier, Vec<Line>)>,
    commands: Vec<Command>,
    token: Option<Box<(LegNumber, Token)>>,
    /// The commands that were handed out and wait for a decision.
    undecided: Backlog,
    /// A caller carries out commands. It also receives those that come meanwhile, so that they keep their order.
    running: bool,
    armed: Armed,
}

impl Cell {
    /// Returns a cell for a session. `kept` counts the bytes that it keeps for replay.
    #[must_use]
    pub fn new(session: ServerSession, kept: Arc<Kept>) -> Self {
        let state = State {
            session,
            wakers: SmallVec::new(),
            finished: Vec::new(),
            commands: Vec::new(),
            token: None,
            undecided: Backlog::new(),
            running: false,
            armed: Armed::default(),
        };
        Self { state: Mutex::new(state), kept }
    }

    /// Hands an input to the session. Returns `None` if it is over. The session may refuse an `Attach` or a `Send`.
    pub fn take(&self, now: Time, input: Input) -> Option<(Result<(), Refusal>, Effects)> {
        let mut state = self.lock();
        if state.session.is_expired() {
            return None;
        }
        let before = state.kept_bytes();
        let outcome = state.take(now, input);
        self.kept.changed(before, state.kept_bytes());
        let is_over = state.drain().is_over;
        Some((outcome, state.effects(is_over)))
    }

    /// Hands the inputs of a socket's frames to the session. Returns `None` if it is over. The socket polls for lines
    /// in the same poll, so its waker is dropped.
    pub fn take_frames(&self, now: Time, socket: Carrier, inputs: impl Iterator<Item = Input>) -> Option<Effects> {
        let mut state = self.lock();
        if state.session.is_expired() {
            return None;
        }
        state.wakers.retain(|(carrier, _)| *carrier != socket);
        let (mut is_over, before) = (false, state.kept_bytes());
        for input in inputs {
            // The session answers a faulty frame on the socket, so no frame is refused here.
            let _ = state.take(now, input);
            is_over |= state.drain().is_over;
        }
        self.kept.changed(before, state.kept_bytes());
        Some(state.effects(is_over))
    }

    /// Handles a deadline that fired. Returns `None` if it is no longer the session's next, or if the session is
    /// over.
    pub fn timer_fired(&self, at: Time, now: Time) -> Option<Effects> {
        let mut state = self.lock();
        if !state.armed.fired(at) || state.session.is_expired() {
            return None;
        }
        let mut is_over = false;
        if state.session.poll_timeout().is_some_and(|due| due <= now) {
            // A timeout is never refused.
            let before = state.kept_bytes();
            let _ = state.session.handle(now, Input::Timeout);
            self.kept.changed(before, state.kept_bytes());
            is_over = state.drain().is_over;
        }
        Some(state.effects(is_over))
    }

    /// Writes lines for a carrier, or keeps the caller's waker. The returned time, if any, is a deadline to arm.
    pub fn poll_lines(
        &self,
        now: Time,
        cx: &mut Context<'_>,
        carrier: Carrier,
        mut out: impl FnMut(&Line),
    ) -> (Poll<Progress>, Option<Time>) {
        let mut state = self.lock();
        if let Some(lines) = state.take_finished(carrier) {
            lines.iter().for_each(out);
            return (Poll::Ready(Progress::End), None);
        }
        let mut some = false;
        let rearm = state.session.write(now, carrier, WRITTEN_AT_ONCE, |line| {
            some = true;
            out(line);
        });
        let deadline = if rearm { state.deadline() } else { None };
        if some && state.session.wants_write_on(carrier) {
            return (Poll::Ready(Progress::Full), deadline);
        }
        match state.wakers.iter_mut().find(|(other, _)| *other == carrier) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => state.wakers.push((carrier, cx.waker().clone())),
        }
        (if some { Poll::Ready(Progress::Lines) } else { Poll::Pending }, deadline)
    }

    /// Pushes lines into the session: the hot path of a fan-out. Returns the waker of the active leg, if its
    /// carrier waits for lines. Also returns how often the session dropped frames, because its client acknowledged
    /// too slowly.
    #[inline]
    pub fn deliver(&self, lines: &[Line]) -> (Option<Waker>, u64) {
        let mut state = self.lock();
        let before = state.kept_bytes();
        lines.iter().for_each(|line| state.session.push(line.clone()));
        self.kept.changed(before, state.kept_bytes());
        // A push causes only lines for the active leg, and overruns.
        let overruns = state.drain().overruns;
        (state.active_waker(), overruns)
    }

    /// Returns the part of the session in the bytes that the node keeps. Sessions that keep the same line share it.
    pub fn own_bytes(&self) -> usize {
        self.lock().session.own_bytes()
    }

    /// Drops the oldest frames that the session keeps, until it keeps at most `part` of each `whole`. Returns the same
    /// as [`Self::deliver`].
    pub fn cut(&self, part: usize, whole: usize) -> (Option<Waker>, u64) {
        let mut state = self.lock();
        let before = state.kept_bytes();
        state.session.cut(before.saturating_mul(part) / whole.max(1));
        self.kept.changed(before, state.kept_bytes());
        let overruns = state.drain().overruns;
        (state.active_waker(), overruns)
    }

    /// Carries out commands, and those that come meanwhile, without the lock. One caller does so at a time. `run`
    /// must not panic.
    pub fn run(&self, mut commands: Vec<Command>, mut run: impl FnMut(Vec<Command>)) {
        if commands.is_empty() {
            return;
        }
        while !commands.is_empty() {
            run(commands);
            let mut state = self.lock();
            commands = std::mem::take(&mut state.commands);
            state.running = !commands.is_empty();
        }
    }

    /// Sets how many commands that were handed out wait for a decision. If they are too many, the cell refuses new
    /// commands.
    pub fn set_undecided(&self, undecided: Backlog) {
        self.lock().undecided = undecided;
    }

    /// Makes the answer of a poll due, because its client stopped waiting. Poll for its lines now.
    pub fn hurry(&self, carrier: Carrier) {
        self.lock().session.hurry(carrier);
    }

    /// Returns the lines of a request that is answered at once.
    pub fn take_finished(&self, carrier: Carrier) -> Vec<Line> {
        self.lock().take_finished(carrier).unwrap_or_default()
    }

    /// Drops all that is kept for a carrier.
    pub fn forget_carrier(&self, carrier: Carrier) {
        let mut state = self.lock();
        state.take_finished(carrier);
        state.wakers.retain(|(other, _)| *other != carrier);
    }

    /// Returns true if the session is over.
    pub fn is_over(&self) -> bool {
        self.lock().session.is_expired()
    }

    /// Returns true if the session knows a leg with this number.
    pub fn knows_leg(&self, number: LegNumber) -> bool {
        self.lock().session.knows_leg(number)
    }

    /// Returns true if a client reads.
    pub fn has_reader(&self, now: Time) -> bool {
        self.lock().session.has_reader(now)
    }

    /// Returns the session's room that is left.
    pub fn room(&self) -> Room {
        self.lock().session.room()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The session stays usable if the last holder panicked: only `handle` changes it, and that does not panic
        // half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.kept.changed(state.kept_bytes(), 0);
    }
}

/// The outputs of the session, except for lines.
#[derive(Default)]
struct Drained {
    overruns: u64,
    is_over: bool,
}

impl State {
    #[inline]
    const fn kept_bytes(&self) -> usize {
        self.session.kept_bytes()
    }

    fn take(&mut self, now: Time, mut input: Input) -> Result<(), Refusal> {
        let waiting = self.commands.len() + self.undecided.commands;
        let is_full = waiting >= LONGEST_BACKLOG.commands || self.undecided.bytes >= LONGEST_BACKLOG.bytes;
        if is_full && input.brings_commands() {
            let refusal = Limit::Backlog(waiting).into();
            let Input::Frame { carrier, .. } = input else { return Err(refusal) };
            input = Input::Refused { carrier, refusal };
        }
        self.session.handle(now, input)
    }

    /// Keeps the outputs of the session.
    fn drain(&mut self) -> Drained {
        let mut drained = Drained::default();
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Command(command) => self.commands.push(command),
                Output::Finish { carrier, lines } => self.finished.push((carrier, lines)),
                Output::Overrun { .. } => drained.overruns += 1,
                Output::Token { leg, token } => self.token = Some(Box::new((leg, token))),
                Output::Left => drained.is_over = true,
                Output::Expired => {
                    drained.is_over = true;
                    // Commands are no longer carried out for it.
                    self.commands = Vec::new();
                }
            }
        }
        drained
    }

    #[inline]
    fn effects(&mut self, is_over: bool) -> Effects {
        let wakers = self.due_wakers();
        let deadline = self.deadline();
        let starts = !self.commands.is_empty() && !std::mem::replace(&mut self.running, true);
        let commands = if starts { std::mem::take(&mut self.commands) } else { Vec::new() };
        Effects { deadline, wakers, commands, token: self.token.take(), is_over }
    }

    /// Returns the wakers of all carriers that have lines.
    fn due_wakers(&mut self) -> SmallVec<[Waker; 2]> {
        let mut due = SmallVec::new();
        let mut place = 0;
        while let Some((carrier, _)) = self.wakers.get(place) {
            let is_finished = self.finished.iter().any(|(other, _)| other == carrier);
            if is_finished || self.session.wants_write_on(*carrier) {
                due.push(self.wakers.swap_remove(place).1);
            } else {
                place += 1;
            }
        }
        due
    }

    fn active_waker(&mut self) -> Option<Waker> {
        let carrier = self.session.active_carrier()?;
        let place = self.wakers.iter().position(|(other, _)| *other == carrier)?;
        let due = self.session.wants_write_on(carrier);
        due.then(|| self.wakers.swap_remove(place).1)
    }

    /// Returns the session's deadline, if it must be armed. Moving a deadline later does not arm anything: the old
    /// one fires and finds nothing due.
    fn deadline(&mut self) -> Option<Time> {
        self.session.poll_timeout().filter(|at| self.armed.arm(*at))
    }

    fn take_finished(&mut self, carrier: Carrier) -> Option<Vec<Line>> {
        let place = self.finished.iter().position(|(other, _)| *other == carrier)?;
        Some(self.finished.swap_remove(place).1)
    }
}
