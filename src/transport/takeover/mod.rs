//! Takes a connection over from HTTP, for as long as a carrier needs none of it.
//!
//! # Layout
//! - `state`: the states of a connection, as a diagram, and how it changes hands
//! - [`serve`]: the loop of one connection, around these states
//! - `connection`: the connection itself: stalled writes, and facts about it
//! - `permit`: a connection's place among those that the server allows
//! - `writer`: writes the lines of a link to a taken connection
//! - `half_closed`: when to write to a client that has shut its sending side

pub(super) mod connection;
pub(super) mod half_closed;
pub(super) mod permit;
pub mod serve;
pub(super) mod state;
pub(super) mod writer;
