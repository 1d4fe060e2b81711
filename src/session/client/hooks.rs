//! The hooks by which a test breaks a rule. None of them does anything in a build that is not a test.
//!
//! In a test build the simulation may give a session a mutant. The hook of that mutant then breaks its rule, and
//! the other hooks keep theirs.

use super::ClientSession;
#[cfg(test)]
use super::Output;
use crate::protocol::{Code, LegNumber, Line, Seq};
#[cfg(test)]
use crate::session::mutant::Mutant;

impl ClientSession {
    /// Rule 2: a leg opens without lines. `LinesWithCreatingHello`: a leg of a new session brings some.
    pub(super) fn opens_with_lines(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::LinesWithCreatingHello) {
            return self.id().is_none();
        }
        false
    }

    /// Rule 4: the client requests a new turn when it drops the leg with the greatest turn. `NotAskingAgain`: it
    /// does not.
    pub(super) fn asks_again(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::NotAskingAgain) {
            return false;
        }
        true
    }

    /// Rule 2: a hello has the id once it is known, and another id is foreign. `HelloWithoutId`: ids do not count.
    pub(super) fn heeds_id(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::HelloWithoutId) {
            return false;
        }
        true
    }

    /// Rule 6: the lines behind a brief welcome are counted from its `next`. `BriefWithLastNext`: from that of the
    /// last welcome.
    pub(super) fn brief_next(&self, next: Option<Seq>) -> Option<Seq> {
        #[cfg(test)]
        if self.mutation.is(Mutant::BriefWithLastNext) {
            return None;
        }
        next
    }

    /// Rule 9: the `next` of a send's welcome says nothing. `SendWelcomeForLeg`: it counts for the leg.
    pub(super) fn send_welcomed(&mut self, number: LegNumber, next: Seq) {
        #[cfg(test)]
        if self.mutation.is(Mutant::SendWelcomeForLeg) {
            self.start_at(number, next);
        }
        let _ = (number, next);
    }

    /// Rule 2: `gone` ends the session. `GoneNotBelieved`: the client takes it for a foreign answer. Returns true
    /// in that case.
    pub(super) fn disbelieves_gone(&mut self, number: LegNumber) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::GoneNotBelieved) {
            self.drop_leg(number, "foreign");
            return true;
        }
        let _ = number;
        false
    }

    /// Proof P4: only a pong with a pad is long. `ShortPongProves`: a short one counts as long.
    pub(super) fn is_long_pong(&self, has_pad: bool) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::ShortPongProves) {
            return true;
        }
        has_pad
    }

    /// The client repeats a failed body in a smaller size. `BodiesNeverSmaller`: it repeats the same size.
    pub(super) fn makes_bodies_smaller(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::BodiesNeverSmaller) {
            return false;
        }
        true
    }

    /// Rule 10: the client withdraws a line that the gateway refused as unreadable. `UnreadableRepeated`: it
    /// repeats the line.
    pub(super) fn withdraws_unreadable(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::UnreadableRepeated) {
            return false;
        }
        true
    }

    /// Rule 10: the answer to a filler reports that its line is too large. `TooLargeForArrived`: the client reports
    /// it at once.
    pub(super) fn filler_made(&mut self, code: Code, filler: &Line) {
        #[cfg(test)]
        if self.mutation.is(Mutant::TooLargeForArrived) && code == Code::TooLarge {
            self.outputs.push_back(Output::Deliver(filler.received()));
        }
        let _ = (code, filler);
    }

    /// Rule 10: a withdrawn line leaves a filler. `FillerDropped`: its number is missing. Returns true in that
    /// case.
    pub(super) fn drops_filler(&mut self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::FillerDropped) {
            self.outgoing.drop_first();
            return true;
        }
        false
    }

    /// Rule 10: a filler has the number of its line. `FillerWithNewNumber`: it goes behind all others.
    pub(super) fn filler_placed(&mut self) {
        #[cfg(test)]
        if self.mutation.is(Mutant::FillerWithNewNumber) {
            self.outgoing.renumber_oldest();
        }
    }

    /// Link frames go beside a line that fails. `LinksWaitForLines`: they wait for it.
    pub(super) fn links_go_beside_lines(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::LinksWaitForLines) {
            return false;
        }
        true
    }

    /// A poll whose answer is `wait` goes again. `WaitIsFailure`: its leg has failed.
    pub(super) fn takes_wait_for_failure(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::WaitIsFailure) {
            return true;
        }
        false
    }
}
