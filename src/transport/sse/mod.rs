//! SSE with POST: `POST /rt/stream` brings lines down, `POST /rt/send` takes lines up.
//!
//! # Layout
//! - `route`: opens the stream
//! - `over_http`: carries lines as the body of HTTP's answer, until the connection is taken
//! - `carrier`: carries lines on the taken connection
//! - `send`: takes lines up, also beside a poll

pub(super) mod carrier;
mod over_http;
mod route;
mod send;

pub use self::route::open;
pub use self::send::send;
