//! Tests of the client's half: one rule at a time, and random sequences of operations.

mod properties;
mod rules;
