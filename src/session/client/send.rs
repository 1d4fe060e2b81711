//! Writes what goes up: hellos, writes and POST bodies (rules 6, 8 and 9). It never reads what came down.
//!
//! Its twin is `client-js/src/session/send.js`.

use super::leg::{Flight, Leg, State};
use super::{ClientSession, Mutant, Output, Route};
use crate::protocol::up::Hello;
use crate::protocol::{Line, Nonce, Transport, down};

impl ClientSession {
    /// Says hello on a socket that opened. In a resume the lines follow at once, behind the number of the first.
    pub(super) fn greet(&mut self, number: u32) {
        let Some(leg) = self.leg(number).filter(|leg| leg.state != State::Usable) else {
            return;
        };
        let turn = leg.turn;
        let (nonce, hello) = self.hello(number, turn);
        let resumes = turn.is_some() && self.may_bring_lines();
        self.outputs.push_back(Output::Write(number, vec![hello]));
        let lowest = self.outgoing.lowest();
        let Some(leg) = self.leg(number) else { return };
        leg.nonce = Some(nonce);
        leg.must_state_next = resumes;
        leg.next_up = lowest;
        if resumes {
            leg.state = State::Resuming;
        }
    }

    /// Writes all that may go to a socket.
    pub(super) fn write(&mut self, number: u32, is_current: bool) {
        let Some(leg) = self.leg(number).filter(|leg| leg.state != State::Opening) else {
            return;
        };
        let mut lines = Vec::new();
        if std::mem::take(&mut leg.is_requesting_turn) {
            let turn = leg.turn;
            lines.push(self.hello(number, turn).1);
        }
        let lowest = self.outgoing.lowest();
        let (last, is_ack_due) = (self.outgoing.last(), self.is_ack_due);
        let Some(leg) = self.leg(number) else { return };
        lines.append(&mut leg.links);
        let from = leg.next_up.max(lowest);
        let has_lines = is_current && from <= last;
        let has_gap = has_lines && from != leg.next_up;
        if leg.must_state_next || (is_current && is_ack_due) || has_gap {
            leg.must_state_next = false;
            leg.next_up = from;
            self.acknowledge();
            lines.push(down::ack(self.received, Some(from)));
        }
        if has_lines {
            self.write_lines(number, from, &mut lines);
        }
        if !lines.is_empty() {
            self.outputs.push_back(Output::Write(number, lines));
        }
    }

    fn write_lines(&mut self, number: u32, from: u64, lines: &mut Vec<Line>) {
        let mut next = from;
        while let Some(line) = self.outgoing.hand_out(next, usize::MAX) {
            lines.push(line.clone());
            next += 1;
        }
        if let Some(leg) = self.leg(number) {
            leg.next_up = next;
        }
    }

    /// Issues the requests that a leg owes.
    pub(super) fn request(&mut self, number: u32, is_current: bool) {
        let (last, is_ack_due) = (self.outgoing.last(), self.is_ack_due);
        let may_request = |leg: &&mut Leg| leg.state == State::Usable && leg.retry_at.is_none();
        let Some(leg) = self.leg(number).filter(may_request) else { return };
        let is_poll = leg.transport == Transport::Poll;
        let is_requesting_turn = leg.is_requesting_turn;
        let is_owing = is_requesting_turn || !leg.links.is_empty();
        // A candidate polls only to prove itself or to request the turn (rule 4).
        if is_poll && (is_owing || (is_current && leg.poll.is_none())) {
            self.post(number, Route::Poll, is_requesting_turn);
        }
        let Some(leg) = self.leg(number).filter(|leg| leg.send.is_none()) else { return };
        let has_lines = is_current && leg.next_up <= last;
        // A poll has just brought all else that its leg owed.
        if has_lines || (!is_poll && (is_owing || (is_current && is_ack_due))) {
            self.post(number, Route::Send, is_current);
        }
    }

    /// Issues one POST: a hello, link frames, and numbered lines from the lowest number on (rule 6).
    pub(super) fn post(&mut self, number: u32, route: Route, brings_lines: bool) {
        let Some(leg) = self.leg(number) else { return };
        // Rule 3: a stream and a poll repeat their leg's turn; a send carries one only to request it.
        let turn = leg.turn.filter(|_| route != Route::Send || leg.is_requesting_turn);
        if route == Route::Poll {
            leg.is_requesting_turn = false;
        }
        // A poll that replaces another one brings the link frames that the other may not have delivered.
        let mut links = leg.flight(route).take().map_or_else(Vec::new, |replaced| replaced.links);
        links.append(&mut leg.links);
        let (nonce, hello) = self.hello(number, turn);
        let mut lines = vec![hello];
        lines.extend(links.iter().cloned());
        let brings_lines = brings_lines && self.may_bring_lines();
        let until = if brings_lines { self.fill(&mut lines) } else { self.outgoing.lowest() };
        if self.id().is_some() {
            self.acknowledge();
        }
        self.outputs.push_back(Output::Post(number, route, lines));
        let Some(leg) = self.leg(number) else { return };
        if brings_lines {
            leg.next_up = until;
        }
        if route == Route::Stream {
            leg.nonce = Some(nonce);
        } else {
            *leg.flight(route) = Some(Flight { nonce, turn, until, links });
        }
    }

    /// Adds numbered lines to a body, up to the bounds. Returns the number after the last one.
    fn fill(&mut self, body: &mut Vec<Line>) -> u64 {
        let limits = self.limits();
        let mut bytes: usize = body.iter().map(|line| line.cost() + 1).sum();
        let mut number = self.outgoing.lowest();
        // The first line goes however long it is: no line is longer than a body may be.
        let mut room = usize::MAX;
        while body.len() < limits.body_lines
            && let Some(line) = self.outgoing.hand_out(number, room)
        {
            bytes += line.cost() + 1;
            room = limits.body_bytes.saturating_sub(bytes);
            body.push(line.clone());
            number += 1;
        }
        number
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

    /// Whether numbered lines may go: none goes before the incarnation is known (rule 2).
    fn may_bring_lines(&self) -> bool {
        self.id().is_some() || self.mutation.is(Mutant::LinesWithCreatingHello)
    }

    /// Counts all that was received as acknowledged: a frame that goes up says so.
    fn acknowledge(&mut self) {
        self.acknowledged = self.received;
        self.unacknowledged_bytes = 0;
        (self.ack_at, self.is_ack_due) = (None, false);
    }
}
