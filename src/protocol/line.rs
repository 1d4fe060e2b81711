//! One encoded frame, ready for every transport at once.
//!
//! The frame is written a single time, between `data: ` and an empty line. The whole buffer is an SSE event. A
//! slice of it with one newline is a line of a poll, and a slice without a newline is a WebSocket message. So a
//! publication is one allocation for any number of subscribers on any mixture of transports.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::deflate;
use super::frame::RawFrame;

const PREFIX: &[u8] = b"data: ";
const SUFFIX: &[u8] = b"\n\n";
/// The shortest message, in bytes, that is compressed. A shorter one fits a packet as it is, and most shorter ones
/// are for one session alone.
const DEFLATE_FROM: usize = 512;

/// An encoded frame. Clones share it, so a line costs each holder one pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    event: Bytes,
    /// The binary WebSocket message, if the frame carries raw bytes.
    message: Option<Bytes>,
    /// The compressed WebSocket message, once the first socket asked for it. `None` inside if compression does not
    /// make it shorter.
    deflated: OnceLock<Option<Box<[u8]>>>,
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        (&self.event, &self.message) == (&other.event, &other.message)
    }
}

impl Eq for Encoded {}

impl Line {
    /// Composes a line from the frame that `write` appends to the buffer: JSON without a raw newline.
    pub fn compose(write: impl FnOnce(&mut Vec<u8>)) -> Self {
        Self::new(event(write), None)
    }

    fn new(event: Bytes, message: Option<Bytes>) -> Self {
        Self(Arc::new(Encoded { event, message, deflated: OnceLock::new() }))
    }

    /// Composes a line with raw bytes: `head` writes the frame up to, not including, its closing brace.
    pub fn compose_binary(head: impl Fn(&mut Vec<u8>), bytes: &[u8]) -> Self {
        let event = event(|buffer| {
            head(buffer);
            buffer.extend_from_slice(b",\"b64\":\"");
            buffer.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            buffer.extend_from_slice(b"\"}");
        });
        let mut message = Vec::with_capacity(bytes.len() + 64);
        head(&mut message);
        message.extend_from_slice(b"}\n");
        message.extend_from_slice(bytes);
        Self::new(event, Some(message.into()))
    }

    /// Returns the frame alone: a text message, or the line form of a binary one.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.0.event[PREFIX.len()..self.0.event.len() - SUFFIX.len()]
    }

    /// Returns the frame and a newline: a line of a poll's answer or of a POST.
    #[must_use]
    pub fn record(&self) -> &[u8] {
        &self.0.event[PREFIX.len()..=self.0.event.len() - SUFFIX.len()]
    }

    /// Returns the frame as an SSE event.
    #[must_use]
    pub fn event(&self) -> &Bytes {
        &self.0.event
    }

    /// Returns the frame as a binary WebSocket message, if that is its form there.
    #[must_use]
    pub fn binary_message(&self) -> Option<&Bytes> {
        self.0.message.as_ref()
    }

    /// Returns the WebSocket message by permessage-deflate, compressed once for all its receivers. Returns `None`
    /// if that makes it no shorter.
    #[must_use]
    pub fn deflated(&self) -> Option<&[u8]> {
        let whole = || self.binary_message().map_or(self.json(), |message| message);
        let deflate = || (whole().len() >= DEFLATE_FROM).then(|| deflate::message(whole())).flatten();
        self.0.deflated.get_or_init(deflate).as_deref()
    }

    /// Returns the line's cost in every bound: its length in line form.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.0.event.len() - PREFIX.len() - SUFFIX.len()
    }

    /// Returns how many hold the line, at present.
    #[must_use]
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Returns the frame as the other side receives it, in line form.
    #[must_use]
    pub fn received(&self) -> RawFrame {
        RawFrame::text(self.0.event.slice_ref(self.json()))
    }
}

thread_local! {
    /// A line is composed here, and then copied into memory of its exact size. A buffer of its own, which grew and
    /// shrank, cost twice as much. This buffer keeps the room of the longest line that the thread composed, 90 KB
    /// at most.
    static COMPOSING: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

fn event(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut buffer = COMPOSING.take();
    buffer.extend_from_slice(PREFIX);
    write(&mut buffer);
    debug_assert!(memchr::memchr2(b'\n', b'\r', &buffer).is_none(), "a frame is one line");
    buffer.extend_from_slice(SUFFIX);
    let event = Bytes::copy_from_slice(&buffer);
    buffer.clear();
    COMPOSING.set(buffer);
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_buffer_serves_all_three_transports() {
        let line = Line::compose(|buffer| buffer.extend_from_slice(b"{\"ping\":1}"));
        assert_eq!(line.json(), b"{\"ping\":1}");
        assert_eq!(line.record(), b"{\"ping\":1}\n");
        assert_eq!(&line.event()[..], b"data: {\"ping\":1}\n\n");
        assert_eq!(line.cost(), 10);
        assert_eq!(line.json().as_ptr(), line.event()[6..].as_ptr());
    }

    #[test]
    fn a_long_line_is_compressed_once_and_a_short_one_not() {
        let line = Line::compose(|buffer| buffer.extend_from_slice(&[b'x'; 2_000]));
        let (same, deflated) = (line.clone(), line.deflated().unwrap());
        assert_eq!(same.deflated().unwrap().as_ptr(), deflated.as_ptr());
        assert_eq!(deflate::inflate(deflated, 2_000).unwrap(), line.json());
        assert_eq!(same, Line::compose(|buffer| buffer.extend_from_slice(&[b'x'; 2_000])));
        assert_eq!(Line::compose(|buffer| buffer.extend_from_slice(&[b'x'; 500])).deflated(), None);
    }

    #[test]
    fn a_binary_line_is_base64_in_text_and_raw_on_a_socket() {
        let line = Line::compose_binary(|buffer| buffer.extend_from_slice(b"{\"pub\":\"a\",\"at\":1"), b"\x00\n\xff");
        assert_eq!(line.json(), br#"{"pub":"a","at":1,"b64":"AAr/"}"#);
        assert_eq!(&line.binary_message().unwrap()[..], b"{\"pub\":\"a\",\"at\":1}\n\x00\n\xff");
    }
}
