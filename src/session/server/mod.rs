//! The gateway's half of a session.
//!
//! It numbers and keeps the frames that go down, accepts the lines that come up once and in order, and decides
//! which leg is active. Its belief about a leg's health must never decide that (rule 3): only the client activates,
//! by its turn.
//!
//! A leg's present connection is its *carrier*: a socket, a stream's response, or one poll's request. A socket or a
//! stream grants room to write again and again, and a poll exactly once. No layer above this file asks which it is.
//!
//! # Layout
//! - `events`: the inputs and outputs of a session
//! - [`leg`]: the state of a leg; `carriage`: the state of the kind of its carrier
//! - [`settings`]: the settings that all sessions share, a client's wishes, and the transports offered
//! - `right`: whose session it is, and until when; its end by `bye`
//! - `take`: accepts what comes up
//! - `poll`: how a poll is accepted, and when it is answered; `answer`: the reasons to answer it
//! - `write`: writes what goes down
//! - `time`: what happens by itself
//! - `hooks`: where a test breaks a rule; `watch`: what must be true of a session, whatever anybody does to it

mod answer;
mod carriage;
mod events;
mod hooks;
pub mod leg;
mod poll;
mod right;
pub mod settings;
mod take;
#[cfg(test)]
mod tests;
mod time;
#[cfg(any(test, fuzzing))]
pub(crate) mod watch;
mod write;

use std::collections::VecDeque;
use std::sync::Arc;

pub use self::events::{Carrier, Input, Output, Resolution, Right, resolve};
use self::leg::{Leg, State};
pub use self::settings::Settings;
use self::settings::Wishes;
use super::Time;
#[cfg(test)]
use super::mutant::Mutation;
use super::outgoing::Outgoing;
use crate::protocol::code::Refusal;
use crate::protocol::limits::Room;
use crate::protocol::{LegNumber, Line, Nonce, Seq, SessionId, Transport, Turn, down};

/// The gateway's half of a session. A publication reads only its first fields, as in [`Leg`].
#[derive(Debug)]
#[repr(C)]
pub struct ServerSession {
    outgoing: Outgoing,
    /// The active leg's number.
    active: Option<LegNumber>,
    legs: Vec<Leg>,
    settings: Arc<Settings>,
    expired: bool,
    /// A hello with the id, or the ack of rule 6, sets it.
    confirmed: bool,
    #[cfg(test)]
    mutation: Mutation,
    /// The session's turn: the greatest one granted. It fences off lower ones.
    turn: Option<Turn>,
    /// When an acknowledgement becomes due (rule 11).
    ack_at: Option<Time>,
    outputs: VecDeque<Output>,
    /// The highest number accepted from the client, and the highest one acknowledged to it.
    received: Seq,
    acknowledged: Seq,
    unacknowledged_bytes: usize,
    /// When the last leg closed, or the last request was accepted.
    last_alive: Time,
    id: SessionId,
    /// The transports offered, best first. The settings state the first ones.
    offered: Arc<[Transport]>,
    wishes: Wishes,
    created: Time,
    /// When it ends, because its client said `bye` (rule 14).
    bye_at: Option<Time>,
    /// `None` in open mode, where no client needs one.
    right: Option<Box<Right>>,
    /// The theoretical arrival time of the attach limit (GCRA).
    attach_budget: Time,
}

impl ServerSession {
    /// Returns a new session without any leg.
    #[must_use]
    pub fn new(now: Time, id: SessionId, settings: Arc<Settings>) -> Self {
        Self {
            id,
            offered: Arc::clone(&settings.transports),
            settings,
            wishes: Wishes::default(),
            outgoing: Outgoing::default(),
            received: Seq::NONE,
            acknowledged: Seq::NONE,
            unacknowledged_bytes: 0,
            ack_at: None,
            turn: None,
            active: None,
            legs: Vec::new(),
            confirmed: false,
            created: now,
            bye_at: None,
            right: None,
            last_alive: now,
            attach_budget: Time::ZERO,
            expired: false,
            outputs: VecDeque::new(),
            #[cfg(test)]
            mutation: Mutation::default(),
        }
    }

    /// Gives the session a deliberate mistake, for the simulation.
    #[cfg(test)]
    pub(crate) fn mutated(mut self, mutation: Mutation) -> Self {
        self.mutation = mutation;
        self
    }

    /// Returns the active leg, the greatest number handed to a leg, and the greatest received, for the simulation's
    /// ledger.
    #[cfg(test)]
    pub(crate) const fn numbers(&self) -> (Option<LegNumber>, Seq, Seq) {
        (self.active, self.outgoing.sent(), self.received)
    }

