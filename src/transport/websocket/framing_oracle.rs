//! Compares our reader of WebSocket frames with another implementation, on the same bytes.
//!
//! The tests of framing and the fuzz target `websocket_frames` use it.

use std::io::{Cursor, Read, Write};

use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, WebSocket};

use super::framing::{Decoder, Fault, Message};

pub(super) const LONGEST: usize = 300;
/// The message of our decoder about a control frame that is too long.
const LONG_CONTROL: &str = "a control frame above 125 bytes";

/// The messages that came of some bytes, and how it ended.
pub(super) type Verdict = (Vec<Message>, End);

#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    WantsMore,
    Closed,
    /// Against the RFC, or too long: where a frame is both, the two look at another first.
    Refused,
    NotUtf8,
}

pub(super) fn ours(bytes: &[u8], pieces: &[usize], deflate: bool) -> Verdict {
    let (messages, fault) = decoded(bytes, pieces, deflate);
    judged(messages, fault)
}

/// What our decoder makes of bytes that come in pieces.
fn decoded(bytes: &[u8], pieces: &[usize], deflate: bool) -> (Vec<Message>, Option<Fault>) {
    let (mut decoder, mut messages, mut rest) = (Decoder::new(LONGEST, deflate), Vec::new(), bytes);
    for length in pieces.iter().chain(std::iter::repeat(&usize::MAX)) {
        let (piece, after) = rest.split_at(rest.len().min(*length));
        if let Err(fault) = decoder.feed(piece, |message| messages.push(message)) {
            return (messages, Some(fault));
        }
        rest = after;
        if rest.is_empty() || messages.last() == Some(&Message::Close) {
            break;
        }
    }
    (messages, None)
}

fn judged(mut messages: Vec<Message>, fault: Option<Fault>) -> Verdict {
    let end = match fault {
        Some(Fault::Protocol(_) | Fault::TooLong(_)) => End::Refused,
        Some(Fault::NotUtf8) => End::NotUtf8,
        None if messages.last() == Some(&Message::Close) => End::Closed,
        None => End::WantsMore,
    };
    if end == End::Closed {
        messages.pop();
    }
    (messages, end)
}

/// Bytes to read; what is written is dropped.
pub(super) struct Wire<'a>(pub(super) Cursor<&'a [u8]>);

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer) {
            Ok(0) => Err(std::io::ErrorKind::WouldBlock.into()),
            other => other,
        }
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(super) fn theirs(bytes: &[u8]) -> Verdict {
    let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    let mut socket = WebSocket::from_raw_socket(Wire(Cursor::new(bytes)), Role::Server, Some(config));
    let mut messages = Vec::new();
    let end = loop {
        match socket.read() {
            Ok(tungstenite::Message::Text(text)) => messages.push(Message::Text(text.into())),
            Ok(tungstenite::Message::Binary(bytes)) => messages.push(Message::Binary(bytes)),
            Ok(tungstenite::Message::Ping(bytes)) => messages.push(Message::Ping(bytes)),
            Ok(tungstenite::Message::Pong(_) | tungstenite::Message::Frame(_)) => {}
            // Its word for a code that no peer may send.
            Ok(tungstenite::Message::Close(Some(close))) if close.reason == "Protocol violation" => {
                break End::Refused;
            }
            Ok(tungstenite::Message::Close(_)) => break End::Closed,
            Err(Error::Io(_)) => break End::WantsMore,
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => break End::Refused,
            Err(Error::Utf8(_)) => break End::NotUtf8,
            Err(Error::Protocol(_)) => break End::Refused,
            Err(other) => panic!("{other:?}"),
        }
    };
    (messages, end)
}

/// Reads bytes in the pieces that the first ones choose, and whole, and has the other implementation read them. Panics if that
/// makes a difference.
pub(crate) fn fuzz(bytes: &[u8]) {
    let Some((&[pieces, options], bytes)) = bytes.split_first_chunk::<2>() else { return };
    let (pieces, bytes) = bytes.split_at(bytes.len().min(usize::from(pieces % 16)));
    let pieces: Vec<usize> = pieces.iter().copied().map(usize::from).collect();
    let deflate = options & 1 != 0;
    let whole = decoded(bytes, &[], deflate);
    assert_eq!(decoded(bytes, &pieces, deflate), whole, "pieces make a difference");
    if deflate {
        return;
    }
    let (messages, fault) = whole;
    let other = theirs(bytes);
    if fault == Some(Fault::Protocol(LONG_CONTROL)) {
        // It takes a short control frame whose length is written in the long form. RFC 6455 forbids that in section 5.2.
        assert!(other.0.starts_with(&messages), "{messages:?}; {other:?}");
    } else if other.1 == End::WantsMore {
        // It waits for a frame whole before it judges its header.
        assert_eq!(messages, other.0);
    } else {
        assert_eq!(judged(messages, fault), other);
    }
}
