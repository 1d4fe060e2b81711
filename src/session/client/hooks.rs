//! Where a test breaks a rule. None of the hooks does anything in a build that is not a test.
//!
//! In a test build the simulation may give a session a mutant. The hook of that mutant then does what its rule forbids, and the
//! others keep to theirs.

use super::ClientSession;
#[cfg(test)]
use super::Output;
use crate::protocol::{Code, LegNumber, Line, Seq};
#[cfg(test)]
use crate::session::mutant::Mutant;

impl ClientSession {
    /// Rule 2: a leg opens without lines. `LinesWithCreatingHello`: those of a new session bring some.
    pub(super) fn opens_with_lines(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::LinesWithCreatingHello) {
            return self.id().is_none();
        }
        false
    }

    /// Rule 4: the client asks again when it drops the leg with the greatest turn. `NotAskingAgain`: it does not.
    pub(super) fn asks_again(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::NotAskingAgain) {
            return false;
        }
        true
    }

    /// Rule 2: a hello carries the id once it is known, and another id is foreign. `HelloWithoutId`: ids do not count.
    pub(super) fn heeds_id(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::HelloWithoutId) {
            return false;
        }
        true
    }

    /// Rule 6: the lines behind a brief welcome are counted from its `next`. `BriefWithLastNext`: from that of the last welcome.
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

    /// Rule 2: `gone` ends the session. `GoneNotBelieved`: it is taken for something foreign. Returns whether that was so.
    pub(super) fn disbelieves_gone(&mut self, number: LegNumber) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::GoneNotBelieved) {
            self.drop_leg(number, "foreign");
            return true;
        }
        let _ = number;
        false
    }

    /// Proof P4: only a long pong is one. `ShortPongProves`: a short one counts as long.
    pub(super) fn is_long_pong(&self, has_pad: bool) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::ShortPongProves) {
            return true;
        }
        has_pad
    }

    /// A body that failed is repeated in a smaller size. `BodiesNeverSmaller`: in the same.
    pub(super) fn makes_bodies_smaller(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::BodiesNeverSmaller) {
            return false;
        }
        true
    }

    /// Rule 10: a line that the gateway refused as unreadable is withdrawn. `UnreadableRepeated`: it is repeated.
    pub(super) fn withdraws_unreadable(&self) -> bool {
        #[cfg(test)]
        if self.mutation.is(Mutant::UnreadableRepeated) {
            return false;
        }
        true
    }

    /// Rule 10: the answer to a filler tells that its line is too large. `TooLargeForArrived`: the client tells so at once.
    pub(super) fn filler_made(&mut self, code: Code, filler: &Line) {
        #[cfg(test)]
        if self.mutation.is(Mutant::TooLargeForArrived) && code == Code::TooLarge {
            self.outputs.push_back(Output::Deliver(filler.received()));
        }
        let _ = (code, filler);
    }

    /// Rule 10: a line that is withdrawn leaves a filler. `FillerDropped`: its number is left out. Returns whether that was so.
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
}
