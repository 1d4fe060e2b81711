//! Bytes to a leg's lines and back, for each transport. An adapter moves lines and never looks into one.
//!
//! # Layout
//! Each transport has a folder, with the same files: `mod.rs` says what it is for, `route.rs` is the HTTP route that opens a leg, and
//! `carrier.rs` is the future that carries its lines on a connection that was taken from HTTP.
//! - [`websocket`], [`sse`], [`poll`]: the session's transports
//! - [`plain`]: a channel as a plain event stream, without a session
//! - [`http`]: HTTP as all of them use it
//! - `takeover`: how a carrier takes a connection over from HTTP

pub mod http;
pub mod plain;
pub mod poll;
pub mod sse;
mod takeover;
pub mod websocket;

pub use self::http::answer::{echo, refuse};
pub use self::takeover::connection::Connection;
pub use self::takeover::permit::ConnectionPermit;
pub use self::takeover::state::{Foreign, Takeover};

/// Who is at the other end. A request may bring it as an extension.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Of the connection.
    pub connection: std::net::IpAddr,
    /// Of the client: another, where a proxy that is believed says so.
    pub client: std::net::IpAddr,
}
