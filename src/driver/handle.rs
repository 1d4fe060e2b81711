//! One session behind its lock, with what waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use smallvec::SmallVec;
use tracing::debug;

use super::Driver;
use super::link::Progress;
use super::timers::Armed;
use crate::hub::Subscriber;
use crate::protocol::code::Code;
use crate::protocol::up::Command;
use crate::protocol::{ChannelName, Line, Secret, SessionId, limits};
use crate::session::Time;
use crate::session::server::{Carrier, Input, Output, Room, ServerSession};

/// A carrier takes at most this at once, so that one write never holds a socket for long.
const ROOM: Room = Room { bytes: 64 * 1024 };

/// Commands that wait while others of the same session are carried out; above it what comes is turned away.
const BACKLOG: usize = 1024;
/// What a client that sends faster than its commands are carried out waits.
const BACKLOG_WAIT: std::time::Duration = std::time::Duration::from_secs(1);

/// A session on this node. What a publication looks at comes first, as in the session itself.
#[repr(C)]
pub(super) struct Handle {
    state: Mutex<State>,
    pub(super) driver: Weak<Driver>,
    pub(super) key: u64,
    pub(super) secret: Secret,
    pub(super) id: SessionId,
}

#[repr(C)]
struct State {
    /// As a rule there is one carrier, or none.
    wakers: SmallVec<[(Carrier, Waker); 1]>,
    session: ServerSession,
    finished: Vec<(Carrier, Vec<Line>)>,
    commands: VecDeque<Command>,
    /// Somebody is carrying out commands; what is taken meanwhile is left to them, so that order is kept.
    dispatching: bool,
    armed: Armed,
    /// Sorted; most sessions have few.
    subscriptions: Vec<ChannelName>,
}

impl Handle {
    pub(super) fn new(key: u64, secret: Secret, driver: Weak<Driver>, session: ServerSession) -> Arc<Self> {
        let state = State {
            session,
            wakers: SmallVec::new(),
            finished: Vec::new(),
            commands: VecDeque::new(),
            dispatching: false,
            armed: Armed::default(),
            subscriptions: Vec::new(),
        };
        let id = state.session.id().clone();
        Arc::new(Self { key, secret, id, driver, state: Mutex::new(state) })
    }

    /// Hands an input to the session and does what follows from it. `None` if the session is over.
    pub(super) fn input(self: &Arc<Self>, input: Input) -> Option<Result<(), super::Refusal>> {
        self.inputs(None, std::iter::once(input))
    }

    /// The same with several, which only a socket has; the outcome of the last. `socket` brought them, and asks for lines in the same poll:
    /// so its waker is taken out.
    pub(super) fn inputs(
        self: &Arc<Self>,
        socket: Option<Carrier>,
        inputs: impl Iterator<Item = Input>,
    ) -> Option<Result<(), super::Refusal>> {
        let driver = self.driver.upgrade()?;
        let mut state = self.lock();
        if state.session.is_expired() {
            return None;
        }
        if let Some(socket) = socket {
            state.wakers.retain(|(carrier, _)| *carrier != socket);
        }
        let (mut outcome, mut expired, now) = (Ok(()), false, driver.now());
        for input in inputs {
            outcome = state.take(now, input);
            expired |= state.absorb(&self.driver);
        }
        self.arm(&driver, &mut state);
        drop(state);
        self.dispatch(&driver);
        if expired {
            self.forget(&driver);
        }
        Some(outcome)
    }