    /// Handles one input. Drain [`Self::poll_output`] and look at [`Self::wants_write`] afterwards.
    ///
    /// # Errors
    /// A refusal of an `Attach` or a `Send`: nothing was accepted, and the session is unchanged. A faulty frame of
    /// a socket is answered on the socket instead.
    pub fn handle(&mut self, now: Time, input: Input) -> Result<(), Refusal> {
        match input {
            Input::Attach { carrier, transport, network, right, hello, frames } => {
                self.renew(right);
                self.bye_at = self.bye_at.filter(|_| self.ignores_return());
                if self.turns_away(now, carrier, &hello.nonce) {
                    return Ok(());
                }
                let number = hello.leg;
                let moved = self.leg(number).is_some_and(|leg| leg.network != network);
                if transport == Transport::Poll {
                    self.attach_poll(now, carrier, hello, frames)?;
                } else {
                    self.attach_stream(now, carrier, transport, hello, frames)?;
                }
                if let Some(leg) = self.leg(number) {
                    leg.network = network;
                    if let Some(parked) = leg.carriage.parked_mut() {
                        parked.news |= moved;
                    }
                }
                Ok(())
            }
            Input::Send { carrier, hello, frames } => self.send(now, carrier, hello, frames),
            accepted => {
                self.accept_input(now, accepted);
                Ok(())
            }
        }
    }

    /// Handles an input that is never refused.
    fn accept_input(&mut self, now: Time, input: Input) {
        match input {
            Input::Attach { .. } | Input::Send { .. } => unreachable!("a session may refuse these"),
            Input::Token { leg, outcome } => self.token_checked(now, leg, outcome),
            Input::Frame { carrier, frame } => {
                if let Err(refusal) = self.socket_frame(now, carrier, frame) {
                    self.refuse(now, carrier, &refusal);
                }
            }
            Input::Refused { carrier, refusal } => self.refuse(now, carrier, &refusal),
            Input::Link(line) => {
                for leg in &mut self.legs {
                    leg.link = Some(line.clone());
                }
            }
            Input::Offer(transports, jitter) => self.offer(now, transports, jitter),
            Input::End(refusal) => self.expire(&refusal),
            Input::EndLegs(refusal) => self.end_legs(&refusal),
            Input::Closed(carrier) => self.closed(now, carrier),
            Input::Timeout => self.timeout(now),
        }
    }

