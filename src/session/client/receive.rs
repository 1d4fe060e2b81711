//! Takes what comes down: frames, and the answers of polls and sends, failed ones among them. It never decides what goes up.
//!
//! Its twin is `client-js/src/session/receive.js`.

use super::leg::{Flight, State};
use super::{ClientSession, Mutant, Output, RETRY_PAUSES, Reset, Route, fresh_secret};
use crate::protocol::down::{self, Down, End, Welcome};
use crate::protocol::frame::RawFrame;
use crate::protocol::{Nonce, Transport};
use crate::session::Time;

impl ClientSession {
    /// Takes a frame on a socket or a stream. The first must be ours: a welcome or an end with our nonce (P1).
    pub(super) fn frame(&mut self, now: Time, number: u32, frame: RawFrame) {
        let Some(leg) = self.leg(number) else { return };
        let (is_first, nonce) = (leg.state != State::Usable, leg.nonce.clone());
        match Down::read(&frame) {
            Ok(down) if !is_first || echoes(&down, nonce.as_ref()) => self.take(now, number, down, frame),
            _ => self.drop_leg(number, if is_first { "foreign" } else { "bad_frame" }),
        }
    }

    /// Takes the whole answer of a poll or a send. One that does not begin with our nonce is foreign, and counts as a failure.
    pub(super) fn answer(&mut self, now: Time, number: u32, route: Route, lines: Vec<RawFrame>) {
        let Some(leg) = self.leg(number) else { return };
        let Some(flight) = leg.flight(route).clone() else { return };
        let mut lines = lines.into_iter();
        let first = lines.next().and_then(|frame| Down::read(&frame).ok()).map(|first| self.whole(first, flight.turn));
        match first.filter(|first| echoes(first, Some(&flight.nonce))) {
            Some(Down::Welcome(welcome)) => {
                let Some(leg) = self.leg(number) else { return };
                *leg.flight(route) = None;
                if route == Route::Poll {
                    *leg.failures(route) = 0;
                    self.poll_answer(now, number, welcome, lines);
                } else {
                    self.send_answer(now, number, welcome, &flight);
                }
            }
            Some(Down::End(end)) => self.ended(number, &end),
            _ => self.request_failed(now, number, route),
        }
    }

    /// Returns the welcome that a brief one stands for: the last one, with these numbers.
    fn whole(&self, first: Down, turn: Option<u32>) -> Down {
        match (first, &self.welcome) {
            (Down::Brief(mut brief), Some(last)) => {
                brief.next = brief.next.filter(|_| !self.mutation.is(Mutant::BriefWithLastNext));
                Down::Welcome(Box::new(brief.whole(last, turn.unwrap_or(0))))
            }
            (first, _) => first,
        }
    }

    fn poll_answer(&mut self, now: Time, number: u32, welcome: Box<Welcome>, lines: impl Iterator<Item = RawFrame>) {
        let next = welcome.next;
        self.welcome(now, number, welcome, Route::Poll);
        let mut is_stated = false;
        for frame in lines {
            // If the welcome or an earlier line dropped the leg, the rest does not count.
            if self.leg(number).is_none() {
                return;
            }
            let Ok(down) = Down::read(&frame) else {
                self.drop_leg(number, "bad_frame");
                return;
            };
            // Rule 8: the number that the welcome states counts only with the first line.
            if matches!(down, Down::Numbered | Down::Brief(_)) && !std::mem::replace(&mut is_stated, true) {
                self.start_at(number, next);
            }
            self.take(now, number, down, frame);
        }
    }

    fn send_answer(&mut self, now: Time, number: u32, welcome: Box<Welcome>, flight: &Flight) {
        let before = self.outgoing.lowest();
        self.welcome(now, number, welcome, Route::Send);
        let lowest = self.outgoing.lowest();
        let Some(leg) = self.leg(number) else { return };
        leg.is_requesting_turn &= flight.turn != leg.turn;
        leg.next_up = lowest;
        // The gateway took none of its lines: they do not go again at once.
        if flight.until > before && lowest == before {
            self.pause_after_failure(now, number, Route::Send);
        } else {
            *leg.failures(Route::Send) = 0;
        }
    }

    /// Lets the same numbers go again after a pause. A leg whose stream or first poll failed is over.
    pub(super) fn request_failed(&mut self, now: Time, number: u32, route: Route) {
        let lowest = self.outgoing.lowest();
        let Some(leg) = self.leg(number) else { return };
        if route == Route::Stream || leg.state != State::Usable {
            self.drop_leg(number, "failed");
            return;
        }
        let Some(flight) = leg.flight(route).take() else { return };
        leg.next_up = lowest;
        leg.links.splice(0..0, flight.links);
        self.pause_after_failure(now, number, route);
    }

    /// Pauses before the next try; after the last one the leg has failed.
    fn pause_after_failure(&mut self, now: Time, number: u32, route: Route) {
        let Some(leg) = self.leg(number) else { return };
        if let Some(pause) = RETRY_PAUSES.get(*leg.failures(route)) {
            leg.retry_at = Some(now + *pause);
            *leg.failures(route) += 1;
        } else {
            self.drop_leg(number, "failed");
        }
    }

