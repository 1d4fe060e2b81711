//! Throughline: one session that holds while the network under it changes.
//!
//! # Layout
//! Imports run one way: a layer names those below it, never those above.
//! - [`cli`]: the command line
//! - [`server`]: composition: router, limits at the door, pages, stop
//! - [`transport`]: WebSocket, SSE with POST, long-poll: bytes to a leg's lines and back
//! - [`node`]: all that sessions share: joining, commands, operations
//! - [`backend`]: what the application decides
//! - [`hub`]: channels on this node
//! - [`broker`]: offsets and history
//! - [`driver`]: runs one session: its lock, its wakers, its deadlines
//! - [`session`]: the sans-IO machine, both halves
//! - [`protocol`]: frames, lines, ids, codes, limits
//!
//! Beside them: [`netlab`], the hostile network; it names none of them. Below them, in tests only: `simulation`, what seeded schedules share.

pub mod backend;
pub mod broker;
#[cfg(feature = "cli")]
pub mod cli;
pub mod driver;
pub mod hub;
#[cfg(feature = "cli")]
pub mod netlab;
pub mod node;
pub mod protocol;
pub mod server;
pub mod session;
#[cfg(test)]
mod simulation;
pub mod transport;
