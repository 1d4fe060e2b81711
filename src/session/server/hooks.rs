//! Where a test breaks a rule. Each hook has one caller, and none does anything in a build that is not a test.
//!
//! In a test build the simulation may give a session a mutant. The hook of that mutant then does what its rule forbids, and the
//! others keep to theirs.

use super::ServerSession;
#[cfg(test)]
use super::leg::{Leg, State};
#[cfg(test)]
use crate::protocol::Code;
use crate::protocol::code::Refusal;
use crate::protocol::up::Hello;
use crate::protocol::{LegNumber, Seq};
#[cfg(test)]
use crate::session::mutant::Mutant;

impl ServerSession {
    /// Rule 3: the turn says whether a leg becomes active. `ActivationByBelief`: what the server believes of the active leg does.
    pub(super) fn activates(&self, by_turn: bool) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::ActivationByBelief) {
            let is_busy = |leg: &Leg| self.active == Some(leg.number) && leg.is_attached();
            return !self.legs.iter().any(is_busy);
        }
        by_turn
    }

    /// Rule 5: the loser hears an `end`. `NoEndForLoser`: it hears nothing. Returns whether that was so.
    pub(super) fn hides_end(&mut self, number: LegNumber, refusal: &Refusal) -> bool {
        #[cfg(test)]
        if refusal.code() == Code::Replaced
            && self.mutation.is(Mutant::NoEndForLoser)
            && let Some(leg) = self.leg(number).filter(|leg| leg.state == State::Open)
        {
            leg.is_untold = true;
            return true;
        }
        let _ = (number, refusal);
        false
    }

    /// Rule 6: a granted turn is confirmed by a welcome before numbered lines. `NoConfirmingWelcome`: it is not.
    pub(super) fn confirms(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::NoConfirmingWelcome) {
            return false;
        }
        true
    }

    /// Rule 6: a turn that the leg already has is not answered again. `RepeatedTurnAnswered`: a welcome whose `next` is not the leg's
    /// cursor answers it.
    pub(super) fn turn_repeated(&mut self, number: LegNumber, hello: &Hello) {
        #[cfg(test)]
        if self.mutation.is(Mutant::RepeatedTurnAnswered) && self.active == Some(number) && hello.turn == self.turn {
            let next = self.base(hello.received);
            let Some(nonce) = self.leg(number).map(|leg| leg.nonce.clone()) else { return };
            let welcome = self.welcome(nonce, number, next);
            if let Some(leg) = self.leg(number) {
                leg.link = Some(welcome);
            }
        }
        let _ = (number, hello);
    }

    /// Rule 2: no line is taken with a hello that creates. `LinesWithCreatingHello`: they are.
    pub(super) fn refuses_early_lines(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::LinesWithCreatingHello) {
            return false;
        }
        true
    }

    /// Rule 8: a poll's answer starts from what was received. `PollFromSent`: it starts from what was written before.
    pub(super) fn answers_from(&mut self, number: LegNumber, base: Seq) -> Seq {
        #[cfg(test)]
        if self.mutation.is(Mutant::PollFromSent) {
            return self.leg(number).map_or(base, |leg| leg.cursor.max(base));
        }
        let _ = number;
        base
    }

    /// Rule 7: an overrun is stated. `OverrunUnstated`: it is not.
    pub(super) fn states_overrun(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::OverrunUnstated) {
            return false;
        }
        true
    }

    /// Rule 6: on a socket a hello's `next` says nothing. `HelloRestartsCount`: the count goes on from it.
    pub(super) fn second_hello_read(&mut self, number: LegNumber, hello: &Hello) {
        #[cfg(test)]
        if self.mutation.is(Mutant::HelloRestartsCount)
            && let Some(next) = self.leg(number).and_then(|leg| leg.carriage.next_up())
        {
            *next = Some(hello.next);
        }
        let _ = (number, hello);
    }

    /// Rule 3: a hello without a turn changes nothing. `PlainSendDemotes`: in a send it demotes its leg.
    pub(super) fn send_read(&mut self, number: LegNumber, hello: &Hello) {
        #[cfg(test)]
        if self.mutation.is(Mutant::PlainSendDemotes) && hello.turn.is_none() && self.active == Some(number) {
            self.active = None;
        }
        let _ = (number, hello);
    }

    /// Proof P4: a pong has the pad of its ping. `PongNotPadded`: it has none.
    pub(super) fn pong_pad(&self, pad: Option<String>) -> Option<String> {
        #[cfg(test)]
        if self.mutation.is(Mutant::PongNotPadded) {
            return None;
        }
        pad
    }
}
