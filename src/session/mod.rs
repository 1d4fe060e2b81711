//! The session: two ordered streams of numbered frames. Each end keeps its frames until the other one acknowledges
//! them.
//!
//! Both halves are sans-IO. They own their data, never read a clock (time is an argument), never wait, and know
//! nothing of sockets, tasks or channels. A caller of either half does this:
//! 1. It hands an input to `handle`.
//! 2. It drains `poll_output`.
//! 3. It arms one timer for `poll_timeout`, and hands in `Input::Timeout` when that time has come.
//!
//! PROTOCOL.md numbers the rules (*The rules of a session*), and comments cite them by number. A model checker
//! checked the rules before the code was written. The simulation beside this file breaks them one at a time, and so
//! shows what each is for.
//!
//! # Layout
//! - [`outgoing`]: the numbered frames that a half keeps until they are acknowledged
//! - [`server`]: the gateway's half
//! - [`client`]: the client's half, for the command line's clients and the simulation; its twin is
//!   `client-js/src/session`

pub mod client;
#[cfg(test)]
mod mutant;
pub mod outgoing;
pub mod server;
#[cfg(any(test, feature = "simulation"))]
#[doc(hidden)]
pub mod server_side;
#[cfg(test)]
mod simulation;

/// A moment: the time since an origin on a monotonic clock. The two halves need not share the origin.
pub type Time = std::time::Duration;

/// Converts a time to whole milliseconds, for the wire.
#[must_use]
pub fn milliseconds(time: Time) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
