//! The client's half of a session.
//!
//! It numbers, keeps and repeats what goes up, and delivers what comes down once and in order. It decides which leg carries lines,
//! and requests turns. It never decides which transports to try, or when: its owner opens legs, reports dead ones, and requests a
//! switch.
//!
//! Its twin is `client-js/src/session/session.js`: the same inputs, the same outputs in the same order, held to the same vectors.
//! JavaScript keeps the turns and the count of what came down in files of their own (`legs.js` and `incoming.js`).
//!
//! # Layout
//! - [`leg`]: one leg
//! - `receive`: takes what comes down
//! - `send`: writes what goes up

pub mod leg;
mod receive;
mod send;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde_json::Number;

use self::leg::{Leg, State};
use super::mutant::{Mutant, Mutation};
use super::outgoing::Outgoing;
use super::{Time, milliseconds};
use crate::protocol::down::Welcome;
use crate::protocol::frame::RawFrame;
use crate::protocol::limits::Limits;
use crate::protocol::{Line, Secret, SessionId, Transport, down};

/// A loser is read for this long after the confirmation of the new leg (rule 5).
pub const LOSER_READ: Time = Time::from_secs(5);
/// The pauses before a failed poll or send is repeated; after the last one its leg has failed.
pub const RETRY_PAUSES: [Time; 2] = [Time::from_millis(100), Time::from_millis(300)];

/// The request of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST /rt/stream`
    Stream,
    /// `POST /rt/send`
    Send,
    /// `POST /rt/poll`
    Poll,
}

/// An input of a session. Legs are numbered 1, 2, 3 … in the order of opening. A session ignores events of a leg that is over.
#[derive(Debug, Clone)]
pub enum Input {
    /// The owner opens a leg.
    OpenLeg(Transport),
    /// The leg's socket opened.
    SocketOpened(u32),
    /// A frame came down a socket or a stream.
    FrameArrived(u32, RawFrame),
    /// The whole answer of a send or a poll came.
    AnswerArrived(u32, Route, Vec<RawFrame>),
    /// A request failed.
    RequestFailed(u32, Route),
    /// A leg died by itself, or its owner dropped it.
    LegDied(u32),
    /// The owner wants this leg to carry the session.
    RequestTurn(u32),
    /// The owner wants a ping on this leg.
    SendPing(u32),
    /// The application sends a frame.
    Push(Line),
    /// [`ClientSession::poll_timeout`] has come.
    Timeout,
}

/// Why the promise of a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The gateway has no such session any more.
    Gone,
    /// The gateway dropped frames that were not acknowledged in time.
    Overrun,
}

/// An output of a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Write these lines to the leg's socket.
    Write(u32, Vec<Line>),
    /// Issue this POST; it replaces an older one of the same leg and route, sends excepted.
    Post(u32, Route, Vec<Line>),
    /// The leg's welcome was read (proof P1).
    LegUsable(u32),
    /// The leg carries the session.
    LegActive(u32),
    /// A pong came down the leg, this long after its ping.
    Pong(u32, Time),
    /// A numbered frame, for the first time, in order.
    Deliver(RawFrame),
    /// The session dropped the leg, for this reason.
    LegDropped(u32, String),
    /// The promise ended: so many frames are missing (overrun), or have an unknown outcome (gone).
    Reset(Reset, u64),
    /// After a reset by `gone`: the lines whose outcome is unknown.
    UnknownOutcome(Vec<Line>),
    /// A `config` or `goaway` frame.
    Link(RawFrame),
}

/// The client's half of a session, sans-IO: see the module.
pub struct ClientSession {
    random: Box<dyn FnMut() -> String + Send>,
    nonce_prefix: String,
    nonces: u64,
    secret: Secret,
    /// The last welcome: it names the incarnation and the bounds. None before the first.
    welcome: Option<Box<Welcome>>,
    outgoing: Outgoing,
    /// The greatest number received.
    received: u64,
    /// The greatest number that the gateway was told, and the bytes received since.
    acknowledged: u64,
    unacknowledged_bytes: usize,
    /// When an acknowledgement becomes due.
    ack_at: Option<Time>,
    /// An acknowledgement must go now.
    is_ack_due: bool,
    /// The greatest turn requested, and the greatest that a welcome confirmed.
    turn: u32,
    confirmed_turn: u32,
    /// The open legs, in the order of opening.
    legs: Vec<Leg>,
    opened: u32,
    outputs: VecDeque<Output>,
    mutation: Mutation,
}

