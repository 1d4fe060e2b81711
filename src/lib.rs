//! Throughline: one session that holds while the network under it changes.

// The simulation's server side is compiled here and in an integration test, by the same names.
#[cfg(test)]
extern crate self as throughline;

pub mod netlab;
pub mod protocol;
pub mod session;
