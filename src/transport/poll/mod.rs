//! Long-poll: `POST /rt/poll`. The session says when a poll is answered, and grants its room to write once.
//!
//! # Layout
//! - `route`: answers a poll at once, or lets it wait
//! - `over_http`: waits for lines where HTTP keeps the connection
//! - `carrier`: carries lines on the taken connection
//! - `answer`: the head of an answer that we write, and compression

pub(super) mod answer;
pub(super) mod carrier;
mod over_http;
mod route;

pub use self::route::open;
