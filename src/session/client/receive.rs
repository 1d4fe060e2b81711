//! Handles what comes down: frames, and the answers of polls and sends. It never decides what goes up.
//!
//! Its twin is `client-js/src/session/receive.js`.

use serde_json::Number;

use super::failures::Failures;
use super::leg::{Flight, State};
use super::{ClientSession, Failure, Output, Reset, Route, fresh_secret};
use crate::protocol::down::{self, Down, End, Wait, Welcome};
use crate::protocol::frame::RawFrame;
use crate::protocol::limits::CLIENT_ACK_DELAY;
use crate::protocol::{LegNumber, Nonce, Seq, Transport, Turn};
use crate::session::Time;

impl ClientSession {
    /// Handles a frame on a socket or a stream. The first must be ours: a welcome or an end with our nonce (P1).
    pub(super) fn frame(&mut self, number: LegNumber, frame: RawFrame) {
        let Some(leg) = self.leg(number) else { return };
        let (is_first, nonce) = (leg.state != State::Usable, leg.nonce.clone());
        match Down::read(&frame) {
            Ok(down) if !is_first || echoes(&down, nonce.as_ref()) => self.take(number, down, frame),
            _ => self.drop_leg(number, if is_first { "foreign" } else { "bad_frame" }),
        }
    }

    /// Handles the whole answer of a poll or a send. An answer that does not begin with our nonce is foreign, and
    /// counts as a failure.
    pub(super) fn answer(&mut self, number: LegNumber, route: Route, lines: Vec<RawFrame>) {
        let Some(leg) = self.leg(number) else { return };
        let flight = leg.requests[route].flight.clone();
        let turn = flight.as_ref().and_then(|flight| flight.turn);
        let mut lines = lines.into_iter();
        let first = lines.next().and_then(|frame| Down::read(&frame).ok()).map(|first| self.whole(first, turn));
        let (Some(flight), Some(first)) = (flight, first) else {
            return self.request_failed(number, route, Failure::default());
        };
        if !echoes(&first, Some(&flight.nonce)) {
            return self.request_failed(number, route, Failure::default());
        }
        let lowest = self.outgoing.lowest();
        let Some(leg) = self.leg(number) else { return };
        leg.requests[route].flight = None;
        leg.requests[route].failures = 0;
        if route != Route::Poll {
            leg.refusals = 0;
        }
        let mut next = None;
        match first {
            Down::Welcome(welcome) => {
                next = Some(welcome.next).filter(|_| route == Route::Poll);
                self.welcome(number, welcome, route);
            }
            Down::End(end) => self.ended(number, &end),
            Down::Wait(wait) if self.takes_wait_for_failure() => {
                let _ = wait;
                return self.request_failed(number, route, Failure::default());
            }
            Down::Wait(wait) => return self.poll_again(number, route, &wait),
            _ => {}
        }
        self.answered(number, &flight, lowest);
        if let Some(next) = next {
            self.poll_lines(number, next, lines);
        }
    }

    /// Repeats the poll whose hello the gateway still decides about. The gateway holds the next one.
    fn poll_again(&mut self, number: LegNumber, route: Route, wait: &Wait) {
        self.outputs.push_back(Output::Wait(number, Time::from_millis(wait.ms)));
        let brings_lines = self.opens_with_lines();
        self.post(number, route, brings_lines);
    }

    /// Returns the welcome that a brief one stands for: the last one, with these numbers.
    fn whole(&self, first: Down, turn: Option<Turn>) -> Down {
        match (first, &self.welcome) {
            (Down::Brief(mut brief), Some(last)) => {
                brief.next = self.brief_next(brief.next);
                Down::Welcome(Box::new(brief.whole(last, turn)))
            }
            (first, _) => first,
        }
    }

    /// Counts a request as answered: it passed, and its contents arrived.
    fn answered(&mut self, number: LegNumber, flight: &Flight, lowest: Seq) {
        let has_lines = flight.carries_lines();
        if has_lines {
            self.bodies.passed(flight.size, self.now.saturating_sub(flight.at), self.now);
        }
        // The gateway accepted none of its lines, so they do not go again at once.
        let is_in_vain = has_lines && self.outgoing.lowest() == lowest && flight.from == lowest;
        let Some(leg) = self.leg(number) else { return };
        leg.is_requesting_turn &= flight.turn != leg.turn;
        leg.has_passed |= !has_lines;
        if has_lines {
            leg.next_up = Seq::NONE;
            // The link frames get their answers by a poll, so one must go if none is held.
            leg.requests[Route::Poll].retry_at = None;
        }
        if is_in_vain {
            self.pause(number, Route::Send);
        }
    }

