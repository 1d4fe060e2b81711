//! Bytes to a leg's lines and back, for each transport. An adapter moves lines and never looks into one.
//!
//! # Layout
//! Each transport has a folder, with the same files: `mod.rs` says what it is for, `route.rs` is the HTTP route that opens a leg, and
//! `carrier.rs` is the future that carries its lines on a connection that was taken from HTTP.
//! - [`websocket`], [`sse`], [`poll`]: the session's transports
//! - [`plain`]: a channel as a plain event stream, without a session
//! - [`http`]: HTTP as all of them use it
//! - `arrival`: what the server knows of the connection that a request came on
//! - [`takeover`]: how a carrier takes a connection over from HTTP

mod arrival;
pub mod http;
pub mod plain;
pub mod poll;
pub mod sse;
pub mod takeover;
pub mod websocket;

pub use self::arrival::{Arrival, Peer};
pub use self::http::answer::{echo, refuse};
pub use self::takeover::connection::Connection;
pub use self::takeover::permit::ConnectionPermit;
pub use self::takeover::state::{Foreign, Takeover};
