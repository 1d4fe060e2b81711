//! Deliberate mistakes, one for each rule that seems dispensable.
//!
//! A test build can give a half one mistake, and the simulation must then catch it. The hook of each mistake is in
//! `server/hooks.rs` or `client/hooks.rs`. Other builds have no mistakes.

/// A rule that is removed or misread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Rule 3: a leg becomes active if the server believes that no other leg is, regardless of the turn.
    ActivationByBelief,
    /// Rule 4: the client requests no new turn after it drops the leg with the greatest turn.
    NotAskingAgain,
    /// Rule 5: the loser receives no `end`.
    NoEndForLoser,
    /// Rule 6: no welcome confirms a granted turn before numbered lines.
    NoConfirmingWelcome,
    /// Rule 2: a hello after the first welcome has no id.
    HelloWithoutId,
    /// Rule 2: a hello that creates a session brings lines, and the server accepts them.
    LinesWithCreatingHello,
    /// Rule 8: a poll's answer starts after the last line written, not after the last line received.
    PollFromSent,
    /// Rule 7: the server does not state an overrun.
    OverrunUnstated,
    /// Rule 6: a second hello's `next` restarts the server's count.
    HelloRestartsCount,
    /// Rule 9: the client takes the welcome in a send's answer for the leg's welcome.
    SendWelcomeForLeg,
    /// Rule 6: the server answers again a turn that the leg already has.
    RepeatedTurnAnswered,
    /// Rule 3: a send without a turn demotes its leg.
    PlainSendDemotes,
    /// Rule 6: the client counts the lines behind a brief welcome from the `next` of the last welcome.
    BriefWithLastNext,
    /// Rule 2: the client takes `gone` for a foreign answer.
    GoneNotBelieved,
    /// Rule 10: the filler of a withdrawn line goes behind all other lines, under a new number.
    FillerWithNewNumber,
    /// Rule 10: a withdrawn line leaves no filler, so its number is missing.
    FillerDropped,
    /// Rule 10: at the withdrawal the client reports the line as too large, even if it arrived.
    TooLargeForArrived,
    /// Rule 10: the client repeats a line that the gateway refused as unreadable.
    UnreadableRepeated,
    /// The client repeats a failed body in the same size.
    BodiesNeverSmaller,
    /// Link frames wait while a line fails.
    LinksWaitForLines,
    /// Proof P4: the pong of a long ping is short.
    PongNotPadded,
    /// Rule 13: another user joins a session with its secret.
    UsersIgnored,
    /// Rule 13: the server accepts lines after the client's right has ended.
    LinesWithoutRight,
    /// Rule 13: the end of the right ends the session, not the legs.
    ExpiryEndsSession,
    /// Rule 13: the server keeps the right that it had, and ignores a fresh token.
    RefreshIgnored,
    /// Rule 14: a `bye` ends the session before the lines of its body are accepted.
    ByeBeforeLines,
    /// Rule 14: a session that was said `bye` to ends, although its client came back.
    ReturnIgnored,
    /// Rule 14: a `bye` is ignored.
    ByeIgnored,
    /// The client takes `wait` in a poll's answer for a failure of its leg.
    WaitIsFailure,
    /// Proof P4: the client takes a short pong for a long one.
    ShortPongProves,
}

/// The mistake that a half makes, if any.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mutation {
    mutant: Option<Mutant>,
}

impl Mutation {
    /// Returns the mutation that makes this mistake.
    pub(crate) const fn of(mutant: Option<Mutant>) -> Self {
        Self { mutant }
    }

    /// Returns true if the half makes this mistake.
    pub(crate) fn is(self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}
