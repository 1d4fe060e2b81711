//! WebSocket framing (RFC 6455, section 5), the server's side: bytes to messages and back, and nothing else. Pure.
//!
//! No library can hand the same encoded message to many sockets, or serve an idle connection without a buffer. So this
//! is our own. Its tests compare it with a library, on the same bytes. It must never keep more than one message.

use bytes::{Bytes, BytesMut};

use crate::protocol::deflate::{self, inflate};

/// The longest content of a control frame (section 5.5).
const CONTROL: usize = 125;

const FIN: u8 = 0x80;
/// The message is compressed (RFC 7692, section 6).
const DEFLATED: u8 = 0x40;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A frame's kind, of those that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Opcode {
    Text = TEXT,
    Binary = BINARY,
    DeflatedText = DEFLATED | TEXT,
    DeflatedBinary = DEFLATED | BINARY,
    Close = CLOSE,
    Pong = PONG,
}

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    Text(Bytes),
    Binary(Bytes),
    Ping(Bytes),
    /// It goes: with nothing after it.
    Close,
}

/// Why nothing more can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Against the RFC.
    Protocol(&'static str),
    /// Longer than is allowed: so many bytes, as it was announced, or more once inflated.
    TooLong(Option<u64>),
    /// A text that is not UTF-8.
    NotUtf8,
}

/// Reads frames. Between two messages it holds nothing.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The longest message.
    longest: usize,
    /// Messages may be compressed.
    deflate: bool,
    /// The beginning of a frame that has not come whole.
    partial: Vec<u8>,
    /// A message of several frames, as far as it has come.
    message: Option<Box<Fragments>>,
}

#[derive(Debug)]
struct Fragments {
    opcode: u8,
    deflated: bool,
    content: BytesMut,
    /// How much of a text has been found to be UTF-8.
    checked: usize,
}

struct Header {
    fin: bool,
    deflated: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Where the content starts and ends.
    start: usize,
    end: usize,
}

impl Decoder {
    /// `deflate`: permessage-deflate was agreed on.
    pub(super) const fn new(longest: usize, deflate: bool) -> Self {
        Self { longest, deflate, partial: Vec::new(), message: None }
    }

    /// Takes what was read, and gives each message that it completes to `each`.
    ///
    /// # Errors
    /// The fault of the first wrong frame. The messages before it were given to `each`. Nothing may be fed after it.
    pub(super) fn feed(&mut self, read: &[u8], mut each: impl FnMut(Message)) -> Result<(), Fault> {
        if self.partial.is_empty() {
            let taken = self.frames(read, &mut each)?;
            self.partial = read[taken..].to_vec();
        } else {
            let mut whole = std::mem::take(&mut self.partial);
            whole.extend_from_slice(read);
            let taken = self.frames(&whole, &mut each)?;
            if taken == whole.len() {
                return Ok(());
            }
            whole.drain(..taken);
            self.partial = whole;
        }
        Ok(())
    }

    /// Takes the whole frames at the start of `bytes`; how long they are.
    fn frames(&mut self, bytes: &[u8], each: &mut impl FnMut(Message)) -> Result<usize, Fault> {
        let mut taken = 0;
        while let Some(header) = self.header(&bytes[taken..])? {
            let frame = &bytes[taken..];
            let Some(content) = frame.get(header.start..header.end) else {
                break;
            };
            if let Some(message) = self.frame(&header, content)? {
                let last = message == Message::Close;
                each(message);
                if last {
                    // All bytes after a close are ignored (section 5.5.1).
                    return Ok(bytes.len());
                }
            }
            taken += header.end;
        }
        Ok(taken)
    }

    /// The header at the start of `bytes`, checked before its content is waited for. None if it has not come whole.
    fn header(&self, bytes: &[u8]) -> Result<Option<Header>, Fault> {
        let &[first, second, ..] = bytes else { return Ok(None) };
        let (opcode, length) = (first & 0x0f, usize::from(second & !MASKED));
        let deflated = first & RESERVED == DEFLATED && self.deflate && matches!(opcode, TEXT | BINARY);
        if first & RESERVED != 0 && !deflated {
            return Err(Fault::Protocol("a reserved bit is set"));
        }
        if second & MASKED == 0 {
            return Err(Fault::Protocol("a client's frame must be masked"));
        }
        let fin = first & FIN != 0;
        self.check(opcode, fin, length)?;
        let (length, at) = match length {
            126 => match bytes.get(2..4) {
                Some(&[high, low]) => (u64::from(u16::from_be_bytes([high, low])), 4),
                _ => return Ok(None),
            },
            127 => match bytes.get(2..10).and_then(|bytes| bytes.try_into().ok()) {
                Some(bytes) => (u64::from_be_bytes(bytes), 10),
                None => return Ok(None),
            },
            short => (short as u64, 2),
        };
        let before = self.message.as_ref().filter(|_| opcode < CLOSE).map_or(0, |message| message.content.len());
        let fits = usize::try_from(length).ok().filter(|length| *length <= self.longest - before);
        let length = fits.ok_or(Fault::TooLong(Some(length.saturating_add(before as u64))))?;
        let Some(&[a, b, c, d]) = bytes.get(at..at + 4) else { return Ok(None) };
        Ok(Some(Header { fin, deflated, opcode, mask: [a, b, c, d], start: at + 4, end: at + 4 + length }))
    }

