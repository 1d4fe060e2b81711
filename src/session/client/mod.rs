//! The client's half of a session.
//!
//! It numbers and keeps what goes up, delivers what comes down once and in order, and decides which leg is active by asking for
//! turns. Which transports to try and when is not decided here: the owner opens legs, says when they died, and may ask for a switch.
//!
//! Its twin is `client-js/src/session.js`: the same inputs, the same outputs in the same order, held to the same vectors.
//!
//! # Layout
//! - [`leg`]: what is known of a leg
//! - `receive`: what comes down
//! - `send`: what goes up

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
use crate::protocol::up::Hello;
use crate::protocol::{Line, Nonce, Secret, SessionId, Transport, down};

/// A loser is read for this long after the new leg's confirmation (rule 5).
pub const LOSER_READ: Time = Time::from_secs(5);
/// How long a failed poll or send waits before each try; after the last the leg has failed.
pub const RETRIES: [Time; 2] = [Time::from_millis(100), Time::from_millis(300)];

/// A request of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST /rt/stream`
    Stream,
    /// `POST /rt/send`
    Send,
    /// `POST /rt/poll`
    Poll,
}

/// What happens to a session.
#[derive(Debug, Clone)]
pub enum Input {
    /// A new leg; legs are numbered 1, 2, 3 … in the order of opening.
    Open(Transport),
    /// A socket can be written to.
    Opened(u32),
    /// A frame came down a leg: a socket's message or a stream's event.
    Line(u32, RawFrame),
    /// The whole answer of a leg's current poll or send.
    Answer(u32, Route, Vec<RawFrame>),
    /// A request failed by itself.
    Failed(u32, Route),
    /// A leg died, or its owner gave it up.
    Closed(u32),
    /// Switch onto this leg.
    Ask(u32),
    /// Ping down this leg, for proof and round-trip time.
    Ping(u32),
    /// A frame of the application, to be numbered.
    Push(Line),
    /// [`ClientSession::poll_timeout`] has come.
    Timeout,
}

/// Where the promise ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The session is lost.
    Gone,
    /// The server dropped frames that were not acknowledged in time.
    Overrun,
}

/// What a session wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Write these messages to the socket.
    Write(u32, Vec<Line>),
    /// Issue this POST; it takes the place of an older one of the same leg and route.
    Request(u32, Route, Vec<Line>),
    /// The leg's welcome was read (proof P1).
    Usable(u32),
    /// The leg carries the session.
    Active(u32),
    /// A pong came down the leg.
    Pong(u32, Time),
    /// A numbered frame, for the first time, in order.
    Frame(RawFrame),
    /// The leg is over: dispose of it.
    Close(u32, String),
    /// The promise ended here: so many frames may be lost (overrun), or have an unknown outcome (gone).
    Reset(Reset, u64),
    /// After a reset by `gone`: the frames whose outcome is unknown.
    Unknown(Vec<Line>),
    /// `config` or `goaway`.
    Link(RawFrame),
}

