//! The hooks by which a test breaks a rule. Each hook has one caller, and does nothing in a build that is not a
//! test.
//!
//! In a test build the simulation may give a session a mutant. The hook of that mutant then breaks its rule, and
//! the other hooks keep theirs.

use super::ServerSession;
#[cfg(test)]
use super::leg::{Leg, State};
#[cfg(test)]
use crate::protocol::Code;
use crate::protocol::code::Refusal;
use crate::protocol::up::Hello;
use crate::protocol::{LegNumber, Seq};
use crate::session::Time;
#[cfg(test)]
use crate::session::mutant::Mutant;

impl ServerSession {
    /// Rule 3: the turn decides whether a leg becomes active. `ActivationByBelief`: the server's belief about the
    /// active leg decides.
    pub(super) fn activates(&self, by_turn: bool) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::ActivationByBelief) {
            let is_busy = |leg: &Leg| self.active == Some(leg.number) && leg.is_attached();
            return !self.legs.iter().any(is_busy);
        }
        by_turn
    }

    /// Rule 5: the loser receives an `end`. `NoEndForLoser`: it receives nothing. Returns true in that case.
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

    /// Rule 6: a welcome confirms a granted turn before numbered lines. `NoConfirmingWelcome`: none does.
    pub(super) fn confirms(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::NoConfirmingWelcome) {
            return false;
        }
        true
    }

    /// Rule 6: the server does not answer a turn that the leg already has. `RepeatedTurnAnswered`: it answers with
    /// a welcome whose `next` is not the leg's cursor.
    pub(super) fn turn_repeated(&mut self, now: Time, number: LegNumber, hello: &Hello) {
        #[cfg(test)]
        if self.mutation.is(Mutant::RepeatedTurnAnswered) && self.active == Some(number) && hello.turn == self.turn {
            let next = self.base(hello.received);
            let Some(nonce) = self.leg(number).map(|leg| leg.nonce.clone()) else { return };
            let welcome = self.welcome(now, nonce, number, next);
            if let Some(leg) = self.leg(number) {
                leg.link = Some(welcome);
            }
        }
        let _ = (now, number, hello);
    }

    /// Rule 2: the server accepts no line with a hello that creates a session. `LinesWithCreatingHello`: it does.
    pub(super) fn refuses_early_lines(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::LinesWithCreatingHello) {
            return false;
        }
        true
    }

    /// Rule 8: a poll's answer starts after the last line received. `PollFromSent`: it starts after the last line
    /// written.
    pub(super) fn answers_from(&mut self, number: LegNumber, base: Seq) -> Seq {
        #[cfg(test)]
        if self.mutation.is(Mutant::PollFromSent) {
            return self.leg(number).map_or(base, |leg| leg.cursor.max(base));
        }
        let _ = number;
        base
    }

    /// Rule 7: the server states an overrun. `OverrunUnstated`: it does not.
    pub(super) fn states_overrun(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::OverrunUnstated) {
            return false;
        }
        true
    }

    /// Rule 6: a hello's `next` says nothing on a socket. `HelloRestartsCount`: the count goes on from it.
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

    /// Proof P4: a pong repeats the pad of its ping. `PongNotPadded`: it has no pad.
    pub(super) fn pong_pad(&self, pad: Option<String>) -> Option<String> {
        #[cfg(test)]
        if self.mutation.is(Mutant::PongNotPadded) {
            return None;
        }
        pad
    }

    /// Rule 13: a session belongs to its user. `UsersIgnored`: any user may join it.
    pub(super) fn ignores_users(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::UsersIgnored) {
            return true;
        }
        false
    }

    /// Rule 13: nothing of a client is accepted once its right has ended. `LinesWithoutRight`: it is.
    pub(super) fn locks(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::LinesWithoutRight) {
            return false;
        }
        true
    }

    /// Rule 14: a client that comes back keeps its session. `ReturnIgnored`: it does not.
    pub(super) fn ignores_return(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::ReturnIgnored) {
            return true;
        }
        false
    }

    /// Rule 14: the lines of a body count before its `bye`. `ByeBeforeLines`: they do not.
    pub(super) fn takes_bye_first(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::ByeBeforeLines) {
            return true;
        }
        false
    }

    /// Rule 13: the end of the right ends legs. `ExpiryEndsSession`: it ends the session.
    pub(super) fn expiry_ends_session(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::ExpiryEndsSession) {
            return true;
        }
        false
    }

    /// Rule 13: a fresh token renews the right. `RefreshIgnored`: it does not.
    pub(super) fn ignores_refresh(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::RefreshIgnored) {
            return true;
        }
        false
    }

    /// Rule 14: `bye` ends the session. `ByeIgnored`: it does not.
    pub(super) fn ignores_bye(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::ByeIgnored) {
            return true;
        }
        false
    }
}