    /// Returns the next output, or `None` after the last one.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.outputs.capacity() == 0 {
            return None;
        }
        let output = self.outputs.pop_front();
        if output.is_none() {
            // Outputs come in bursts, and most sessions are idle, so the queue gives its memory back.
            self.outputs = VecDeque::new();
        }
        output
    }

    /// Returns the incarnation's public name.
    #[must_use]
    pub const fn id(&self) -> &SessionId {
        &self.id
    }

    /// Returns the number of frames kept for the client, and their bytes.
    #[must_use]
    pub fn kept(&self) -> (usize, usize) {
        (self.outgoing.frames(), self.outgoing.bytes())
    }

    /// Returns the bytes of the frames kept for the client.
    #[must_use]
    pub const fn kept_bytes(&self) -> usize {
        self.outgoing.bytes()
    }

    /// Returns its part of the memory of these frames: a line that others keep as well counts by its part.
    #[must_use]
    pub fn own_bytes(&self) -> usize {
        self.outgoing.own_bytes()
    }

    /// Returns the room that is left: what fits is pushed, and no frame is dropped.
    #[must_use]
    pub fn room(&self) -> Room {
        let (limits, (frames, bytes)) = (&self.settings.limits, self.kept());
        Room { frames: limits.replay_frames.saturating_sub(frames), bytes: limits.replay_bytes.saturating_sub(bytes) }
    }

    /// Returns true if the session is over.
    #[must_use]
    pub const fn is_expired(&self) -> bool {
        self.expired
    }

    /// Accepts a frame for the client, to be numbered and kept. It is no [`Input`], because it happens a thousand
    /// times as often, and because it neither fails nor depends on the time. Handle its effects in the same way.
    pub fn push(&mut self, line: Line) {
        self.outgoing.push(line);
        let limits = &self.settings.limits;
        self.keep(limits.replay_frames, limits.replay_bytes);
    }

    /// Drops the oldest frames for the client, until at most so many bytes are kept. The client learns it as it learns
    /// an overrun. Handle its effects as those of [`Self::push`].
    pub fn cut(&mut self, bytes: usize) {
        self.keep(usize::MAX, bytes);
    }

    fn keep(&mut self, frames: usize, bytes: usize) {
        let before = self.outgoing.lowest();
        while self.outgoing.frames() > frames || self.outgoing.bytes() > bytes {
            self.outgoing.drop_first();
        }
        let lowest = self.outgoing.lowest();
        if lowest > before {
            self.outputs.push_back(Output::Overrun { through: lowest.previous() });
        }
    }

    /// Returns the number that a leg's lines start from: max(R, highest acknowledged, last dropped) + 1 (rule 6).
    fn base(&self, received: Seq) -> Seq {
        self.outgoing.lowest().max(received.next())
    }

    /// Most sessions have one leg all their life, so there is room for just that one.
    fn add(&mut self, leg: Leg) {
        self.legs.reserve_exact(1);
        self.legs.push(leg);
    }

    fn leg(&mut self, number: LegNumber) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.number == number)
    }

    fn leg_of(&mut self, carrier: Carrier) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.carrier == Some(carrier))
    }

    fn attached(&self) -> usize {
        self.legs.iter().filter(|leg| leg.is_attached()).count()
    }

    /// Ends a socket's leg because of a faulty frame. The leg's count is void: no later line of it is accepted.
    fn refuse(&mut self, now: Time, carrier: Carrier, refusal: &Refusal) {
        if let Some(leg) = self.leg_of(carrier) {
            if let Some(next) = leg.carriage.next_up() {
                *next = None;
            }
            let (number, attached) = (leg.number, leg.is_attached());
            self.end_leg(number, refusal);
            if attached {
                // The leg lived until now, so the session's time starts here (rules 7 and 12).
                self.last_alive = now;
            }
        }
    }

    /// Writes `end` to a leg, and then never writes to it again (rule 5). The session still accepts its late lines.
    fn end_leg(&mut self, number: LegNumber, refusal: &Refusal) {
        if self.active == Some(number) {
            self.active = None;
        }
        if self.hides_end(number, refusal) {
            return;
        }
        let Some(leg) = self.leg(number) else { return };
        if leg.state == State::Ended {
            return;
        }
        leg.state = State::Ended;
        let nonce = Some(leg.nonce.clone());
        let keeps_reading = leg.transport() == Transport::WebSocket;
        let carrier = if keeps_reading { leg.carrier } else { leg.carrier.take() };
        if let Some(carrier) = carrier {
            self.finish(carrier, down::end(nonce, refusal));
        }
    }

    fn end_legs(&mut self, refusal: &Refusal) {
        let numbers: Vec<LegNumber> = self.legs.iter().map(|leg| leg.number).collect();
        for number in numbers {
            self.end_leg(number, refusal);
        }
    }

    fn finish(&mut self, carrier: Carrier, line: Line) {
        self.outputs.push_back(Output::Finish { carrier, lines: vec![line] });
    }

    fn closed(&mut self, now: Time, carrier: Carrier) {
        let Some(leg) = self.leg_of(carrier) else {
            return;
        };
        leg.carrier = None;
        self.last_alive = now;
        self.forget_legs();
    }

    /// Removes the oldest unattached legs beyond the bound. Only a request that is later than many legs lived can
    /// name a forgotten leg, and a turn fences even that off.
    fn forget_legs(&mut self) {
        while self.legs.len() > leg::REMEMBERED {
            let Some(oldest) = self.legs.iter().position(|leg| !leg.is_attached() && Some(leg.number) != self.active)
            else {
                return;
            };
            self.legs.remove(oldest);
        }
    }

    /// Counts all that was received as acknowledged, because a frame that goes down says so.
    fn acknowledge(&mut self) {
        self.acknowledged = self.received;
        self.unacknowledged_bytes = 0;
        self.ack_at = None;
    }

    /// Composes a brief welcome for a client that knows all but these numbers.
    fn brief(&mut self, nonce: Nonce, next: Option<Seq>, known: Seq) -> Line {
        self.acknowledge();
        let received = Some(self.received).filter(|received| *received != known);
        down::brief(&down::Brief { nonce, next, received })
    }

    /// Composes a welcome about a leg when it is written, never before, so it shows the present state.
    fn welcome(&mut self, now: Time, nonce: Nonce, leg: LegNumber, next: Seq) -> Line {
        self.acknowledge();
        let network = self.leg(leg).and_then(|leg| leg.network).map(|network| network.to_string());
        down::welcome(&down::Welcome {
            v: crate::protocol::VERSION,
            nonce,
            id: self.id.clone(),
            leg,
            turn: self.turn,
            received: self.received,
            next,
            transports: self.offered.iter().map(|transport| transport.name().into()).collect(),
            heartbeat_ms: super::milliseconds(self.heartbeat()),
            hold_ms: super::milliseconds(self.hold()),
            resume_ms: super::milliseconds(self.settings.resume),
            network,
            user: self.right.as_ref().and_then(|right| right.user.clone()),
            expires_ms: self.expires_ms(now),
            limits: self.settings.limits,
        })
    }
}