impl std::fmt::Debug for ClientSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { received, turn, legs, outgoing, .. } = self;
        let id = self.id();
        write!(f, "ClientSession {{ {id:?}, received {received}, turn {turn}, {outgoing:?}, {legs:?} }}")
    }
}

impl ClientSession {
    /// Returns a session that no gateway knows yet. `random` returns 22 or more random URL-safe characters, new each time.
    ///
    /// # Panics
    /// If `random` returns fewer: a secret that can be guessed must not be used.
    #[must_use]
    pub fn new(mut random: Box<dyn FnMut() -> String + Send>) -> Self {
        let nonce_prefix = random().chars().take(8).collect();
        let secret = fresh_secret(&mut random);
        Self {
            random,
            nonce_prefix,
            nonces: 0,
            secret,
            welcome: None,
            outgoing: Outgoing::default(),
            received: 0,
            acknowledged: 0,
            unacknowledged_bytes: 0,
            ack_at: None,
            is_ack_due: false,
            turn: 0,
            confirmed_turn: 0,
            legs: Vec::new(),
            opened: 0,
            outputs: VecDeque::new(),
            mutation: Mutation::default(),
        }
    }

    /// Gives the session a deliberate mistake, for the simulation.
    #[cfg(test)]
    pub(crate) fn mutated(mut self, mutation: Mutation) -> Self {
        self.mutation = mutation;
        self
    }

    /// Takes one input. Drain [`Self::poll_output`] afterwards.
    pub fn handle(&mut self, now: Time, input: Input) {
        match input {
            Input::OpenLeg(transport) => self.open(transport),
            Input::SocketOpened(leg) => self.greet(leg),
            Input::FrameArrived(leg, frame) => self.frame(now, leg, frame),
            Input::AnswerArrived(leg, route, lines) => self.answer(now, leg, route, lines),
            Input::RequestFailed(leg, route) => self.request_failed(now, leg, route),
            Input::LegDied(leg) => self.legs.retain(|other| other.number != leg),
            Input::RequestTurn(leg) => self.request_turn(leg),
            Input::SendPing(leg) => self.send_ping(now, leg),
            Input::Push(line) => self.outgoing.push(line),
            Input::Timeout => self.timeout(now),
        }
        self.advance();
    }

