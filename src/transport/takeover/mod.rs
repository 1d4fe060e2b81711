//! Taking a connection from HTTP, for as long as a carrier needs none of it.
//!
//! # Layout
//! - `state`: who has the connection
//! - `connection`: the connection itself: stalled writes, and what is noted while HTTP has it
//! - `writer`: writes the lines of a link to a taken connection
//! - `half_closed`: clients that have shut their sending side

pub(super) mod connection;
pub(super) mod half_closed;
pub(super) mod state;
pub(super) mod writer;