    fn take(&mut self, now: Time, number: u32, down: Down, frame: RawFrame) {
        match down {
            Down::Welcome(welcome) => self.welcome(now, number, welcome, Route::Stream),
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
                    leg.links.push(down::pong(&value));
                }
            }
            Down::Pong(value) => {
                let sent = Time::from_millis(value.as_u64().unwrap_or(0));
                self.outputs.push_back(Output::Pong(number, now.saturating_sub(sent)));
            }
            Down::Link => self.outputs.push_back(Output::Link(frame)),
            // A brief welcome is one only at the beginning of an answer; elsewhere it is a frame like any other.
            Down::Numbered | Down::Brief(_) => self.numbered(now, number, frame),
        }
    }

    fn welcome(&mut self, now: Time, number: u32, welcome: Box<Welcome>, route: Route) {
        if self.id().is_some_and(|id| *id != welcome.id) && !self.mutation.is(Mutant::HelloWithoutId) {
            self.drop_leg(number, "foreign");
            return;
        }
        let (received, next, turn) = (welcome.received, welcome.next, welcome.turn);
        self.welcome = Some(welcome);
        if !self.take_ack(number, received) {
            return;
        }
        if route == Route::Send {
            // No more counts of a send's welcome (rule 9).
            if self.mutation.is(Mutant::SendWelcomeForLeg) {
                self.start_at(number, next);
            }
            return;
        }
        let lowest = self.outgoing.lowest();
        let Some(leg) = self.leg(number) else { return };
        let is_first = leg.state != State::Usable;
        leg.state = State::Usable;
        leg.must_state_next = leg.transport == Transport::WebSocket;
        leg.next_up = if leg.must_state_next { leg.next_up.max(lowest) } else { lowest };
        let shows_turn = leg.turn == Some(turn);
        if is_first {
            self.outputs.push_back(Output::LegUsable(number));
        }
        if shows_turn {
            self.confirm(now, number);
        }
        // Rule 6: a candidate's first welcome says nothing about the count. Rule 8: a poll's counts with its first line.
        if route == Route::Stream && (shows_turn || !is_first) {
            self.start_at(number, next);
        }
    }

    /// Takes an acknowledgement; the greatest counts (rule 7). Returns false for one of more than was ever sent: it drops the leg.
    fn take_ack(&mut self, number: u32, up_to: u64) -> bool {
        if self.outgoing.acknowledge(up_to).is_err() {
            self.drop_leg(number, "bad_frame");
            return false;
        }
        let lowest = self.outgoing.lowest();
        for leg in self.legs.iter_mut().filter(|leg| leg.transport != Transport::WebSocket) {
            leg.next_up = leg.next_up.max(lowest);
        }
        true
    }

    /// Takes the number that the gateway states for the next line on a leg. Beyond the expected one, it dropped frames (rule 7).
    fn start_at(&mut self, number: u32, next: u64) {
        let Some(leg) = self.leg(number) else { return };
        leg.next_down = Some(next);
        if next > self.received + 1 {
            let lost = next - 1 - self.received;
            self.received = next - 1;
            self.outputs.push_back(Output::Reset(Reset::Overrun, lost));
        }
    }

    fn numbered(&mut self, now: Time, number: u32, frame: RawFrame) {
        let Some(next_down) = self.leg(number).and_then(|leg| leg.next_down.as_mut()) else {
            self.drop_leg(number, "bad_frame");
            return;
        };
        let line = *next_down;
        *next_down += 1;
        if line > self.received + 1 {
            self.drop_leg(number, "gap");
            return;
        }
        // A duplicate makes an acknowledgement due all the same: the last one may be lost.
        self.ack_at.get_or_insert(now + crate::protocol::limits::CLIENT_ACK_DELAY);
        if line <= self.received {
            return;
        }
        self.received = line;
        self.unacknowledged_bytes += frame.cost();
        let limits = self.limits();
        let unacknowledged = usize::try_from(self.received - self.acknowledged).unwrap_or(usize::MAX);
        self.is_ack_due |= unacknowledged >= limits.ack_frames() || self.unacknowledged_bytes >= limits.ack_bytes();
        self.outputs.push_back(Output::Deliver(frame));
    }

    /// Takes the end of a leg. Only `gone` ends the session (rule 2).
    fn ended(&mut self, number: u32, end: &End) {
        let is_gone = end.code == "gone";
        if is_gone && self.mutation.is(Mutant::GoneNotBelieved) {
            self.drop_leg(number, "foreign");
        } else if is_gone && self.id().is_some() {
            self.gone();
        } else {
            self.drop_leg(number, &end.code);
        }
    }

    /// Ends the session, and starts one with a new secret (rule 2). Frames that no leg has go into that one.
    fn gone(&mut self) {
        for leg in std::mem::take(&mut self.legs) {
            self.outputs.push_back(Output::LegDropped(leg.number, "gone".to_owned()));
        }
        let lines = self.outgoing.restart();
        self.secret = fresh_secret(&mut self.random);
        self.welcome = None;
        (self.received, self.acknowledged, self.unacknowledged_bytes) = (0, 0, 0);
        (self.ack_at, self.is_ack_due) = (None, false);
        (self.turn, self.confirmed_turn) = (0, 0);
        self.outputs.push_back(Output::Reset(Reset::Gone, lines.len() as u64));
        if !lines.is_empty() {
            self.outputs.push_back(Output::UnknownOutcome(lines));
        }
    }
}

/// Whether the first frame of an answer is ours.
fn echoes(first: &Down, nonce: Option<&Nonce>) -> bool {
    match first {
        Down::Welcome(welcome) => nonce == Some(&welcome.nonce),
        Down::End(end) => nonce.is_some() && nonce == end.nonce.as_ref(),
        _ => false,
    }
}
