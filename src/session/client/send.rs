//! Writes what goes up: hellos, writes and POST bodies (rules 6, 8 and 9). It never reads what came down.
//!
//! Its twin is `client-js/src/session/send.js`.

use super::bodies::answer_time;
use super::leg::{Flight, Leg, State};
use super::{ClientSession, Output, Route};
use crate::protocol::up::Hello;
use crate::protocol::{LegNumber, Line, Nonce, Seq, Transport, Turn, down, up};
use crate::session::Time;

/// A send that takes longer beside a held poll waits behind it: the path lets one request through at a time.
const QUEUED: Time = Time::from_secs(1);
/// A socket may die five times under a line by chance. After that, the line is what does not pass. A short line
/// always passes.
const MOST_SOCKETS: usize = 5;
const LONG_LINE_BYTES: usize = 1024;

impl ClientSession {
    /// Sends the hello on a socket that opened.
    pub(super) fn greet(&mut self, number: LegNumber) {
        let Some(leg) = self.leg(number) else { return };
        let turn = leg.turn;
        let (_, hello) = self.hello(number, turn, true);
        self.outputs.push_back(Output::Write(number, vec![hello]));
    }

    /// Writes all that may go to a socket.
    pub(super) fn write(&mut self, number: LegNumber, is_current: bool) {
        let mut lines = Vec::new();
        let Some(leg) = self.leg(number) else { return };
        if std::mem::take(&mut leg.is_requesting_turn) {
            let turn = leg.turn;
            lines.push(self.hello(number, turn, false).1);
        }
        let (lowest, last, is_ack_due) = (self.outgoing.lowest(), self.outgoing.last(), self.is_ack_due);
        let Some(leg) = self.leg(number) else { return };
        lines.append(&mut leg.links);
        let from = leg.next_up.max(lowest);
        let has_gap = from > leg.next_up && from <= last;
        let may_bring_lines = is_current && !leg.is_blocked;
        if leg.must_state_next || (is_current && (is_ack_due || has_gap)) {
            leg.must_state_next = false;
            leg.next_up = from;
            self.acknowledge();
            lines.push(down::ack(self.received, Some(from)));
        }
        if may_bring_lines {
            self.write_lines(number, &mut lines);
        }
        if !lines.is_empty() {
            self.outputs.push_back(Output::Write(number, lines));
        }
    }

    fn write_lines(&mut self, number: LegNumber, lines: &mut Vec<Line>) {
        let Some(leg) = self.legs.iter_mut().find(|leg| leg.number == number) else { return };
        while let Some(line) = self.outgoing.hand_out(leg.next_up, usize::MAX) {
            lines.push(line.clone());
            leg.next_up = leg.next_up.next();
        }
        let until = leg.next_up;
        self.say_bye(until, lines);
    }

    /// Adds the `bye` to a write or a body that brings all lines before `until`.
    fn say_bye(&mut self, until: Seq, lines: &mut Vec<Line>) {
        if until > self.outgoing.last() {
            lines.extend(self.bye.take().map(up::bye));
        }
    }

    /// Judges the oldest line when a socket was welcomed. A line under which many sockets died does not go on the
    /// new one.
    pub(super) fn judge_oldest(&mut self, number: LegNumber) {
        let Some(size) = self.outgoing.oldest().map(Line::cost) else { return };
        self.failures.sockets += 1;
        if self.failures.sockets <= MOST_SOCKETS || size <= LONG_LINE_BYTES {
            return;
        }
        let Some(leg) = self.leg(number) else { return };
        leg.is_blocked = true;
        self.failures.is_stuck = true;
        self.outputs.push_back(Output::LineStuck(number));
    }

    /// Issues the requests that a leg owes.
    pub(super) fn request(&mut self, number: LegNumber, is_current: bool) {
        let Some(leg) = self.find(number) else { return };
        let is_poll = leg.transport == Transport::Poll;
        if is_poll {
            let poll = &leg.requests[Route::Poll];
            // A poll that carries lines is not replaced, because its answer is due at once.
            let may_poll = poll.retry_at.is_none() && !poll.flight.as_ref().is_some_and(Flight::carries_lines);
            let is_idle = is_current && poll.flight.is_none();
            let brings_lines = self.is_one_request && is_current && self.has_lines(leg);
            // A candidate polls only to prove itself or to request the turn (rule 4).
            if may_poll && (self.is_owing(leg, is_current) || brings_lines || is_idle) {
                self.post(number, Route::Poll, brings_lines);
            }
            if self.is_one_request {
                return;
            }
        }
        let Some(leg) = self.find(number) else { return };
        let may_send = leg.requests[Route::Send].flight.is_none() && self.may_send_beside(leg, Route::Links);
        if is_current && may_send && self.has_lines(leg) {
            self.post(number, Route::Send, true);
        }
        let Some(leg) = self.find(number) else { return };
        if !is_poll && self.is_owing(leg, is_current) && self.may_send_links(leg) {
            self.post(number, Route::Links, false);
        }
    }

    /// Returns true if a line waits that may go by this leg's requests.
    fn has_lines(&self, leg: &Leg) -> bool {
        let has_lines = leg.next_up.max(self.outgoing.lowest()) <= self.outgoing.last();
        leg.requests[Route::Send].retry_at.is_none() && (has_lines || self.bye.is_some())
    }

    /// Returns true if a leg must send something that is not a line. A send with lines may bring a turn as well.
    fn is_owing(&self, leg: &Leg, is_current: bool) -> bool {
        let brings_turn = leg.requests[Route::Send].flight.as_ref().is_some_and(|send| send.turn == leg.turn);
        let is_ack_due = self.is_ack_due && is_current && leg.transport != Transport::Poll;
        !leg.links.is_empty() || (leg.is_requesting_turn && !brings_turn) || is_ack_due
    }