    /// Returns the next thing to do, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns when [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let legs = self.legs.iter().flat_map(|leg| [leg.retire_at, leg.retry_at]).flatten();
        legs.chain(self.ack_at).min()
    }

    /// Returns the number of frames that wait to be sent or acknowledged, and their bytes.
    #[must_use]
    pub fn kept(&self) -> (usize, usize) {
        (self.outgoing.frames(), self.outgoing.bytes())
    }

    /// Returns the leg that lines go up on: the writable one with the greatest turn (rule 4).
    #[must_use]
    pub fn current(&self) -> Option<u32> {
        let carrying = self.legs.iter().filter(|leg| leg.turn.is_some() && leg.state != State::Opening);
        carrying.max_by_key(|leg| leg.turn).map(|leg| leg.number)
    }

    /// Returns the incarnation, the greatest number that a leg took, and the greatest received, for the simulation's ledger.
    #[cfg(test)]
    pub(crate) fn numbers(&self) -> Option<(&SessionId, u64, u64)> {
        self.id().map(|id| (id, self.outgoing.sent(), self.received))
    }

    /// The incarnation, once a welcome named it.
    fn id(&self) -> Option<&SessionId> {
        self.welcome.as_ref().map(|welcome| &welcome.id)
    }

    fn limits(&self) -> Limits {
        self.welcome.as_ref().map_or_else(Limits::default, |welcome| welcome.limits)
    }

    fn leg(&mut self, number: u32) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.number == number)
    }

    /// Looks at the legs in the order of their opening, and sends all that may go.
    fn advance(&mut self) {
        self.replace_lost_turn();
        let current = self.current();
        let legs: Vec<(u32, Transport)> = self.legs.iter().map(|leg| (leg.number, leg.transport)).collect();
        for (number, transport) in legs {
            let is_current = current == Some(number);
            match transport {
                Transport::WebSocket => self.write(number, is_current),
                Transport::Sse | Transport::Poll => self.request(number, is_current),
            }
        }
    }

    /// Opens a leg. While no open leg carries a turn, a new one does; else it is a candidate (rule 3).
    fn open(&mut self, transport: Transport) {
        self.opened += 1;
        let number = self.opened;
        let turn = self.legs.iter().all(|leg| leg.turn.is_none()).then(|| {
            self.turn += 1;
            self.turn
        });
        self.legs.push(Leg::new(number, transport, turn));
        match transport {
            Transport::WebSocket => {}
            Transport::Sse => self.post(number, Route::Stream, turn.is_some()),
            Transport::Poll => self.post(number, Route::Poll, turn.is_some()),
        }
    }

    /// Requests the next turn on a leg (rule 3), unless the greatest one was requested on it.
    fn request_turn(&mut self, number: u32) {
        let (greatest, turn) = (self.turn, self.turn + 1);
        let may_request = |leg: &&mut Leg| leg.state == State::Usable && leg.turn < Some(greatest);
        let Some(leg) = self.leg(number).filter(may_request) else {
            return;
        };
        leg.turn = Some(turn);
        leg.is_requesting_turn = true;
        self.turn = turn;
    }

    /// If the leg with the greatest turn was dropped, requests a turn on one that is kept, the newest first (rule 4).
    fn replace_lost_turn(&mut self) {
        let greatest = self.legs.iter().filter_map(|leg| leg.turn).max();
        let is_lost = greatest.is_none_or(|turn| turn < self.turn && !self.mutation.is(Mutant::NotAskingAgain));
        if !is_lost {
            return;
        }
        let usable = self.legs.iter_mut().filter(|leg| leg.state == State::Usable);
        if let Some(heir) = usable.max_by_key(|leg| (leg.retire_at.is_none(), leg.number)) {
            heir.retire_at = None;
            let number = heir.number;
            self.request_turn(number);
        }
    }

    /// Confirms the turn that a leg's welcome shows: the losers are read for a while (rule 5). That is no news if a proxy held the
    /// welcome back until another leg had requested a greater turn.
    fn confirm(&mut self, now: Time, number: u32) {
        let greatest = self.turn;
        let shown = self.leg(number).and_then(|leg| leg.turn);
        if shown != Some(greatest) || self.confirmed_turn == greatest {
            return;
        }
        self.confirmed_turn = greatest;
        self.outputs.push_back(Output::LegActive(number));
        for leg in self.legs.iter_mut().filter(|leg| leg.turn.is_some_and(|turn| turn < greatest)) {
            leg.retire_at.get_or_insert(now + LOSER_READ);
        }
    }

    fn send_ping(&mut self, now: Time, number: u32) {
        if let Some(leg) = self.leg(number) {
            leg.links.push(down::ping(&Number::from(milliseconds(now))));
        }
    }

    fn timeout(&mut self, now: Time) {
        if self.ack_at.is_some_and(|at| now >= at) {
            self.ack_at = None;
            self.is_ack_due = true;
        }
        let retired: Vec<u32> =
            self.legs.iter().filter(|leg| leg.retire_at.is_some_and(|at| now >= at)).map(|leg| leg.number).collect();
        for number in retired {
            self.drop_leg(number, "replaced");
        }
        for leg in &mut self.legs {
            if leg.retry_at.is_some_and(|at| now >= at) {
                leg.retry_at = None;
            }
        }
    }

    /// Forgets a leg and tells the owner why.
    fn drop_leg(&mut self, number: u32, reason: &str) {
        let before = self.legs.len();
        self.legs.retain(|leg| leg.number != number);
        if self.legs.len() < before {
            self.outputs.push_back(Output::LegDropped(number, reason.to_owned()));
        }
    }
}

fn fresh_secret(random: &mut Box<dyn FnMut() -> String + Send>) -> Secret {
    match Secret::try_from(random()) {
        Ok(secret) => secret,
        Err(why) => panic!("the source of randomness gave no secret: {why}"),
    }
}
