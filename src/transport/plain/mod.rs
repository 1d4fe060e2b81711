//! A channel as a plain event stream, for `EventSource` and curl: `GET /rt/stream?channel=…`.
//!
//! # Layout
//! - `route`: opens the stream

mod route;

pub use self::route::open;
