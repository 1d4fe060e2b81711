//! Throughline: one session that holds while the network under it changes.

pub mod netlab;