/// See the module.
pub struct ClientSession {
    random: Box<dyn FnMut() -> String + Send>,
    nonce_prefix: String,
    nonces: u64,
    secret: Secret,
    /// The last: the incarnation, and the bounds.
    welcome: Option<Box<Welcome>>,
    outgoing: Outgoing,
    /// The highest number received from the server, and what of it the server was told.
    received: u64,
    told: u64,
    owed_bytes: usize,
    ack_at: Option<Time>,
    ack_due: bool,
    /// The greatest turn asked for.
    turn: u32,
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
    /// A session that nobody has heard of. `random` gives 22 or more random URL-safe characters at each call.
    ///
    /// # Panics
    /// If `random` gives less: a secret that can be guessed must not be used.
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
            told: 0,
            owed_bytes: 0,
            ack_at: None,
            ack_due: false,
            turn: 0,
            legs: Vec::new(),
            opened: 0,
            outputs: VecDeque::new(),
            mutation: Mutation::default(),
        }
    }

    /// The same with a deliberate mistake, for the simulation.
    #[cfg(test)]
    pub(crate) fn mutated(mut self, mutation: Mutation) -> Self {
        self.mutation = mutation;
        self
    }

    /// Takes one input. Drain [`Self::poll_output`] afterwards.
    pub fn handle(&mut self, now: Time, input: Input) {
        match input {
            Input::Open(transport) => self.open(transport),
            Input::Opened(leg) => self.socket_opened(leg),
            Input::Line(leg, frame) => self.line(now, leg, frame),
            Input::Answer(leg, route, lines) => self.answer(now, leg, route, lines),
            Input::Failed(leg, route) => self.failed(now, leg, route),
            Input::Closed(leg) => self.legs.retain(|other| other.number != leg),
            Input::Ask(leg) => self.ask(leg),
            Input::Ping(leg) => self.ping(now, leg),
            Input::Push(line) => self.outgoing.push(line),
            Input::Timeout => self.timeout(now),
        }
        self.advance();
    }

    /// The next thing to be done, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let legs = self.legs.iter().flat_map(|leg| [leg.retire_at, leg.retry_at]).flatten();
        legs.chain(self.ack_at).min()
    }

    /// Frames and bytes that the server has not acknowledged.
    #[must_use]
    pub fn kept(&self) -> (usize, usize) {
        (self.outgoing.frames(), self.outgoing.bytes())
    }

    /// The leg that lines go up on: the usable one with the greatest turn (rule 4).
    #[must_use]
    pub fn current(&self) -> Option<u32> {
        let carrying = self.legs.iter().filter(|leg| leg.turn > 0 && (leg.state == State::Usable || leg.rides));
        carrying.max_by_key(|leg| leg.turn).map(|leg| leg.number)
    }

    /// The incarnation, the greatest number handed to a leg, and the greatest received: for the simulation's books.
    #[cfg(test)]
    pub(crate) fn numbers(&self) -> Option<(&SessionId, u64, u64)> {
        self.id().map(|id| (id, self.outgoing.sent(), self.received))
    }

    /// The incarnation, once known.
    fn id(&self) -> Option<&SessionId> {
        self.welcome.as_ref().map(|welcome| &welcome.id)
    }

    fn limits(&self) -> Limits {
        self.welcome.as_ref().map_or_else(Limits::default, |welcome| welcome.limits)
    }

    fn leg(&mut self, number: u32) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.number == number)
    }

    /// An attempt opened while no open leg carries a turn carries one; the others come as candidates (rule 3).
    fn open(&mut self, transport: Transport) {
        self.opened += 1;
        let number = self.opened;
        let mut leg = Leg::new(number, transport);
        if !self.legs.iter().any(|leg| leg.turn > 0) {
            self.turn += 1;
            leg.turn = self.turn;
        }
        self.legs.push(leg);
        match transport {
            Transport::WebSocket => {}
            Transport::Sse => self.attach(number, Route::Stream),
            Transport::Poll => self.poll(number, true),
        }
    }

    /// Rule 3 and 4: the next turn, on this leg.
    fn ask(&mut self, number: u32) {
        let (greatest, turn) = (self.turn, self.turn + 1);
        // Not where it has been asked already.
        let may_ask = |leg: &&mut Leg| leg.state == State::Usable && (leg.turn == 0 || leg.turn < greatest);
        let Some(leg) = self.leg(number).filter(may_ask) else {
            return;
        };
        leg.turn = turn;
        leg.confirmed = false;
        leg.asking = true;
        self.turn = turn;
    }

    fn ping(&mut self, now: Time, number: u32) {
        if let Some(leg) = self.leg(number) {
            leg.links.push(down::ping(&Number::from(milliseconds(now))));
        }
    }

    fn timeout(&mut self, now: Time) {
        if self.ack_at.is_some_and(|at| now >= at) {
            self.ack_at = None;
            self.ack_due = true;
        }
        let retired: Vec<u32> =
            self.legs.iter().filter(|leg| leg.retire_at.is_some_and(|at| now >= at)).map(|leg| leg.number).collect();
        for number in retired {
            self.close(number, "replaced");
        }
        for leg in &mut self.legs {
            if leg.retry_at.is_some_and(|at| now >= at) {
                leg.retry_at = None;
            }
        }
    }

    fn close(&mut self, number: u32, reason: &str) {
        let before = self.legs.len();
        self.legs.retain(|leg| leg.number != number);
        if self.legs.len() < before {
            self.outputs.push_back(Output::Close(number, reason.to_owned()));
        }
    }

    fn hello(&mut self, number: u32, turn: Option<u32>) -> (Nonce, Line) {
        self.nonces += 1;
        let nonce = format!("{}.{}", self.nonce_prefix, self.nonces);
        let Ok(nonce) = Nonce::try_from(nonce) else { unreachable!("a prefix of 8 url-safe characters and a number") };
        let id = self.id().filter(|_| !self.mutation.is(Mutant::HelloWithoutId)).cloned();
        let hello = Hello {
            secret: self.secret.clone(),
            received: if id.is_some() { self.received } else { 0 },
            id,
            leg: number,
            turn,
            next: self.outgoing.lowest(),
            nonce: nonce.clone(),
            token: None,
            heartbeat_ms: None,
            hold_ms: None,
            report: None,
        };
        (nonce, hello.line())
    }
}

fn fresh_secret(random: &mut Box<dyn FnMut() -> String + Send>) -> Secret {
    match Secret::try_from(random()) {
        Ok(secret) => secret,
        Err(why) => panic!("the source of randomness gave no secret: {why}"),
    }
}
