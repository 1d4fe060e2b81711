//! Deliberate mistakes, one for each rule that looks as if it could be left out.
//!
//! In a test build a half can be given one, and the simulation shows that it is caught. The hook of each is in
//! `server/hooks.rs` or `client/hooks.rs`. A build that is not a test has none.

/// A rule taken away, or read wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Rule 3: a leg becomes active when the server believes no other is, whatever the turn.
    ActivationByBelief,
    /// Rule 4: the client does not ask again after dropping the leg with the greatest turn.
    NotAskingAgain,
    /// Rule 5: the loser hears no `end`.
    NoEndForLoser,
    /// Rule 6: a granted turn is not confirmed by a welcome before numbered lines.
    NoConfirmingWelcome,
    /// Rule 2: a hello after the first welcome does not carry the id.
    HelloWithoutId,
    /// Rule 2: a hello that creates brings lines, and they are taken.
    LinesWithCreatingHello,
    /// Rule 8: a poll is answered from what was written before, not from what was received.
    PollFromSent,
    /// Rule 7: an overrun is not stated.
    OverrunUnstated,
    /// Rule 6: a second hello's `next` restarts the server's count.
    HelloRestartsCount,
    /// Rule 9: the welcome in a send's answer is taken for the leg's.
    SendWelcomeForLeg,
    /// Rule 6: a turn the leg already has is answered again.
    RepeatedTurnAnswered,
    /// Rule 3: a send without a turn demotes its leg.
    PlainSendDemotes,
    /// Rule 6: the lines behind a brief welcome are counted from where the last welcome's were.
    BriefWithLastNext,
    /// Rule 2: `gone` is taken for something foreign.
    GoneNotBelieved,
    /// Rule 10: the filler of a withdrawn line goes behind all others, under a new number.
    FillerWithNewNumber,
    /// Rule 10: a line that is withdrawn leaves no filler, so its number is left out.
    FillerDropped,
    /// Rule 10: the application is told at the withdrawal that the line is too large, whether it arrived or not.
    TooLargeForArrived,
    /// Rule 10: a line that the gateway refused as unreadable is repeated.
    UnreadableRepeated,
    /// A body that failed is repeated in the same size.
    BodiesNeverSmaller,
    /// Link frames wait while a line fails.
    LinksWaitForLines,
    /// Proof P4: the pong of a long ping is short.
    PongNotPadded,
    /// Proof P4: a short pong is taken for a long one.
    ShortPongProves,
}

/// Which mistake a half makes, if any.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mutation {
    mutant: Option<Mutant>,
}

impl Mutation {
    /// The mistake to make.
    pub(crate) const fn of(mutant: Option<Mutant>) -> Self {
        Self { mutant }
    }

    /// Whether this mistake is made.
    pub(crate) fn is(self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}