    fn poll_lines(&mut self, number: LegNumber, next: Seq, lines: impl Iterator<Item = RawFrame>) {
        if let Some(leg) = self.leg(number) {
            leg.next_down = Some(next);
        }
        for frame in lines {
            // If the welcome or an earlier line dropped the leg, the rest does not count.
            if self.leg(number).is_none() {
                return;
            }
            let Ok(down) = Down::read(&frame) else {
                self.drop_leg(number, "bad_frame");
                return;
            };
            self.take(number, down, frame);
        }
    }

    fn take(&mut self, number: LegNumber, down: Down, frame: RawFrame) {
        match down {
            Down::Welcome(welcome) => self.welcome(number, welcome, Route::Stream),
            Down::End(end) => self.ended(number, &end),
            Down::Ack { received, next } => {
                if self.take_ack(number, received)
                    && let Some(next) = next
                {
                    self.start_at(number, next);
                }
            }
            Down::Ping(value) => {
                if let Some(leg) = self.leg(number) {
                    leg.links.push(down::pong(&value, None));
                }
            }
            Down::Pong { value, pad } => self.pong(number, &value, pad.as_deref()),
            // This half ignores it. The owner may use it to judge the leg's silence.
            Down::Bytes(_) => {}
            Down::Link => self.outputs.push_back(Output::Link(frame)),
            Down::Wait(wait) => self.outputs.push_back(Output::Wait(number, Time::from_millis(wait.ms))),
            Down::Token(answer) => self.outputs.push_back(Output::TokenAnswered(answer)),
            // A brief welcome is one only at the beginning of an answer; elsewhere it is a frame like any other.
            Down::Numbered | Down::Brief(_) => self.numbered(number, frame),
        }
    }

    fn welcome(&mut self, number: LegNumber, welcome: Box<Welcome>, route: Route) {
        if self.id().is_some_and(|id| *id != welcome.id) && self.heeds_id() {
            self.drop_leg(number, "foreign");
            return;
        }
        let (received, next, turn) = (welcome.received, welcome.next, welcome.turn);
        self.welcome = Some(welcome);
        let refused = self.failures.refused;
        if !self.take_ack(number, received) {
            return;
        }
        if matches!(route, Route::Send | Route::Links) {
            // Nothing else of a send's welcome counts (rule 9).
            self.send_welcomed(number, next);
            return;
        }
        let is_first = self.find(number).is_some_and(|leg| leg.state != State::Usable);
        if is_first {
            self.withdraw_refused(refused);
        }
        let Some(leg) = self.leg(number) else { return };
        leg.state = State::Usable;
        if leg.transport == Transport::WebSocket {
            leg.must_state_next = true;
        } else {
            leg.next_up = Seq::NONE;
        }
        let shows_turn = leg.turn.is_some() && leg.turn == turn;
        if is_first {
            self.became_usable(number);
        }
        if shows_turn {
            self.confirm(number);
        }
        // A candidate's first welcome says nothing about the count (rule 6). A poll's welcome counts with its first
        // line (rule 8).
        if route == Route::Stream && (shows_turn || !is_first) {
            self.start_at(number, next);
        }
    }

    fn became_usable(&mut self, number: LegNumber) {
        let now = self.now;
        let Some(leg) = self.leg(number) else { return };
        leg.round_trip = now.saturating_sub(leg.opened_at);
        let is_socket = leg.transport == Transport::WebSocket;
        self.outputs.push_back(Output::LegUsable(number));
        if is_socket {
            self.judge_oldest(number);
        }
    }

