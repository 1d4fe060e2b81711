//! Deliberate mistakes of a channel's machine, one for each rule that looks as if it could be left out.
//!
//! A test build can give one to a machine, and the simulation shows that it is caught. In any other build
//! [`Mutation::is`] is constant, and the compiler takes the branch out.

/// A rule taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// Live lines are not held for a subscriber that waits for history.
    LinesNotHeld,
    /// History and held lines are joined one behind the other, without a look at their offsets.
    MergedWithoutOffsets,
    /// A new epoch that continues the old one is not told.
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
    /// An answer to an earlier fetch is taken.
    OldAnswerTaken,
    /// A position that is not proven is taken for the log's end, and no subscriber is told.
    ProofAssumed,
    /// The fetch goes out before the watch.
    FetchBeforeWatch,
    /// A fetch that failed is not tried again.
    NoRetry,
    /// A fetch that is never answered is waited for.
    NoPatience,
    /// The position is not compared with the log's.
    NoCheck,
    /// Nothing is read after messages may have been lost.
    InterruptionIgnored,
    /// A second answer to an append is answered again.
    AnsweredTwice,
    /// A subscriber that left while it waited for history is made live.
    LeaverStarted,
    /// A subscriber joins a fetch that began before it asked.
    OldFetchJoined,
    /// Appends have no bound.
    AppendsWithoutBound,
}

/// Which mistake a machine makes: none, outside of the simulation's own tests.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mutation {
    #[cfg(test)]
    mutant: Option<Mutant>,
}

impl Mutation {
    /// The mistake to make.
    #[cfg(test)]
    pub(super) const fn of(mutant: Option<Mutant>) -> Self {
        Self { mutant }
    }

    /// Whether this mistake is made.
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
