//! The welcome: the first frame of everything that a gateway sends, full or brief.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::id::{Nonce, SessionId};
use super::json::write_field;
use super::limits::Limits;
use super::number::{LegNumber, Seq, Turn};

/// The server's first words on a leg, and its confirmation of a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The protocol's version.
    pub v: u32,
    /// The hello's nonce.
    pub nonce: Nonce,
    /// The session's incarnation.
    pub id: SessionId,
    /// The leg that this is about.
    pub leg: LegNumber,
    /// The session's turn, if one has been granted. The leg is active if this is its own turn.
    #[serde(with = "turn_or_zero")]
    pub turn: Option<Turn>,
    /// The highest number that the server has received.
    pub received: Seq,
    /// The number of the next numbered line on this leg, if the leg is active.
    pub next: Seq,
    /// The transports that this gateway offers, best first.
    pub transports: Vec<Cow<'static, str>>,
    /// The interval of the server's pings, in milliseconds.
    pub heartbeat_ms: u64,
    /// How long the server holds a poll, in milliseconds.
    pub hold_ms: u64,
    /// How long a session lives without a leg, in milliseconds.
    pub resume_ms: u64,
    /// The client's network, if the gateway knows it. Neighbours share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The user that the session belongs to, if its client has a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Box<str>>,
    /// How long the client's right to be here lasts, in milliseconds, if it ends: with its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// The bounds that a client must know.
    pub limits: Limits,
}

/// The brief welcome: the first frame of an answer in which a full welcome would say nothing new. The fields that it
/// leaves out have not changed since the last welcome that the client read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// The hello's nonce.
    pub nonce: Nonce,
    /// The number of the next numbered line in this answer. `None` in the answer to a send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Seq>,
    /// The highest number that the server has received, unless the hello's `next` implies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Seq>,
}

impl Welcome {
    /// Returns true if the numbers are valid from a server. A client counts from them.
    pub(super) fn is_in_bounds(&self) -> bool {
        self.received.is_in_bounds() && self.next.is_of_a_line()
    }
}

impl Brief {
    /// Returns the full welcome that this one abbreviates: `last` with these numbers, and the turn of the hello that it
    /// answers.
    #[must_use]
    pub fn whole(self, last: &Welcome, turn: Option<Turn>) -> Welcome {
        let received = self.received.unwrap_or(last.received);
        Welcome { nonce: self.nonce, turn, received, next: self.next.unwrap_or(last.next), ..last.clone() }
    }

    /// Returns true if the numbers are valid from a server, as in a [`Welcome`].
    pub(super) fn is_in_bounds(&self) -> bool {
        self.received.is_none_or(Seq::is_in_bounds) && self.next.is_none_or(Seq::is_of_a_line)
    }
}

/// A welcome always has the key `turn`, and 0 means that no turn was granted. No other frame writes 0 for no turn.
mod turn_or_zero {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Turn;

    pub(super) fn serialize<S: Serializer>(turn: &Option<Turn>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(turn.map_or(0, Turn::get))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Turn>, D::Error> {
        match u32::deserialize(deserializer)? {
            0 => Ok(None),
            turn => Turn::new(turn).map(Some).ok_or_else(|| D::Error::custom("turn must be below 2^31")),
        }
    }
}

impl Welcome {
    /// Appends the frame.
    pub(super) fn write(&self, buffer: &mut Vec<u8>) {
        let Limits { replay_frames, replay_bytes, body_bytes, body_lines, line_bytes } = &self.limits;
        write_field(buffer, b"{\"welcome\":{\"v\":", &self.v);
        write_field(buffer, b",\"nonce\":", &self.nonce);
        write_field(buffer, b",\"id\":", &self.id);
        write_field(buffer, b",\"leg\":", &self.leg);
        write_field(buffer, b",\"turn\":", &self.turn.map_or(0, Turn::get));
        write_field(buffer, b",\"received\":", &self.received);
        write_field(buffer, b",\"next\":", &self.next);
        write_field(buffer, b",\"transports\":", &self.transports);
        write_field(buffer, b",\"heartbeat_ms\":", &self.heartbeat_ms);
        write_field(buffer, b",\"hold_ms\":", &self.hold_ms);
        write_field(buffer, b",\"resume_ms\":", &self.resume_ms);
        self.network.iter().for_each(|network| write_field(buffer, b",\"network\":", network));
        self.user.iter().for_each(|user| write_field(buffer, b",\"user\":", user));
        self.expires_ms.iter().for_each(|expires| write_field(buffer, b",\"expires_ms\":", expires));
        write_field(buffer, b",\"limits\":{\"replay_frames\":", replay_frames);
        write_field(buffer, b",\"replay_bytes\":", replay_bytes);
        write_field(buffer, b",\"body_bytes\":", body_bytes);
        write_field(buffer, b",\"body_lines\":", body_lines);
        write_field(buffer, b",\"line_bytes\":", line_bytes);
        buffer.extend_from_slice(b"}}}");
    }
}

impl Brief {
    /// Appends the frame.
    pub(super) fn write(&self, buffer: &mut Vec<u8>) {
        write_field(buffer, b"{\"nonce\":", &self.nonce);
        self.next.iter().for_each(|next| write_field(buffer, b",\"next\":", next));
        self.received.iter().for_each(|received| write_field(buffer, b",\"received\":", received));
        buffer.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Line;

    #[test]
    fn a_brief_welcome_leaves_out_what_it_does_not_say() {
        let nonce = Nonce::try_from("n".to_owned()).unwrap();
        let json = |next, received| {
            let line = Line::compose(|buffer| Brief { nonce: nonce.clone(), next, received }.write(buffer));
            String::from_utf8(line.json().to_vec()).unwrap()
        };
        assert_eq!(json(None, None), r#"{"nonce":"n"}"#);
        assert_eq!(json(Some(Seq(2)), Some(Seq(3))), r#"{"nonce":"n","next":2,"received":3}"#);
    }
}
