//! The gateway's half: rules that a sentence says best, and sequences of operations that nobody would write down.

mod ends;
mod polls;
mod properties;
mod rules;
