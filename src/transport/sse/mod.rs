//! SSE with POST: `POST /rt/stream` brings lines down, `POST /rt/send` takes lines up.
//!
//! # Layout
//! - `route`: opens the stream
//! - `carrier`: carries lines on the taken connection
//! - `send`: takes lines up, also beside a poll

pub(super) mod carrier;
mod route;
mod send;

pub(super) use self::route::event_stream;
pub use self::route::open;
pub use self::send::send;
