//! Decides which hellos share a judgement. Pure: it makes no judgement and reads no clock.
//!
//! Hellos that ask the same question while a judgement about it is under way share that judgement. A hello after
//! the verdict is judged again, unless one was told to wait and comes back for it. A judgement lasts for as long as a hello waits for it, but at most for [`PATIENCE`].

use std::collections::HashMap;
use std::hash::Hash;

use crate::protocol::{LegNumber, limits};
use crate::session::Time;

/// The longest time that a hello waits for its verdict.
pub(super) const PATIENCE: Time = limits::HELLO_DEADLINE;

/// A rule that is removed, for the simulation.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// Each hello has a judgement of its own.
    EachAlone,
    /// A verdict also holds for hellos that come later.
    VerdictKept,
    /// The cancellation of one hello ends the judgement for all.
    CancelledForAll,
    /// A judgement is kept although no hello waits for it.
    Leaked,
    /// A judgement that took too long is still shared.
    SharedTooLate,
}

/// The judgements under way, and their places. `Q` is a question, and `J` leads to the verdict.
#[derive(Debug)]
pub(super) struct Desk<Q, J> {
    under_way: HashMap<Q, Judgement<J>>,
    numbers: u64,
    #[cfg(test)]
    pub(super) mutant: Option<Mutant>,
}

#[derive(Debug)]
struct Judgement<J> {
    number: u64,
    waiting: usize,
    until: Time,
    /// The legs whose polls were told to wait, and come back for the verdict.
    told: Vec<LegNumber>,
    judging: J,
}

/// The place of one hello at a judgement. Give it back by [`Desk::leave`].
#[derive(Debug)]
pub(super) struct Place<Q, J> {
    question: Q,
    number: u64,
    pub(super) until: Time,
    pub(super) judging: J,
}

impl<Q: Clone + Eq + Hash, J: Clone> Desk<Q, J> {
    pub(super) fn new() -> Self {
        Self {
            under_way: HashMap::new(),
            numbers: 0,
            #[cfg(test)]
            mutant: None,
        }
    }

    /// Gives a hello its place. It shares the judgement that is under way, or `begin` begins one.
    pub(super) fn join(&mut self, now: Time, question: Q, begin: impl FnOnce() -> J) -> Place<Q, J> {
        let is_shared = |judgement: &&mut Judgement<J>| {
            let shares = now < judgement.until;
            #[cfg(test)]
            let shares =
                (shares || self.mutant == Some(Mutant::SharedTooLate)) && self.mutant != Some(Mutant::EachAlone);
            shares
        };
        if let Some(judgement) = self.under_way.get_mut(&question).filter(is_shared) {
            judgement.waiting += 1;
            let Judgement { number, until, judging, .. } = judgement;
            return Place { question, number: *number, until: *until, judging: judging.clone() };
        }
        self.numbers += 1;
        let (number, until, judging) = (self.numbers, now + PATIENCE, begin());
        let judgement = Judgement { number, waiting: 1, until, told: Vec::new(), judging: judging.clone() };
        self.under_way.insert(question.clone(), judgement);
        Place { question, number, until, judging }
    }

    /// Notes the verdict: no hello joins this judgement any more.
    pub(super) fn judged(&mut self, place: &Place<Q, J>) {
        #[cfg(test)]
        if self.mutant == Some(Mutant::VerdictKept) {
            return;
        }
        if self.judgement(place).is_some_and(|judgement| judgement.told.is_empty()) {
            self.under_way.remove(&place.question);
        }
    }

    /// Notes that the poll of a leg was told to wait, and that the next one comes back: the verdict holds until the
    /// place is given back. Returns true if this judgement has no such leg yet.
    pub(super) fn promise(&mut self, place: &Place<Q, J>, leg: LegNumber) -> bool {
        let Some(judgement) = self.judgement(place) else { return false };
        judgement.told.push(leg);
        judgement.told.len() == 1
    }

    /// Returns true if a poll of this leg was told to wait for this judgement.
    pub(super) fn is_told(&mut self, place: &Place<Q, J>, leg: LegNumber) -> bool {
        self.judgement(place).is_some_and(|judgement| judgement.told.contains(&leg))
    }

    /// Gives a place back: the hello has its verdict, was cancelled, or waited too long.
    pub(super) fn leave(&mut self, place: &Place<Q, J>) {
        let Some(judgement) = self.judgement(place) else { return };
        judgement.waiting -= 1;
        let is_over = judgement.waiting == 0;
        #[cfg(test)]
        let is_over = match self.mutant {
            Some(Mutant::CancelledForAll) => true,
            Some(Mutant::Leaked) => false,
            _ => is_over,
        };
        if is_over {
            self.under_way.remove(&place.question);
        }
    }

    /// Returns the number of judgements under way.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Returns the judgement of a place, unless a newer one about the same question replaced it.
    fn judgement(&mut self, place: &Place<Q, J>) -> Option<&mut Judgement<J>> {
        self.under_way.get_mut(&place.question).filter(|judgement| judgement.number == place.number)
    }
}
