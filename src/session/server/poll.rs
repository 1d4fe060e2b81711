//! Polls (rule 8): how one is accepted, and when it is answered.

use super::answer::AnswerNow;
use super::carriage::Parked;
use super::leg::{Leg, State};
use super::{Carrier, ServerSession};
use crate::protocol::code::{Leaving, Refusal};
use crate::protocol::up::{Hello, Up};
use crate::protocol::{LegNumber, Transport, down, limits};
use crate::session::Time;

impl ServerSession {
    /// Accepts one poll. It requests a turn, repeats its leg's turn, or belongs to a candidate.
    pub(super) fn attach_poll(
        &mut self,
        now: Time,
        carrier: Carrier,
        hello: Hello,
        frames: Vec<Up>,
    ) -> Result<(), Refusal> {
        self.check(&hello, &frames)?;
        self.check_transport(hello.leg, Transport::Poll)?;
        self.check_offered(hello.leg, Transport::Poll)?;
        let number = hello.leg;
        let is_first = !self.knows_leg(number);
        if is_first || hello.turn > self.turn {
            self.spend_attach(now)?;
        }
        self.accept(now, &hello)?;
        if let Some(why) = self.why_over(now, &hello) {
            self.take_lines(now, hello.next, frames);
            self.finish(carrier, down::end(Some(hello.nonce), &why));
            return Ok(());
        }
        let has_wishes = self.wish(now, &hello);
        let has_read_welcome = self.has_read_welcome(&hello);
        if is_first {
            self.add(Leg::new(now, number, Transport::Poll, hello.nonce.clone()));
        } else {
            self.answer_older_poll(now, number);
        }
        self.park(now, carrier, &hello, is_first);
        let is_granted = self.grant(now, number, &hello);
        let answer = self.why_at_once(&hello, &frames, is_first, is_granted);
        let is_brief = has_read_welcome && hello.id.is_some() && self.holds_turn(&hello);
        if let Some(parked) = self.leg(number).and_then(|leg| leg.carriage.parked_mut()) {
            parked.answer = answer;
            parked.news |= has_wishes;
            parked.knows = is_brief.then_some(hello.next.previous());
        }
        self.body(now, &hello, frames);
        self.make_room(number);
        Ok(())
    }

    /// Returns true if the client of a poll has read a welcome of its leg. A browser may repeat a POST by itself and
    /// read only the second answer. Then its client may not have read the welcome in the first one.
    fn has_read_welcome(&mut self, hello: &Hello) -> bool {
        self.leg(hello.leg).is_some_and(|leg| {
            let is_repeated = leg.nonce == hello.nonce;
            let was_brief = leg.carriage.parked().is_some_and(|parked| parked.knows.is_some());
            was_brief || !is_repeated
        })
    }

    /// Returns why the answer is an `end`, if it is. If the leg must go, its next poll is the first chance to tell
    /// it.
    fn why_over(&mut self, now: Time, hello: &Hello) -> Option<Refusal> {
        let has_ended = self.leg(hello.leg).is_some_and(|leg| leg.state == State::Ended);
        let lost_turn = hello.turn.is_some() && hello.turn < self.turn;
        if has_ended || lost_turn { Some(Leaving::Replaced.into()) } else { self.end_if_overstaying(now, hello.leg) }
    }

    /// Returns why a new poll is answered at once, if it is.
    fn why_at_once(&self, hello: &Hello, frames: &[Up], is_first: bool, is_granted: bool) -> Option<AnswerNow> {
        if is_first || hello.id.is_none() {
            Some(AnswerNow::First)
        } else if is_granted {
            Some(AnswerNow::NewTurn)
        } else if !self.holds_turn(hello) {
            Some(AnswerNow::NoTurn)
        } else if frames.iter().any(|frame| matches!(frame, Up::Ping { .. })) {
            Some(AnswerNow::Ping)
        } else {
            let leaves_out = hello.next > self.received.next() && !frames.is_empty();
            leaves_out.then_some(AnswerNow::Gap)
        }
    }

    /// Returns true if a poll carries the active leg, and states its turn.
    fn holds_turn(&self, hello: &Hello) -> bool {
        self.active == Some(hello.leg) && hello.turn.is_some()
    }

    /// Answers the older poll of a leg without lines, because a newer one came.
    fn answer_older_poll(&mut self, now: Time, number: LegNumber) {
        let Some(leg) = self.leg(number) else { return };
        let (nonce, cursor) = (leg.nonce.clone(), leg.cursor);
        if let Some(older) = leg.carrier.take() {
            let opening = self.opening(now, nonce, number, cursor);
            self.finish(older, opening);
        }
    }

    /// Makes the poll carry its leg.
    fn park(&mut self, now: Time, carrier: Carrier, hello: &Hello, is_first: bool) {
        let (base, held_until) = (self.base(hello.received), now + self.hold());
        // Earlier answers do not count: an answer that got lost was not delivered.
        let from = self.answers_from(hello.leg, base);
        let Some(leg) = self.leg(hello.leg) else { return };
        leg.carrier = Some(carrier);
        leg.nonce = hello.nonce.clone();
        leg.proven |= !is_first;
        if let Some(parked) = leg.carriage.parked_mut() {
            parked.held_until = held_until;
            parked.gathers_until = std::mem::take(&mut parked.long_answer).then_some(now + limits::GATHER);
        }
        leg.cursor = from;
    }

    /// Returns why the poll that carries this leg is answered now, if it is. A welcome alone is not worth an
    /// answer.
    pub(super) fn answer_now(&self, leg: &Leg, parked: &Parked) -> Option<AnswerNow> {
        if parked.answer.is_some() {
            return parked.answer;
        }
        if leg.wants_links() {
            return Some(AnswerNow::Links);
        }
        let has_lines = self.active == Some(leg.number) && leg.cursor <= self.outgoing.last();
        (has_lines && (parked.gathers_until.is_none() || self.keeps_much())).then_some(AnswerNow::Lines)
    }

    /// Returns true if the kept frames are enough to make the client acknowledge. A poll gathers no more than that.
    fn keeps_much(&self) -> bool {
        let limits = &self.settings.limits;
        self.outgoing.frames() >= limits.ack_frames() || self.outgoing.bytes() >= limits.ack_bytes()
    }
}