    /// Handles a pong: all link frames that went with its ping arrived.
    fn pong(&mut self, number: LegNumber, value: &Number, pad: Option<&str>) {
        let (now, ping) = (self.now, down::ping(value, pad));
        let Some(leg) = self.leg(number) else { return };
        leg.has_passed = true;
        leg.requests[Route::Links].failures = 0;
        if let Some(place) = leg.links.iter().position(|line| *line == ping) {
            leg.links.drain(..=place);
        }
        for flight in leg.requests.iter_mut().filter_map(|request| request.flight.as_mut()) {
            flight.is_delivered |= flight.links.contains(&ping);
        }
        let round_trip = now.saturating_sub(Time::from_millis(value.as_u64().unwrap_or(0)));
        // Its opening may have waited for something else.
        leg.round_trip = leg.round_trip.min(round_trip);
        let is_long = self.is_long_pong(pad.is_some());
        self.outputs.push_back(Output::Pong { leg: number, round_trip, is_long });
    }

    /// Handles an acknowledgement; the greatest counts (rule 7). If it is beyond what was ever sent, drops the leg
    /// and returns false.
    fn take_ack(&mut self, number: LegNumber, up_to: Seq) -> bool {
        let lowest = self.outgoing.lowest();
        if self.outgoing.acknowledge(up_to).is_err() {
            self.drop_leg(number, "bad_frame");
            return false;
        }
        if self.outgoing.lowest() > lowest {
            self.clear_failures();
        }
        true
    }

    /// Handles the number that the gateway states for the next line on a leg. If it is beyond the expected one, the
    /// gateway dropped frames (rule 7).
    pub(super) fn start_at(&mut self, number: LegNumber, next: Seq) {
        let Some(leg) = self.leg(number) else { return };
        leg.next_down = Some(next);
        if next > self.received.next() {
            let lost = next.previous().since(self.received);
            self.received = next.previous();
            self.outputs.push_back(Output::Reset(Reset::Overrun, lost));
        }
    }

    fn numbered(&mut self, number: LegNumber, frame: RawFrame) {
        let Some(line) = self.leg(number).and_then(|leg| leg.next_down) else {
            self.drop_leg(number, "bad_frame");
            return;
        };
        // The number that a poll's answer states counts only with its first line (rule 8); elsewhere this is no news.
        self.start_at(number, line);
        if let Some(leg) = self.leg(number) {
            leg.next_down = Some(line.next());
        }
        // A duplicate makes an acknowledgement due too, because the last one may be lost.
        self.ack_at.get_or_insert(self.now + CLIENT_ACK_DELAY);
        if line <= self.received {
            return;
        }
        self.received = line;
        self.unacknowledged_bytes += frame.cost();
        let limits = self.limits();
        let unacknowledged = usize::try_from(self.received.since(self.acknowledged)).unwrap_or(usize::MAX);
        self.is_ack_due |= unacknowledged >= limits.ack_frames() || self.unacknowledged_bytes >= limits.ack_bytes();
        self.outputs.push_back(Output::Deliver(frame));
    }

    /// Handles the end of a leg. Only `gone` ends the session (rule 2).
    fn ended(&mut self, number: LegNumber, end: &End) {
        let is_gone = end.code == "gone";
        if is_gone && self.disbelieves_gone(number) {
            return;
        }
        if is_gone && self.id().is_some() {
            self.gone();
        } else {
            self.leg_ended(number, &end.code);
        }
    }

    /// Ends the session, and starts one with a new secret (rule 2). Frames that no leg has go into the new session.
    fn gone(&mut self) {
        for leg in std::mem::take(&mut self.legs) {
            self.outputs.push_back(Output::LegDropped(leg.number, "gone".to_owned()));
        }
        let lines = self.outgoing.restart();
        self.secret = fresh_secret(&mut self.random);
        self.welcome = None;
        (self.received, self.acknowledged, self.unacknowledged_bytes) = (Seq::NONE, Seq::NONE, 0);
        (self.ack_at, self.is_ack_due) = (None, false);
        (self.turn, self.confirmed_turn) = (None, None);
        self.failures = Failures::default();
        self.outputs.push_back(Output::Reset(Reset::Gone, lines.len() as u64));
        if !lines.is_empty() {
            self.outputs.push_back(Output::UnknownOutcome(lines));
        }
    }
}

/// Returns true if the first frame of an answer is ours.
fn echoes(first: &Down, nonce: Option<&Nonce>) -> bool {
    match first {
        Down::Welcome(welcome) => nonce == Some(&welcome.nonce),
        Down::Wait(wait) => nonce == Some(&wait.nonce),
        Down::End(end) => nonce.is_some() && nonce == end.nonce.as_ref(),
        _ => false,
    }
}
