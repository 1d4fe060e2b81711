//! What comes down: welcomes, ends, counters, numbered frames, and the answers of polls and sends.

use super::leg::State;
use super::{ClientSession, LOSER_READ, Mutant, Output, RETRIES, Reset, Route, fresh_secret};
use crate::protocol::down::{self, Down, End, Welcome};
use crate::protocol::frame::RawFrame;
use crate::protocol::{Nonce, Transport};
use crate::session::Time;

impl ClientSession {
    /// A frame on a socket or a stream. The first must be ours: a welcome or an end with our nonce.
    pub(super) fn line(&mut self, now: Time, number: u32, frame: RawFrame) {
        let Some(leg) = self.leg(number) else { return };
        let (opening, nonce) = (leg.state == State::Opening, leg.nonce.clone());
        let down = Down::read(&frame);
        match down {
            Ok(down) if !opening || echoes(&down, nonce.as_ref()) => {
                self.frame(now, number, down, frame);
            }
            _ => self.close(number, if opening { "foreign" } else { "bad_frame" }),
        }
    }

    fn frame(&mut self, now: Time, number: u32, down: Down, frame: RawFrame) {
        match down {
            Down::Welcome(welcome) => self.welcome(now, number, welcome, Route::Stream),
            Down::End(end) => self.ended(number, &end),
            Down::Ack { received, next } => {
                if self.acknowledged(number, received)
                    && let Some(next) = next
                {
                    self.base(number, next);
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
            // A brief welcome begins an answer, and is a frame like any other elsewhere.
            Down::Numbered | Down::Brief(_) => self.numbered(now, number, frame),
        }
    }

    pub(super) fn welcome(&mut self, now: Time, number: u32, welcome: Box<Welcome>, route: Route) {
        if self.id().is_some_and(|id| *id != welcome.id) && !self.mutation.is(Mutant::HelloWithoutId) {
            self.close(number, "foreign");
            return;
        }
        let (received, next, shown) = (welcome.received, welcome.next, welcome.turn);
        self.welcome = Some(welcome);
        if !self.acknowledged(number, received) {
            return;
        }
        if route == Route::Send {
            // Of a send's welcome only id and received count (rule 9).
            if self.mutation.is(Mutant::SendWelcomeForLeg) {
                self.base(number, next);
            }
            return;
        }
        let (lowest, turn) = (self.outgoing.lowest(), self.turn);
        let Some(leg) = self.leg(number) else { return };
        let fresh = leg.state == State::Opening;
        leg.state = State::Usable;
        leg.stating = leg.transport == Transport::WebSocket;
        leg.up = if leg.stating { leg.up.max(lowest) } else { lowest };
        let shows_turn = leg.turn > 0 && shown == leg.turn;
        // A welcome that was held back on the way must not pass for the news of a turn since lost.
        let confirms = shows_turn && leg.turn == turn && !leg.confirmed;
        leg.confirmed |= confirms;
        let states = route == Route::Stream && (shows_turn || !fresh);
        if fresh {
            self.outputs.push_back(Output::Usable(number));
        }
        if confirms {
            self.confirmed(now, number);
        }
        if states {
            self.base(number, next);
        }
    }

    /// A leg carries the session from now on; those with lower turns are read for a while (rule 5).
    fn confirmed(&mut self, now: Time, number: u32) {
        self.outputs.push_back(Output::Active(number));
        let turn = self.leg(number).map_or(0, |leg| leg.turn);
        for leg in self.legs.iter_mut().filter(|leg| leg.turn > 0 && leg.turn < turn) {
            leg.retire_at.get_or_insert(now + LOSER_READ);
        }
    }

    /// False if it was an error, and the leg is closed for it.
    fn acknowledged(&mut self, number: u32, received: u64) -> bool {
        if self.outgoing.acknowledge(received).is_err() {
            self.close(number, "bad_frame");
            return false;
        }
        let lowest = self.outgoing.lowest();
        for leg in self.legs.iter_mut().filter(|leg| leg.transport != Transport::WebSocket) {
            leg.up = leg.up.max(lowest);
        }
        true
    }

    /// The number of the next line on a leg. Beyond what is expected, frames were dropped (rule 7).
    fn base(&mut self, number: u32, next: u64) {
        let Some(leg) = self.leg(number) else { return };
        leg.down = Some(next);
        if next > self.received + 1 {
            let lost = next - 1 - self.received;
            self.received = next - 1;
            self.outputs.push_back(Output::Reset(Reset::Overrun, lost));
        }
    }

    fn numbered(&mut self, now: Time, number: u32, frame: RawFrame) {
        let Some(count) = self.leg(number).and_then(|leg| leg.down.as_mut()) else {
            self.close(number, "bad_frame");
            return;
        };
        let line = *count;
        *count += 1;
        if line > self.received + 1 {
            self.close(number, "gap");
            return;
        }
        self.ack_at.get_or_insert(now + crate::protocol::limits::CLIENT_ACK_DELAY);
        if line <= self.received {
            return;
        }
        self.received = line;
        self.owed_bytes += frame.cost();
        let limits = self.limits();
        let owed = usize::try_from(self.received - self.told).unwrap_or(usize::MAX);
        self.ack_due |= owed >= limits.ack_frames() || self.owed_bytes >= limits.ack_bytes();
        self.outputs.push_back(Output::Frame(frame));
    }

    /// The whole answer of a poll or a send. What does not begin with our nonce is foreign and counts as a failure.
    pub(super) fn answer(&mut self, now: Time, number: u32, route: Route, lines: Vec<RawFrame>) {
        let Some(leg) = self.leg(number) else { return };
        let slot = if route == Route::Poll { &leg.poll } else { &leg.send };
        let Some(flight) = slot.clone() else { return };
        let mut lines = lines.into_iter();
        let first = lines.next().and_then(|frame| Down::read(&frame).ok()).map(|first| self.whole(first, flight.turn));
        match first.filter(|first| echoes(first, Some(&flight.nonce))) {
            Some(Down::Welcome(welcome)) => {
                let leg = self.leg(number);
                let Some(leg) = leg else { return };
                *(if route == Route::Poll { &mut leg.poll } else { &mut leg.send }) = None;
                if route == Route::Poll {
                    *leg.failures(route) = 0;
                    self.poll_answer(now, number, welcome, lines);
                } else {
                    self.send_answer(now, number, welcome, &flight);
                }
            }
            Some(Down::End(end)) => self.ended(number, &end),
            _ => self.failed(now, number, route),
        }
    }

    /// The welcome that a brief one stands for.
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
        let mut stated = false;
        for frame in lines {
            // What its welcome or an earlier line closed says nothing any more.
            if self.leg(number).is_none() {
                return;
            }
            let Ok(down) = Down::read(&frame) else {
                self.close(number, "bad_frame");
                return;
            };
            if matches!(down, Down::Numbered | Down::Brief(_)) && !std::mem::replace(&mut stated, true) {
                self.base(number, next);
            }
            self.frame(now, number, down, frame);
        }
    }

    fn send_answer(&mut self, now: Time, number: u32, welcome: Box<Welcome>, flight: &super::leg::InFlight) {
        let before = self.outgoing.lowest();
        self.welcome(now, number, welcome, Route::Send);
        let lowest = self.outgoing.lowest();
        let Some(leg) = self.leg(number) else { return };
        leg.asking &= flight.turn != Some(leg.turn);
        leg.up = lowest;
        // Nothing of what it carried was taken: not again at once.
        if flight.until > before && lowest == before {
            self.count_failure(now, number, Route::Send);
        } else {
            *leg.failures(Route::Send) = 0;
        }
    }

    /// A request failed: the same numbers again after a while; a stream, or a leg's first poll, is the leg.
    pub(super) fn failed(&mut self, now: Time, number: u32, route: Route) {
        let lowest = self.outgoing.lowest();
        let Some(leg) = self.leg(number) else { return };
        if route == Route::Stream || leg.state == State::Opening {
            self.close(number, "failed");
            return;
        }
        let flight = if route == Route::Poll { leg.poll.take() } else { leg.send.take() };
        let Some(flight) = flight else { return };
        leg.up = lowest;
        leg.links.splice(0..0, flight.links);
        self.count_failure(now, number, route);
    }

    fn count_failure(&mut self, now: Time, number: u32, route: Route) {
        let Some(leg) = self.leg(number) else { return };
        if let Some(wait) = RETRIES.get(*leg.failures(route)) {
            leg.retry_at = Some(now + *wait);
            *leg.failures(route) += 1;
        } else {
            self.close(number, "failed");
        }
    }

    /// Only `gone` ends the session; any other code ends its leg.
    fn ended(&mut self, number: u32, end: &End) {
        let gone = end.code == "gone";
        if gone && self.mutation.is(Mutant::GoneNotBelieved) {
            self.close(number, "foreign");
        } else if gone && self.id().is_some() {
            self.gone();
        } else {
            self.close(number, &end.code);
        }
    }

    /// Rule 2: every leg goes, the application is told, and a new session starts with a new secret.
    fn gone(&mut self) {
        for leg in std::mem::take(&mut self.legs) {
            self.outputs.push_back(Output::Close(leg.number, "gone".to_owned()));
        }
        let unknown = self.outgoing.restart();
        self.secret = fresh_secret(&mut self.random);
        self.welcome = None;
        (self.received, self.told, self.owed_bytes, self.turn) = (0, 0, 0, 0);
        (self.ack_at, self.ack_due) = (None, false);
        self.outputs.push_back(Output::Reset(Reset::Gone, unknown.len() as u64));
        if !unknown.is_empty() {
            self.outputs.push_back(Output::Unknown(unknown));
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
