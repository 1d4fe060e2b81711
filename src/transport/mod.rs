//! Turns bytes into the lines of a leg, and lines into bytes, for each transport. An adapter never looks into a line.
//!
//! # Layout
//! Each transport has a folder with the same files:
//! - `mod.rs`: the purpose of the transport
//! - `route.rs`: the HTTP route that opens a leg
//! - `over_http.rs`: carries the lines while HTTP has the connection
//! - `carrier.rs`: carries the lines on the connection that it took over from HTTP
//!
//! The folders and the rest:
//! - [`websocket`], [`sse`], [`poll`]: the session's transports
//! - [`plain`]: a channel as a plain event stream, without a session
//! - [`http`]: the parts of HTTP that all of them use
//! - `arrival`: the facts that a server passes to the routes about the connection of a request
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
