//! A channel as a plain event stream, for `EventSource` and curl: `GET /rt/stream?channel=…`.
//!
//! It is read-only and has no session. `id:` is `epoch:offset`. The browser sends the last one back as `Last-Event-ID`,
//! and the stream begins with the missed events. If they are gone, an event of type `reset` says so.
//!
//! # Layout
//! - `route`: opens the stream
//! - `over_http`: carries the events as the body of HTTP's answer

mod over_http;
mod route;

pub use self::route::open;
