//! Bytes to a leg's lines and back, for each transport. An adapter moves lines and never looks into one.
//!
//! # Layout
//! - [`websocket`], [`stream`], [`poll`], [`send`]: the session's routes
//! - [`plain`]: a channel as a plain event stream
//! - `body`: reading a POST within its bounds
//! - [`query`]: parameters of a query
//! - `answer`: answers and errors as HTTP
//! - `half_closed`: clients that have shut their sending side
//! - `bare`: a connection taken from HTTP; `bare_stream` and `bare_poll`: on it; `outlet`: writing to it
//! - [`stall`]: peers that stop reading

mod answer;
mod bare;
mod bare_poll;
mod bare_stream;
mod body;
mod half_closed;
mod outlet;
pub mod plain;
pub mod poll;
pub mod query;
pub mod send;
pub mod stall;
pub mod stream;
pub mod websocket;

pub use answer::{echo, refuse};
pub use bare::{Bare, Foreign};
pub use stall::Connection;

/// Who is at the other end. A request may bring it as an extension.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Of the connection.
    pub connection: std::net::IpAddr,
    /// Of the client: another, where a proxy that is believed says so.
    pub client: std::net::IpAddr,
}

/// What stands for a connection's place among those allowed. A request may bring it as an extension; a socket keeps it
/// beyond the connection's own task.
#[derive(Clone)]
pub struct Held(pub std::sync::Arc<dyn std::any::Any + Send + Sync>);
