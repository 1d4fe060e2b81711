//! The reasons to answer a poll: rule 8, clause by clause.

/// Why a poll is answered now: the clauses of rule 8, in their order. The poll is held while none holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerNow {
    /// It is its leg's first poll. A poll without an `id` counts as one, because its client has read no answer.
    First,
    /// It requested a new turn.
    NewTurn,
    /// It does not hold the turn.
    NoTurn,
    /// It carries a ping.
    Ping,
    /// Its lines skip a number, and none of them was accepted (rule 7).
    Gap,
    /// An acknowledgement is due.
    Ack,
    /// Link frames wait.
    Links,
    /// Numbered lines wait. Behind a long answer they were gathered first.
    Lines,
    /// It was held for its full time.
    Held,
}
