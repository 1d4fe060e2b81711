//! The contents of the wire: frames, lines, identifiers, codes and limits. Pure data.
//!
//! Nothing here reads a clock, touches a socket or decides what a frame leads to. It only says whether bytes are a
//! frame, and which one. PROTOCOL.md describes the same for people.
//!
//! # Layout
//! - [`limits`]: every bound, each stated once
//! - [`code`]: the codes of errors and ends, and their HTTP statuses
//! - [`id`]: secrets, session ids, nonces and channel names, which exist only when valid
//! - [`number`]: the numbers of lines, legs and turns, each a type of its own
//! - [`frame`]: reading a frame's verb and keys in one scan
//! - [`payload`]: the content of a publication
//! - [`up`], [`down`]: the frames of each direction; [`hello`], [`welcome`]: the first frame of each side
//! - `json`: the writing of frames
//! - [`token`]: a client's bearer token
//! - [`report`]: what a client reports about its search for a connection
//! - [`mod@line`]: an encoded frame, ready for every transport; [`deflate`]: its compression
//! - [`body`]: the lines of a POST

pub mod body;
pub mod code;
pub mod deflate;
pub mod down;
pub mod frame;
pub mod hello;
pub mod id;
mod json;
pub mod limits;
pub mod line;
pub mod number;
pub mod payload;
pub mod publication;
pub mod report;
#[cfg(any(test, fuzzing, feature = "simulation"))]
#[doc(hidden)]
pub mod rewritten;
pub mod token;
pub mod up;
pub mod welcome;

pub use code::Code;
pub use id::{ChannelName, NetworkId, Nonce, Secret, SessionId};
pub use line::Line;
pub use number::{LegNumber, Seq, Turn};

use std::fmt;
use std::str::FromStr;

/// The version of the protocol: the `v` of a hello, a welcome, an `end` and every answer of ours.
pub const VERSION: u32 = 1;

/// The WebSocket subprotocol's name.
pub const SUBPROTOCOL: &str = "throughline.v1";

/// The version of WebSocket (RFC 6455).
pub const WEBSOCKET_VERSION: &str = "13";

/// The place of a publication in its channel: an offset, and the incarnation of the channel that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// The incarnation. Another epoch shares no offsets with this one.
    pub epoch: String,
    /// The offset, from 1. 0 is the place before the first publication.
    pub at: u64,
}

/// How a leg carries lines.
///
/// # Examples
/// ```
/// use throughline::Transport;
///
/// assert_eq!("sse".parse(), Ok(Transport::Sse));
/// assert_eq!(Transport::ALL.map(Transport::name), ["websocket", "sse", "poll"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One WebSocket, both directions.
    WebSocket,
    /// A `text/event-stream` response down, POSTs up.
    Sse,
    /// A sequence of POSTs that the gateway holds.
    Poll,
}

impl Transport {
    /// Every transport, in the order of preference.
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::Sse, Self::Poll];

    /// Returns the name in options, events, metrics, configuration and commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::Poll => "poll",
        }
    }

    /// Returns its place in [`Self::ALL`].
    #[must_use]
    pub const fn place(self) -> usize {
        self as usize
    }

    /// Checks a list of transports to offer, best first.
    ///
    /// # Errors
    /// A [`BadOffer`], if the list is empty or has a transport twice.
    pub fn offer(offer: &[Self]) -> Result<std::sync::Arc<[Self]>, BadOffer> {
        if offer.is_empty() {
            return Err(BadOffer::Empty);
        }
        match offer.iter().enumerate().find(|(place, transport)| offer[..*place].contains(transport)) {
            Some((_, twice)) => Err(BadOffer::Twice(*twice)),
            None => Ok(offer.into()),
        }
    }
}

/// Why no gateway can offer a list of transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadOffer {
    /// The list is empty.
    #[error("it is empty; at least one transport must be offered")]
    Empty,
    /// The list has this transport twice.
    #[error("{0} is listed twice")]
    Twice(Transport),
}

/// A name that no transport has.
///
/// # Examples
/// ```
/// use throughline::{Transport, UnknownTransport};
///
/// assert_eq!("pigeon".parse::<Transport>(), Err(UnknownTransport("pigeon".to_owned())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a transport; the transports are websocket, sse and poll")]
pub struct UnknownTransport(pub String);

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|transport| transport.name() == name);
        named.ok_or_else(|| UnknownTransport(name.to_owned()))
    }
}