    /// Returns true if link frames may go. They never wait for lines, which may be stuck.
    fn may_send_links(&self, leg: &Leg) -> bool {
        let is_free = |route: Route| leg.requests[route].flight.is_none() && leg.requests[route].retry_at.is_none();
        let may_go = is_free(Route::Send) || self.links_go_beside_lines();
        is_free(Route::Links) && self.may_send_beside(leg, Route::Send) && may_go
    }

    /// Returns true if a send may go beside the one of this other route.
    fn may_send_beside(&self, leg: &Leg, other: Route) -> bool {
        !self.is_one_send || leg.requests[other].flight.is_none()
    }

    /// Issues one POST: a hello, link frames, and numbered lines from the lowest number on (rule 6).
    pub(super) fn post(&mut self, number: LegNumber, route: Route, brings_lines: bool) {
        let from = self.outgoing.lowest();
        let Some(leg) = self.leg(number) else { return };
        let is_send = matches!(route, Route::Send | Route::Links);
        // Link frames that failed together with lines go without lines.
        let is_doubtful = brings_lines && leg.requests[Route::Send].failures > 0;
        // A poll that replaces another one brings the link frames that the other may not have delivered.
        if let Some(replaced) = leg.requests[route].flight.take() {
            leg.links.splice(0..0, replaced.links);
        }
        let links = if is_doubtful { Vec::new() } else { std::mem::take(&mut leg.links) };
        // Rule 3: a stream and a poll repeat their leg's turn; a send carries one only to request it.
        let turn = leg.turn.filter(|_| !is_send || (leg.is_requesting_turn && !is_doubtful));
        leg.is_requesting_turn &= route != Route::Poll;
        let round_trip = leg.round_trip;
        let attaches = !is_send && self.find(number).is_some_and(|leg| leg.state == State::Opening);
        let (nonce, hello) = self.hello(number, turn, attaches);
        let mut lines = vec![hello];
        lines.extend(links.iter().cloned());
        let until = if brings_lines { self.fill(&mut lines) } else { from };
        if is_send || brings_lines {
            self.say_bye(until, &mut lines);
        }
        if self.id().is_some() {
            self.acknowledge();
        }
        let (size, at) = (length(&lines), self.now);
        let timeout = (is_send || brings_lines).then(|| answer_time(size, round_trip));
        self.outputs.push_back(Output::Post { leg: number, route, lines, timeout });
        let Some(leg) = self.leg(number) else { return };
        if brings_lines {
            leg.next_up = until;
        }
        let flight = Flight { nonce, turn, from, until, links, size, at, is_delivered: false };
        leg.requests[route].flight = Some(flight);
    }

    /// Returns when a send was queued behind the poll that was held before it, if it waits for its answer.
    pub(super) fn queued_at(&self, leg: &Leg) -> Option<Time> {
        let flight = |route: Route| leg.requests[route].flight.as_ref();
        let (send, poll) = flight(Route::Send).zip(flight(Route::Poll))?;
        let is_queued = leg.transport == Transport::Poll && !self.is_one_request && poll.at <= send.at;
        is_queued.then(|| send.at + QUEUED.max(4 * leg.round_trip))
    }

    /// Adds numbered lines to a body, up to the bounds. Returns the number after the last one.
    fn fill(&mut self, body: &mut Vec<Line>) -> Seq {
        let limits = self.limits();
        let bound = limits.body_bytes.min(self.bodies.bytes);
        let mut bytes = length(body) + 1;
        let mut number = self.outgoing.lowest();
        // The first line goes however long it is: no line is longer than a body may be.
        let mut room = usize::MAX;
        while body.len() < limits.body_lines
            && let Some(line) = self.outgoing.hand_out(number, room)
        {
            bytes += line.cost() + 1;
            room = bound.saturating_sub(bytes);
            body.push(line.clone());
            number = number.next();
        }
        number
    }

    /// Composes a hello. Only one that `attaches` a leg has the token.
    fn hello(&mut self, number: LegNumber, turn: Option<Turn>, attaches: bool) -> (Nonce, Line) {
        self.nonces += 1;
        let nonce = format!("{}.{}", self.nonce_prefix, self.nonces);
        let Ok(nonce) = Nonce::try_from(nonce) else { unreachable!("a prefix of 8 url-safe characters and a number") };
        if let Some(leg) = self.leg(number) {
            leg.nonce.get_or_insert_with(|| nonce.clone());
        }
        let id = self.id().filter(|_| self.heeds_id()).cloned();
        let hello = Hello {
            secret: self.secret.clone(),
            received: if id.is_some() { self.received } else { Seq::NONE },
            id,
            leg: number,
            turn,
            next: self.outgoing.lowest(),
            nonce: nonce.clone(),
            token: self.token.clone().filter(|_| attaches),
            heartbeat_ms: None,
            hold_ms: None,
            report: None,
        };
        (nonce, hello.line())
    }

    /// Counts all that was received as acknowledged, because a frame that goes up says so.
    fn acknowledge(&mut self) {
        self.acknowledged = self.received;
        self.unacknowledged_bytes = 0;
        (self.ack_at, self.is_ack_due) = (None, false);
    }
}

/// Returns the length of a body, without a last newline.
fn length(lines: &[Line]) -> usize {
    lines.iter().map(|line| line.cost() + 1).sum::<usize>().saturating_sub(1)
}
