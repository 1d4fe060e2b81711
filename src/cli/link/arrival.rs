//! What comes down to the client, whatever carries it.

use crate::protocol::frame::RawFrame;
use crate::session::client::Route;

/// An arrival on one leg.
#[derive(Debug)]
pub(super) enum Arrival {
    /// A socket can be written to.
    Opened,
    /// A frame of a socket or a stream.
    Frame(RawFrame),
    /// The whole answer of a poll or a send.
    Answer(Route, Vec<RawFrame>),
    /// A request failed, with the status of its answer, if there was one.
    Failed(Route, String, Option<u16>),
    /// The socket is over.
    Closed(String),
}
