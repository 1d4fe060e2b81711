//! The client's half of a session.
//!
//! It numbers, keeps and repeats what goes up, and delivers what comes down once and in order. It decides which leg
//! carries lines, and requests turns. It never decides which transports to try, or when: its owner opens legs,
//! reports dead ones, and requests a switch.
//!
//! Its twin is `client-js/src/session/session.js`: the same inputs lead to the same outputs in the same order, and
//! the same vectors test both. JavaScript keeps the turns, and the count of what came down, in files of their own
//! (`legs.js` and `acknowledgements.js`). Some things only a page needs, so only JavaScript has them:
//! - requests that outlive the page (`park`)
//! - polls that are not held (`mayHold`)
//! - the figures by which the selector judges a leg (`oldestHandedAt`, `acknowledgedAt`, `announcedBytes`)
//!
//! # Layout
//! - `events`: the inputs and outputs of a session
//! - [`leg`]: one leg
//! - `receive`: handles what comes down
//! - `send`: writes what goes up
//! - `failures`: the consequences of a failed request, and the withdrawal of a line
//! - `bodies`: how large a body may be
//! - `hooks`: the hooks by which a test breaks a rule

mod bodies;
mod events;
mod failures;
mod hooks;
pub mod leg;
mod receive;
mod send;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde_json::Number;

use self::bodies::Bodies;
pub use self::events::{Failure, Input, Output, Reset, Route};
use self::failures::Failures;
use self::leg::{Leg, State};
#[cfg(test)]
use super::mutant::Mutation;
use super::outgoing::Outgoing;
use super::{Time, milliseconds};
use crate::protocol::down::Welcome;
use crate::protocol::limits::Limits;
use crate::protocol::token::Token;
use crate::protocol::{LegNumber, Line, Secret, Seq, SessionId, Transport, Turn, down, up};

/// A loser is read for this long after the confirmation of the new leg (rule 5).
pub const LOSER_READ: Time = Time::from_secs(5);

/// Returns this many random words of 32 bits, as URL-safe text.
type Random = Box<dyn FnMut(usize) -> String + Send>;

/// The words of a secret: 128 bits, in 22 characters or more.
const SECRET_WORDS: usize = 4;
/// The words of a pad. In the digits of a page they take 3,600 to 3,960 characters, and 1,500 bytes or more after
/// any compression.
const PAD_WORDS: usize = 360;

/// The client's half of a session, sans-IO.
pub struct ClientSession {
    now: Time,
    random: Random,
    nonce_prefix: String,
    nonces: u64,
    secret: Secret,
    /// It goes up in hellos that attach a leg.
    token: Option<Token>,
    /// The client leaves for good, and the session may live this long. It goes up once, behind all lines.
    bye: Option<Time>,
    /// The last welcome. It names the incarnation and the bounds. `None` before the first.
    welcome: Option<Box<Welcome>>,
    outgoing: Outgoing,
    /// The greatest number received.
    received: Seq,
    /// The greatest number acknowledged to the gateway, and the bytes received since.
    acknowledged: Seq,
    unacknowledged_bytes: usize,
    /// When an acknowledgement becomes due.
    ack_at: Option<Time>,
    /// An acknowledgement must go now.
    is_ack_due: bool,
    /// The greatest turn requested, and the greatest that a welcome confirmed.
    turn: Option<Turn>,
    confirmed_turn: Option<Turn>,
    /// The open legs, in the order of opening.
    legs: Vec<Leg>,
    opened: u32,
    failures: Failures,
    bodies: Bodies,
    /// The path lets one request through at a time, so a poll is replaced to carry lines.
    is_one_request: bool,
    /// The path lets one send through at a time beside a held poll or stream.
    is_one_send: bool,
    outputs: VecDeque<Output>,
    #[cfg(test)]
    mutation: Mutation,
}

impl std::fmt::Debug for ClientSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { received, turn, legs, outgoing, .. } = self;
        let id = self.id();
        write!(f, "ClientSession {{ {id:?}, received {received}, turn {turn:?}, {outgoing:?}, {legs:?} }}")
    }
}

