//! What comes down to the client, whatever carries it.

use crate::protocol::frame::RawFrame;
use crate::session::client::Route;

/// See the module.
#[derive(Debug)]
pub(super) enum Arrival {
    /// A socket can be written to.
    Opened,
    /// A frame of a socket or a stream.
    Frame(RawFrame),
    /// The whole answer of a poll or a send.
    Answer(Route, Vec<RawFrame>),
    /// A request failed, and the status it was answered by, if it was.
    Failed(Route, String, Option<u16>),
    /// The socket is over.
    Closed(String),
}
