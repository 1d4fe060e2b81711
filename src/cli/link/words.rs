//! Why the gateway refused a request or ended a leg, in its own words.

use std::fmt;

use crate::protocol::down::{Down, End};
use crate::protocol::frame::RawFrame;

/// A code of PROTOCOL.md, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub(in crate::cli) struct Words {
    pub(in crate::cli) code: String,
    #[serde(default)]
    pub(in crate::cli) message: String,
}

impl Words {
    /// Reads the body of a refusal. Foreign bodies have no such words.
    pub(super) fn of_body(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Reads the last frame of a leg.
    pub(super) fn of_end(frame: &RawFrame) -> Option<Self> {
        if !frame.text.starts_with(b"{\"end\"") {
            return None;
        }
        match Down::read(frame) {
            Ok(Down::End(End { code, message, .. })) => Some(Self { code, message }),
            _ => None,
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A foreign server could write here. It must not command the terminal.
        let plain = |text: &str| text.chars().filter(|letter| !letter.is_control()).collect::<String>();
        let Self { code, message } = self;
        match &**message {
            "" => f.write_str(&plain(code)),
            message => write!(f, "{}: {}", plain(code), plain(message)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_by_an_end_or_by_a_body_and_never_command_a_terminal() {
        let end = RawFrame::text(r#"{"end":{"v":1,"nonce":"n","code":"full","message":"no room\u001b[2J"}}"#);
        let body = br#"{"v":1,"code":"full","message":"no room[2J"}"#;
        for words in [Words::of_end(&end), Words::of_body(body)] {
            assert_eq!(words.unwrap().to_string(), "full: no room[2J");
        }
        let bare = RawFrame::text(r#"{"end":{"v":1,"code":"gone"}}"#);
        assert_eq!(Words::of_end(&bare).unwrap().to_string(), "gone");
        assert_eq!((Words::of_body(b"<html>"), Words::of_end(&RawFrame::text(r#"{"ok":1}"#))), (None, None));
    }
}
