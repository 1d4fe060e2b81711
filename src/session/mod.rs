//! The session: two ordered streams of numbered frames, kept by both ends until acknowledged.
//!
//! Both halves are sans-IO. They own their data, never read a clock (time is an argument), never wait, and know
//! nothing of sockets, tasks or channels. The contract of both: `handle` an input, then drain `poll_output` until
//! it is empty, then arm one timer for `poll_timeout` and hand in `Input::Timeout` when it has come.
//!
//! The rules are numbered in PROTOCOL.md (*The rules of a session*); comments cite them by number. They were
//! model-checked before a line was written; the simulation beside this file breaks them one at a time
//! and shows what each is for.
//!
//! # Layout
//! - [`outgoing`]: numbered frames kept until acknowledged, for both halves
//! - [`server`]: the gateway's half
//! - [`client`]: the client's half, for the command line's clients and the simulation; its twin is `client-js/src/session`

pub mod client;
#[cfg(test)]
mod mutant;
#[cfg(any(test, feature = "simulation"))]
#[doc(hidden)]
pub mod node;
pub mod outgoing;
pub mod server;
#[cfg(test)]
mod simulation;

/// A moment: what has passed, on a monotonic clock, since an origin that both halves need not share.
pub type Time = std::time::Duration;

/// A time as whole milliseconds, for the wire.
#[must_use]
pub fn milliseconds(time: Time) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