impl ClientSession {
    /// Returns a session that no gateway knows yet. `random` returns this many random words as URL-safe characters,
    /// new each time. For 4 words they must be at least 22 characters.
    ///
    /// # Panics
    /// If `random` returns fewer characters: a guessable secret must not be used.
    #[must_use]
    pub fn new(mut random: Random) -> Self {
        let nonce_prefix = random(SECRET_WORDS).chars().take(8).collect();
        let secret = fresh_secret(&mut random);
        Self {
            now: Time::ZERO,
            random,
            nonce_prefix,
            nonces: 0,
            secret,
            token: None,
            bye: None,
            welcome: None,
            outgoing: Outgoing::default(),
            received: Seq::NONE,
            acknowledged: Seq::NONE,
            unacknowledged_bytes: 0,
            ack_at: None,
            is_ack_due: false,
            turn: None,
            confirmed_turn: None,
            legs: Vec::new(),
            opened: 0,
            failures: Failures::default(),
            bodies: Bodies::default(),
            is_one_request: false,
            is_one_send: false,
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

    /// Handles one input. Drain [`Self::poll_output`] afterwards.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.now = now;
        match input {
            Input::OpenLeg(transport) => self.open(transport),
            Input::SocketOpened(leg) => self.greet(leg),
            Input::FrameArrived(leg, frame) => self.frame(leg, frame),
            Input::AnswerArrived(leg, route, lines) => self.answer(leg, route, lines),
            Input::RequestFailed(leg, route, failure) => self.request_failed(leg, route, failure),
            Input::LegDied(leg) => self.legs.retain(|other| other.number != leg),
            Input::RequestTurn { leg, pings, is_long } => {
                self.request_turn(leg);
                if pings {
                    self.send_ping(leg, is_long);
                }
            }
            Input::SendPing { leg, is_long } => self.send_ping(leg, is_long),
            Input::WithdrawLine => self.withdraw_line(),
            Input::Token(token) => self.set_token(token),
            Input::Bye(after) => self.bye = Some(after),
            Input::Push(line) => self.outgoing.push(line),
            Input::Timeout => self.timeout(),
        }
        self.advance();
    }

    /// Returns the next output, or `None` after the last one.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns when [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let of_leg = |leg: &Leg| leg.retire_at.into_iter().chain(self.queued_at(leg)).min();
        let legs = self.legs.iter().filter_map(of_leg);
        let retries = self.legs.iter().flat_map(|leg| leg.requests.iter().filter_map(|request| request.retry_at));
        legs.chain(retries).chain(self.ack_at).min()
    }

    /// Returns the number of frames that wait to be sent or acknowledged, and their bytes.
    #[must_use]
    pub fn kept(&self) -> (usize, usize) {
        (self.outgoing.frames(), self.outgoing.bytes())
    }

    /// Returns the leg that lines go up on: the usable leg with the greatest turn (rule 4).
    #[must_use]
    pub fn current(&self) -> Option<LegNumber> {
        let carrying = self.usable().filter(|leg| leg.turn.is_some());
        carrying.max_by_key(|leg| leg.turn).map(|leg| leg.number)
    }

    /// Returns the incarnation, the greatest number handed to a leg, and the greatest received, for the
    /// simulation's ledger.
    #[cfg(test)]
    pub(crate) fn numbers(&self) -> Option<(&SessionId, Seq, Seq)> {
        self.id().map(|id| (id, self.outgoing.sent(), self.received))
    }

    /// Returns the incarnation, once a welcome named it.
    fn id(&self) -> Option<&SessionId> {
        self.welcome.as_ref().map(|welcome| &welcome.id)
    }

    fn limits(&self) -> Limits {
        self.welcome.as_ref().map_or_else(Limits::default, |welcome| welcome.limits)
    }

