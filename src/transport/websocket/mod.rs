//! WebSocket: `GET /rt/ws`. Each frame of the protocol is one message.
//!
//! One task serves the socket. It holds no buffer while nothing is under way, and writes all lines that wait at once.
//!
//! # Layout
//! - `route`: answers the upgrade
//! - `carrier`: carries lines on the taken connection
//! - `handshake`: checks and answers an upgrade; `extension`: agrees on compression
//! - `framing`: turns bytes into messages, and back

pub(super) mod carrier;
mod extension;
mod framing;
#[cfg(any(test, fuzzing))]
pub(crate) mod framing_oracle;
#[cfg(test)]
mod framing_tests;
mod handshake;
mod route;

pub use self::route::{accept, open};
