//! Tests of the gateway's half: rules that a sentence states best, and random sequences of operations.

mod ends;
mod polls;
mod properties;
mod rules;
