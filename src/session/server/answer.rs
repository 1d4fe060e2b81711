//! Why a poll is answered: rule 8, clause by clause.

/// Why a poll is answered now: the clauses of rule 8, in their order. While none holds, the poll is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerNow {
    /// It is its leg's first. One without an `id` counts as that: its client has read no answer.
    First,
    /// It asked for a new turn.
    NewTurn,
    /// It does not hold the turn.
    NoTurn,
    /// It carries a ping.
    Ping,
    /// Its lines leave a number out, and none of them was taken (rule 7).
    Gap,
    /// An acknowledgement is due.
    Ack,
    /// Link frames are there.
    Links,
    /// Numbered lines are there. Behind a long answer they were gathered.
    Lines,
    /// It was held for as long as it may be.
    Held,
}
