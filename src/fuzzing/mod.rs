//! The fuzz targets: each runs a reader or a machine on bytes, and panics if a promise is broken.
//!
//! `make fuzz` runs each target with bytes that libFuzzer chooses (`fuzz/`). `cargo test` runs each with its seeds and with all
//! findings (`fuzz/findings`). Only tests and fuzz builds, which set `--cfg fuzzing`, compile this module.
//!
//! # Layout
//! - [`seeds`]: the first inputs of each target
//!
//! Each target's work stands beside its subject: `protocol::rewritten`, `session::server::watch`, `hub::simulation`, and `framing_oracle`
//! of the WebSocket.

use crate::protocol::rewritten;

pub mod seeds;
#[cfg(test)]
mod tests;

/// Runs a frame in either direction: an accepted frame keeps its meaning when it is written again.
pub fn frames(bytes: &[u8]) {
    rewritten::up(bytes);
    rewritten::down(bytes);
}

/// Runs the body of a POST: the gateway accepts all of its lines, or none.
pub fn bodies(bytes: &[u8]) {
    rewritten::body(bytes);
}

/// Runs the bytes of a WebSocket: pieces make no difference, and another implementation reads the same.
pub fn websocket_frames(bytes: &[u8]) {
    crate::transport::websocket::framing_oracle::fuzz(bytes);
}

/// Runs the gateway's half of a session on arbitrary inputs.
pub fn session(bytes: &[u8]) {
    crate::session::server::watch::fuzz(bytes);
}

/// Runs channels and their subscribers with a broker that misbehaves for a while.
pub fn hub(bytes: &[u8]) {
    crate::hub::simulation::fuzz(bytes);
}