    fn leg(&mut self, number: LegNumber) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.number == number)
    }

    fn find(&self, number: LegNumber) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.number == number)
    }

    /// Returns the legs that something can be written to.
    fn usable(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|leg| leg.state == State::Usable)
    }

    /// Goes through the legs in the order of their opening, and sends all that may go.
    fn advance(&mut self) {
        self.replace_lost_turn();
        let current = self.current();
        let usable: Vec<(LegNumber, Transport)> = self.usable().map(|leg| (leg.number, leg.transport)).collect();
        for (number, transport) in usable {
            let is_current = current == Some(number);
            match transport {
                Transport::WebSocket => self.write(number, is_current),
                Transport::Sse | Transport::Poll => self.request(number, is_current),
            }
        }
    }

    /// Opens a leg. If no open leg carries a turn, the new one does. Otherwise it is a candidate (rule 3). Its
    /// first request brings no lines: the gateway may not know the session, and no line must keep a leg from
    /// opening.
    fn open(&mut self, transport: Transport) {
        self.opened += 1;
        let number = LegNumber(self.opened);
        let turn = self.legs.iter().all(|leg| leg.turn.is_none()).then(|| Turn::after(self.turn));
        self.turn = self.turn.max(turn);
        self.legs.push(Leg::new(number, transport, turn, self.now));
        let brings_lines = self.opens_with_lines();
        match transport {
            Transport::WebSocket => {}
            Transport::Sse => self.post(number, Route::Stream, brings_lines),
            Transport::Poll => self.post(number, Route::Poll, brings_lines),
        }
    }

    /// Requests the next turn on a leg (rule 3), unless the leg has the greatest one.
    fn request_turn(&mut self, number: LegNumber) {
        let (greatest, turn) = (self.turn, Some(Turn::after(self.turn)));
        let may_request = |leg: &&mut Leg| leg.state == State::Usable && leg.turn < greatest;
        let Some(leg) = self.leg(number).filter(may_request) else {
            return;
        };
        leg.turn = turn;
        leg.is_requesting_turn = true;
        self.turn = turn;
    }

    /// If the leg with the greatest turn was dropped, requests a turn on one that is kept, the newest first (rule 4).
    fn replace_lost_turn(&mut self) {
        let greatest = self.legs.iter().filter_map(|leg| leg.turn).max();
        let is_lost = greatest.is_none() || (greatest < self.turn && self.asks_again());
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

    /// Confirms the turn that a leg's welcome shows, and reads the losers for a while (rule 5). A proxy may hold a
    /// welcome back until another leg requested a greater turn. Such a welcome is no news.
    fn confirm(&mut self, number: LegNumber) {
        let (now, greatest, confirmed) = (self.now, self.turn, self.confirmed_turn);
        let Some(leg) = self.leg(number).filter(|leg| leg.turn == greatest && confirmed < greatest) else {
            return;
        };
        leg.is_requesting_turn = false;
        self.confirmed_turn = greatest;
        self.outputs.push_back(Output::LegActive(number));
        for leg in self.legs.iter_mut().filter(|leg| leg.turn.is_some() && leg.turn < greatest) {
            leg.retire_at.get_or_insert(now + LOSER_READ);
        }
    }

    fn send_ping(&mut self, number: LegNumber, is_long: bool) {
        if self.find(number).is_none() {
            return;
        }
        let ping = self.ping(is_long);
        if let Some(leg) = self.leg(number) {
            leg.links.push(ping);
        }
    }

    /// Sends a fresh token at once on the leg that carries the session. Without one, the hello of the next leg does.
    fn set_token(&mut self, token: Token) {
        let line = up::token(&token);
        self.token = Some(token);
        if let Some(leg) = self.current().and_then(|number| self.leg(number)) {
            leg.links.push(line);
        }
    }

    /// Returns a ping. Its number is the time, so the pong shows when it was sent. A long one shows that long
    /// writes pass (P4).
    fn ping(&mut self, is_long: bool) -> Line {
        let pad = is_long.then(|| (self.random)(PAD_WORDS));
        down::ping(&Number::from(milliseconds(self.now)), pad.as_deref())
    }

    fn timeout(&mut self) {
        if self.ack_at.is_some_and(|at| self.now >= at) {
            self.ack_at = None;
            self.is_ack_due = true;
        }
        let numbers: Vec<LegNumber> = self.legs.iter().map(|leg| leg.number).collect();
        for number in numbers {
            self.time_out(number);
        }
    }

    fn time_out(&mut self, number: LegNumber) {
        let now = self.now;
        let Some(leg) = self.find(number) else { return };
        if leg.retire_at.is_some_and(|at| now >= at) {
            self.drop_leg(number, "replaced");
            return;
        }
        if self.queued_at(leg).is_some_and(|at| now >= at) {
            self.one_request(number);
        }
        let Some(leg) = self.leg(number) else { return };
        for request in leg.requests.iter_mut() {
            request.retry_at = request.retry_at.filter(|at| now < *at);
        }
    }

    /// Forgets a leg and reports why to the owner.
    fn drop_leg(&mut self, number: LegNumber, reason: &str) {
        let before = self.legs.len();
        self.legs.retain(|leg| leg.number != number);
        if self.legs.len() < before {
            self.outputs.push_back(Output::LegDropped(number, reason.to_owned()));
        }
    }
}

fn fresh_secret(random: &mut Random) -> Secret {
    match Secret::try_from(random(SECRET_WORDS)) {
        Ok(secret) => secret,
        Err(why) => panic!("the source of randomness gave no secret: {why}"),
    }
}
