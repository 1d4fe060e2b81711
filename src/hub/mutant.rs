//! Deliberate mistakes of a channel's machine, one for each rule that seems dispensable.
//!
//! A test build can give a machine one mistake, and the simulation must then catch it. In any other build
//! [`Mutation::is`] is constant, and the compiler removes the branch.

/// A rule that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// Live lines are not held for a subscriber that waits for history.
    LinesNotHeld,
    /// History and held lines are concatenated without a look at their offsets.
    MergedWithoutOffsets,
    /// No reset announces a new epoch that continues the old one.
    NewEpochUntold,
    /// The place moves back to the end of an answer that is older than the last message.
    PlaceMovedBack,
    /// Held lines have no bound.
    HeldWithoutBound,
    /// A message behind a gap is delivered.
    GapIgnored,
    /// A message that was delivered before is delivered again.
    RepeatDelivered,
    /// A message of another epoch counts by its offset alone.
    EpochIgnored,
    /// An answer to an earlier fetch is accepted.
    OldAnswerTaken,
    /// The log's end replaces a position that is not proven, and no subscriber learns it.
    ProofAssumed,
    /// The fetch goes out before the watch.
    FetchBeforeWatch,
    /// A failed fetch is not retried.
    NoRetry,
    /// A fetch that gets no answer is never given up.
    NoPatience,
    /// The hub never compares its position with the log's.
    NoCheck,
    /// No fetch follows after messages may have been lost.
    InterruptionIgnored,
    /// A second answer to an append is answered again.
    AnsweredTwice,
    /// A subscriber that left while it waited for history is made live.
    LeaverStarted,
    /// A subscriber joins a fetch that began before its request.
    OldFetchJoined,
    /// Appends have no bound.
    AppendsWithoutBound,
}

/// The mistake that a machine makes: none, outside of the simulation's own tests.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mutation {
    #[cfg(test)]
    mutant: Option<Mutant>,
}

impl Mutation {
    /// Returns the mutation that makes this mistake.
    #[cfg(test)]
    pub(super) const fn of(mutant: Option<Mutant>) -> Self {
        Self { mutant }
    }

    /// Returns true if the machine makes this mistake.
    #[inline]
    pub(super) fn is(self, mutant: Mutant) -> bool {
        #[cfg(test)]
        return self.mutant == Some(mutant);
        #[cfg(not(test))]
        {
            let _ = (self, mutant);
            false
        }
    }
}
