//! The welcome: what begins all that a gateway says, whole or brief.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::id::{Nonce, SessionId};
use super::json::write_field;
use super::limits::Limits;
use super::number::{LegNumber, Seq, Turn};

/// The server's first words on a leg, and its confirmation of a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version.
    pub v: u32,
    /// The hello's nonce.
    pub nonce: Nonce,
    /// The incarnation.
    pub id: SessionId,
    /// The leg this is about.
    pub leg: LegNumber,
    /// The session's turn, once any was granted; the leg is active if it is the leg's own.
    #[serde(with = "turn_or_zero")]
    pub turn: Option<Turn>,
    /// How far the server has received.
    pub received: Seq,
    /// The number of the next numbered line on this leg, if the leg is active.
    pub next: Seq,
    /// The transports this gateway offers, best first.
    pub transports: Vec<Cow<'static, str>>,
    /// The server pings that often, in milliseconds.
    pub heartbeat_ms: u64,
    /// A poll is held that long, in milliseconds.
    pub hold_ms: u64,
    /// A session without a leg lives that long, in milliseconds.
    pub resume_ms: u64,
    /// The client's network, if the gateway can tell: the same for all its neighbours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The bounds a client must know.
    pub limits: Limits,
}

/// What begins an answer in place of a welcome that would say no more: all that is left out is as the client knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// The hello's nonce.
    pub nonce: Nonce,
    /// The number of the next numbered line in this answer; none in a send's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Seq>,
    /// How far the server has received, where that is not what the hello's `next` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Seq>,
}

impl Welcome {
    /// A client counts with these numbers: none may be one that no server can mean.
    pub(super) fn is_in_bounds(&self) -> bool {
        self.received.is_in_bounds() && self.next.is_of_a_line()
    }
}

impl Brief {
    /// The welcome that it stands for: `last` with its numbers, and the turn of the hello it answers.
    #[must_use]
    pub fn whole(self, last: &Welcome, turn: Option<Turn>) -> Welcome {
        let received = self.received.unwrap_or(last.received);
        Welcome { nonce: self.nonce, turn, received, next: self.next.unwrap_or(last.next), ..last.clone() }
    }

    /// As of a [`Welcome`].
    pub(super) fn is_in_bounds(&self) -> bool {
        self.received.is_none_or(Seq::is_in_bounds) && self.next.is_none_or(Seq::is_of_a_line)
    }
}

/// A welcome always has the key `turn`: it shows no turn as 0. Nothing else on the wire does.
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
