//! Long-poll: `POST /rt/poll`. The session says when a poll is answered, and grants its room to write once.
//!
//! # Layout
//! - `route`: answers a poll at once, or lets it wait
//! - `carrier`: carries lines on the taken connection

pub(super) mod carrier;
mod route;

pub use self::route::poll;
