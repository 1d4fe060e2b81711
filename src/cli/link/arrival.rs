//! What comes down to the client, whatever carries it.

use bytes::Bytes;

use super::answered;
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
    /// A request failed.
    Failed(Route, Failed),
    /// The socket is over.
    Closed(String),
}

/// How a request failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) why: String,
    /// The status and the body of its answer, if there was one.
    pub(super) status: Option<u16>,
    pub(super) body: Bytes,
}

impl Failed {
    /// No answer came, or not a whole one.
    pub(super) const fn unanswered(why: String) -> Self {
        Self { why, status: None, body: Bytes::new() }
    }

    /// An answer came that the request should not get.
    pub(super) fn answered(status: u16, body: Bytes) -> Self {
        Self { why: answered(status), status: Some(status), body }
    }
}
