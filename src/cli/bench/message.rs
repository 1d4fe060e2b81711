//! The content of a measured message: its sender, its number, and the time at which it was due. Pure.
//!
//! The content is one JSON string of fixed places, so it is read without being parsed a second time.

use std::time::Duration;

use crate::protocol::frame::RawFrame;
use crate::protocol::{ChannelName, Line};

/// The shortest content: quotes, and three numbers with separators.
pub(super) const SHORTEST: usize = 2 + SENDER + 1 + NUMBER + 1 + TIME;

const SENDER: usize = 8;
const NUMBER: usize = 12;
const TIME: usize = 12;

/// The text before the content of a publication.
const KEY: &[u8] = b"\"data\":\"";

/// A message, as its receiver finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message {
    /// The number of its sender.
    pub(super) sender: u32,
    /// Its own number, from 1, in the order of sending.
    pub(super) number: u64,
    /// When it was due to be sent, since the run's origin.
    pub(super) due: Duration,
}

impl Message {
    /// Returns the publication that carries it, with content of `size` bytes (at least [`SHORTEST`]).
    pub(super) fn publish(&self, channel: &ChannelName, size: usize) -> Line {
        let due = u64::try_from(self.due.as_nanos()).unwrap_or(u64::MAX) & ((1 << (4 * TIME)) - 1);
        // The names of this program's channels need no escapes.
        let mut frame = format!(
            "{{\"pub\":\"{channel}\",\"data\":\"{:0SENDER$x} {:0NUMBER$x} {due:0TIME$x}",
            self.sender, self.number,
        )
        .into_bytes();
        let padding = size.saturating_sub(SHORTEST);
        frame.extend(FILLING.iter().cycle().take(padding));
        frame.extend_from_slice(b"\"}");
        Line::compose(|buffer| buffer.extend_from_slice(&frame))
    }

    /// Returns the message of a publication, or `None` if it is not a message of this program.
    pub(super) fn read(frame: &RawFrame) -> Option<Self> {
        let text = &frame.text[..];
        if !text.starts_with(b"{\"pub\":") {
            return None;
        }
        let start = memchr::memmem::find(text, KEY)? + KEY.len();
        let numbers = text.get(start..start + SHORTEST - 2)?;
        let number = |from: usize, length: usize| {
            let digits = std::str::from_utf8(&numbers[from..from + length]).ok()?;
            u64::from_str_radix(digits, 16).ok()
        };
        Some(Self {
            sender: u32::try_from(number(0, SENDER)?).ok()?,
            number: number(SENDER + 1, NUMBER)?,
            due: Duration::from_nanos(number(SENDER + 1 + NUMBER + 1, TIME)?),
        })
    }
}

/// Fills a message up to its size.
const FILLING: &[u8] = b" The quick brown fox jumps over the lazy dog, 0123456789 times.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_in_its_publication_and_has_its_size() {
        let channel = ChannelName::try_from("bench/1").unwrap();
        let message = Message { sender: 7, number: 123, due: Duration::from_nanos(987_654_321) };
        for size in [SHORTEST, 64, 1024] {
            let sent = message.publish(&channel, size);
            let text = String::from_utf8(sent.json().to_vec()).unwrap();
            assert_eq!(text.len(), size + r#"{"pub":"bench/1","data":}"#.len());
            let down = text.replace("\"data\"", "\"at\":17,\"data\"");
            assert_eq!(Message::read(&RawFrame::text(down)), Some(message));
        }
        for other in [r#"{"ok":1}"#, r#"{"pub":"a","at":1,"data":"short"}"#, r#"{"pub":"a","at":1,"data":1}"#] {
            assert_eq!(Message::read(&RawFrame::text(other)), None, "{other}");
        }
    }
}