    /// Lines for a carrier, now or later.
    pub(super) fn poll_lines(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        carrier: Carrier,
        mut out: impl FnMut(&Line),
    ) -> Poll<Progress> {
        let Some(driver) = self.driver.upgrade() else {
            return Poll::Ready(Progress::End);
        };
        let mut state = self.lock();
        if let Some(lines) = state.take_finished(carrier) {
            lines.iter().for_each(out);
            return Poll::Ready(Progress::End);
        }
        let mut some = false;
        let rearm = state.session.write(driver.now(), carrier, ROOM, |line| {
            some = true;
            out(line);
        });
        if rearm {
            self.arm(&driver, &mut state);
        }
        if some && state.session.wants_write_on(carrier) {
            return Poll::Ready(Progress::Full);
        }
        match state.wakers.iter_mut().find(|(other, _)| *other == carrier) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => state.wakers.push((carrier, cx.waker().clone())),
        }
        if some { Poll::Ready(Progress::Lines) } else { Poll::Pending }
    }

    /// The answer of a request that is answered at once.
    pub(super) fn take_finished(&self, carrier: Carrier) -> Vec<Line> {
        self.lock().take_finished(carrier).unwrap_or_default()
    }

    /// The carrier is no more.
    pub(super) fn closed(self: &Arc<Self>, carrier: Carrier) {
        debug!(session = %self.id, carrier = carrier.0, "a leg's connection or poll is over");
        let _ = self.input(Input::Closed(carrier));
        let mut state = self.lock();
        state.take_finished(carrier);
        state.wakers.retain(|(other, _)| *other != carrier);
    }

    /// The time that was armed has come.
    pub(super) fn timer_fired(self: &Arc<Self>, at: Time, now: Time) {
        let mut state = self.lock();
        if !state.armed.fired(at) {
            return;
        }
        let due = state.session.poll_timeout().is_some_and(|due| due <= now);
        if !due && let Some(driver) = self.driver.upgrade() {
            self.arm(&driver, &mut state);
        }
        drop(state);
        if due {
            let _ = self.input(Input::Timeout);
        }
    }

    /// Notes a subscription; false if it would be one too many. One that is held already may always be taken anew.
    pub(super) fn add_subscription(&self, channel: &ChannelName) -> bool {
        let held = &mut self.lock().subscriptions;
        let Err(place) = held.binary_search(channel) else { return true };
        if held.len() >= limits::SUBSCRIPTIONS {
            return false;
        }
        held.reserve_exact(1);
        held.insert(place, channel.clone());
        true
    }

    pub(super) fn remove_subscription(&self, channel: &ChannelName) {
        let held = &mut self.lock().subscriptions;
        if let Ok(place) = held.binary_search(channel) {
            held.remove(place);
        }
    }

    /// Whether the session has expired.
    pub(super) fn is_over(&self) -> bool {
        self.lock().session.is_expired()
    }

    /// Carries out commands in their order, without the lock.
    fn dispatch(self: &Arc<Self>, driver: &Arc<Driver>) {
        let mut state = self.lock();
        if state.commands.is_empty() || std::mem::replace(&mut state.dispatching, true) {
            return;
        }
        let dispatching = Dispatching(self);
        while !state.commands.is_empty() {
            let commands = std::mem::take(&mut state.commands);
            drop(state);
            driver.execute(self, Vec::from(commands).as_slice());
            state = self.lock();
        }
        state.dispatching = false;
        std::mem::forget(dispatching);
    }

    /// A session that is over leaves everything it was part of.
    fn forget(self: &Arc<Self>, driver: &Driver) {
        debug!(session = %self.id, "a session is over");
        driver.registry.remove(self);
        let subscriptions = std::mem::take(&mut self.lock().subscriptions);
        for channel in subscriptions {
            driver.hub.unsubscribe(&channel, self.key);
        }
    }

    /// Has the shared timers wake the session in time. A deadline that moved further away is not touched: it fires, and finds that.
    fn arm(self: &Arc<Self>, driver: &Driver, state: &mut State) {
        if let Some(at) = state.session.poll_timeout().filter(|at| state.armed.arm(*at)) {
            driver.timers.arm(at, self);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A session whose holder panicked is used on: its state is only changed by `handle`, which does not panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, now: Time, mut input: Input) -> Result<(), super::Refusal> {
        if self.commands.len() >= BACKLOG && input.brings_commands() {
            let message = format!("{BACKLOG} commands of this session wait to be carried out");
            let refusal = super::Refusal::new(Code::RateLimited, message).retry_after(BACKLOG_WAIT);
            let Input::Frame { carrier, .. } = input else { return Err(refusal) };
            input = Input::Refused { carrier, refusal };
        }
        self.session.handle(now, input)
    }

    /// Does what the session wants, and wakes whom it concerns. True if it is over.
    fn absorb(&mut self, driver: &Weak<Driver>) -> bool {
        let expired = self.carry_out(driver);
        let Self { session, wakers, .. } = self;
        wakers.retain(|(carrier, waker)| {
            let due = session.wants_write_on(*carrier);
            if due {
                waker.wake_by_ref();
            }
            !due
        });
        expired
    }

    fn carry_out(&mut self, driver: &Weak<Driver>) -> bool {
        let mut expired = false;
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Command(command) => self.commands.push_back(command),
                Output::Finish { carrier, lines } => {
                    self.finished.push((carrier, lines));
                    self.wake(carrier);
                }
                Output::Overrun { .. } => {
                    // A client that has left loses what is too old. That says nothing of the paths of the others.
                    if let Some(driver) = driver.upgrade().filter(|driver| self.session.has_reader(driver.now())) {
                        driver.counters.overruns.inc();
                    }
                }
                Output::Expired => expired = true,
            }
        }
        expired
    }

    fn wake(&mut self, carrier: Carrier) {
        if let Some(place) = self.wakers.iter().position(|(other, _)| *other == carrier) {
            self.wakers.swap_remove(place).1.wake();
        }
    }

    fn take_finished(&mut self, carrier: Carrier) -> Option<Vec<Line>> {
        let place = self.finished.iter().position(|(other, _)| *other == carrier)?;
        Some(self.finished.swap_remove(place).1)
    }
}

/// Lets others go on if a command panics: one fault must not silence a session.
struct Dispatching<'a>(&'a Handle);

impl Drop for Dispatching<'_> {
    fn drop(&mut self) {
        self.0.lock().dispatching = false;
    }
}

impl Subscriber for Handle {
    /// The hot path of a fan-out: pushes, and a waker where the carrier waits. Nothing but lines for the active leg comes of it.
    fn deliver(&self, lines: &[Line]) -> Option<Waker> {
        let mut state = self.lock();
        lines.iter().for_each(|line| state.session.push(line.clone()));
        state.carry_out(&self.driver);
        let carrier = state.session.active_carrier()?;
        let place = state.wakers.iter().position(|(other, _)| *other == carrier)?;
        let due = state.session.wants_write_on(carrier);
        due.then(|| state.wakers.swap_remove(place).1)
    }

    fn key(&self) -> u64 {
        self.key
    }

    /// Half of what is free, so that what comes meanwhile does not push it out.
    fn room(&self) -> (usize, usize) {
        let (frames, bytes) = self.lock().session.room();
        (frames / 2, bytes / 2)
    }
}