    fn check(&self, opcode: u8, fin: bool, length: usize) -> Result<(), Fault> {
        let begun = self.message.is_some();
        match opcode {
            CONTINUATION if !begun => Err(Fault::Protocol("a continuation of nothing")),
            TEXT | BINARY if begun => Err(Fault::Protocol("a message within a message")),
            CONTINUATION | TEXT | BINARY => Ok(()),
            CLOSE | PING | PONG if !fin => Err(Fault::Protocol("a control frame in pieces")),
            CLOSE | PING | PONG if length > CONTROL => Err(Fault::Protocol("a control frame above 125 bytes")),
            CLOSE | PING | PONG => Ok(()),
            _ => Err(Fault::Protocol("an unknown kind of frame")),
        }
    }

    /// One whole frame; the message that it completes.
    fn frame(&mut self, header: &Header, masked: &[u8]) -> Result<Option<Message>, Fault> {
        match header.opcode {
            CLOSE => close(&unmasked(masked, header.mask)).map(Some),
            PING => Ok(Some(Message::Ping(unmasked(masked, header.mask).freeze()))),
            PONG => Ok(None),
            opcode if header.fin && self.message.is_none() => {
                self.message(opcode, header.deflated, unmasked(masked, header.mask)).map(Some)
            }
            opcode => {
                let deflated = header.deflated;
                let begun = || Box::new(Fragments { opcode, deflated, content: BytesMut::new(), checked: 0 });
                let fragments = self.message.get_or_insert_with(begun);
                fragments.add(&unmasked(masked, header.mask))?;
                if !header.fin {
                    return Ok(None);
                }
                let whole = self.message.take();
                whole.map(|whole| self.message(whole.opcode, whole.deflated, whole.content)).transpose()
            }
        }
    }

    fn message(&self, opcode: u8, deflated: bool, content: BytesMut) -> Result<Message, Fault> {
        let content = if deflated { inflate(&content, self.longest)?.into() } else { content.freeze() };
        if opcode == BINARY {
            return Ok(Message::Binary(content));
        }
        match std::str::from_utf8(&content) {
            Ok(_) => Ok(Message::Text(content)),
            Err(_) => Err(Fault::NotUtf8),
        }
    }
}

impl Fragments {
    /// Adds a part of the message. Bytes that can never become UTF-8 are refused at once.
    fn add(&mut self, content: &[u8]) -> Result<(), Fault> {
        self.content.extend_from_slice(content);
        if self.opcode == TEXT && !self.deflated {
            self.checked += match std::str::from_utf8(&self.content[self.checked..]) {
                Ok(text) => text.len(),
                Err(error) if error.error_len().is_some() => return Err(Fault::NotUtf8),
                Err(error) => error.valid_up_to(),
            };
        }
        Ok(())
    }
}

impl From<deflate::Fault> for Fault {
    fn from(fault: deflate::Fault) -> Self {
        match fault {
            deflate::Fault::TooLong => Self::TooLong(None),
            deflate::Fault::Broken => Self::Protocol("a compressed message that cannot be inflated"),
        }
    }
}

/// A close may have a code and a reason (sections 5.5.1 and 7.4).
fn close(content: &[u8]) -> Result<Message, Fault> {
    match content {
        [] => Ok(Message::Close),
        [high, low, reason @ ..] => {
            std::str::from_utf8(reason).map_err(|_| Fault::NotUtf8)?;
            match u16::from_be_bytes([*high, *low]) {
                1000..=1003 | 1007..=1013 | 3000..=4999 => Ok(Message::Close),
                _ => Err(Fault::Protocol("a close with a code that no peer may send")),
            }
        }
        [_] => Err(Fault::Protocol("a close with half a code")),
    }
}

/// The content without its mask: one pass that copies, so that what was read into can be used again.
fn unmasked(masked: &[u8], mask: [u8; 4]) -> BytesMut {
    let mut content = BytesMut::from(masked);
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let (words, rest) = content.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
    content
}

/// Appends a whole frame of ours, which is never masked.
pub(super) fn append(out: &mut Vec<u8>, opcode: Opcode, content: &[u8]) {
    out.push(FIN | opcode as u8);
    if let Ok(length @ ..126) = u8::try_from(content.len()) {
        out.push(length);
    } else if let Ok(length) = u16::try_from(content.len()) {
        out.push(126);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(content.len() as u64).to_be_bytes());
    }
    out.extend_from_slice(content);
}
