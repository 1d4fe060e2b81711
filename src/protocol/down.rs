//! Frames from server to client: written once by the gateway, read by the client half.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use super::code::Refusal;
use super::frame::{Payload, RawFrame};
use super::id::{ChannelName, Nonce, SessionId};
use super::limits::Limits;
use super::line::Line;
use super::{Position, VERSION};

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
    pub leg: u32,
    /// The session's turn; the leg is active if it is the leg's own.
    pub turn: u32,
    /// How far the server has received.
    pub received: u64,
    /// The number of the next numbered line on this leg, if the leg is active.
    pub next: u64,
    /// The transports this gateway offers, best first.
    pub transports: Vec<String>,
    /// The server pings that often, in milliseconds.
    pub heartbeat_ms: u64,
    /// A poll is held that long, in milliseconds.
    pub hold_ms: u64,
    /// A session without a leg lives that long, in milliseconds.
    pub resume_ms: u64,
    /// The bounds a client must know.
    pub limits: Limits,
}

/// The last frame of a leg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The version.
    pub v: u32,
    /// The nonce of the leg's last hello, if one was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// Why; only `gone` is about the session.
    pub code: String,
    /// The same for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// Any frame a server may send, as the client half tells them apart.
#[derive(Debug, Clone, PartialEq)]
pub enum Down {
    /// See [`Welcome`].
    Welcome(Box<Welcome>),
    /// See [`End`].
    End(End),
    /// How far the server has received, and the number of the next line on this leg.
    Ack {
        /// The highest number received without a hole.
        received: u64,
        /// The number of the next numbered line written on this leg.
        next: Option<u64>,
    },
    /// To be answered by a pong.
    Ping(Number),
    /// The answer to a ping.
    Pong(Number),
    /// `config` or `goaway`: about the connection as a whole.
    Link,
    /// A numbered frame.
    Numbered,
}

impl Down {
    /// Tells a frame's kind; a numbered one is not looked into.
    ///
    /// # Errors
    /// `bad_frame`.
    pub fn read(frame: &RawFrame) -> Result<Self, Refusal> {
        let fields = frame.fields()?;
        let bad = || Refusal::bad_frame(format!("a broken {}", fields.verb));
        Ok(match &*fields.verb {
            "welcome" => Self::Welcome(parse(fields.subject).ok_or_else(bad)?),
            "end" => Self::End(parse(fields.subject).ok_or_else(bad)?),
            "ack" => Self::Ack {
                received: fields.subject_number().ok_or_else(bad)?,
                next: fields.next,
            },
            "ping" => Self::Ping(parse(fields.subject).ok_or_else(bad)?),
            "pong" => Self::Pong(parse(fields.subject).ok_or_else(bad)?),
            "config" | "goaway" => Self::Link,
            _ => Self::Numbered,
        })
    }
}

fn parse<'a, T: Deserialize<'a>>(subject: &'a RawValue) -> Option<T> {
    serde_json::from_str(subject.get()).ok()
}

/// A frame from anything that serialises to an object.
pub(super) fn json_line(frame: &impl Serialize) -> Line {
    Line::compose(|buffer| write_json(buffer, frame))
}

/// Appends JSON. Writing our own types to memory cannot fail: they hold no map with keys that are not strings.
fn write_json(buffer: &mut Vec<u8>, value: &impl Serialize) {
    if let Err(error) = serde_json::to_writer(buffer, value) {
        unreachable!("serialising to memory: {error}");
    }
}

/// `welcome`.
#[must_use]
pub fn welcome(welcome: &Welcome) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        welcome: &'a Welcome,
    }
    json_line(&Frame { welcome })
}

/// `end`.
#[must_use]
pub fn end(nonce: Option<Nonce>, refusal: &Refusal) -> Line {
    #[derive(Serialize)]
    struct Frame {
        end: End,
    }
    let code = refusal.code.name().to_owned();
    json_line(&Frame {
        end: End {
            v: VERSION,
            nonce,
            code,
            message: refusal.message.clone(),
        },
    })
}

/// `ack`, in either direction.
#[must_use]
pub fn ack(received: u64, next: Option<u64>) -> Line {
    #[derive(Serialize)]
    struct Frame {
        ack: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<u64>,
    }
    json_line(&Frame {
        ack: received,
        next,
    })
}

/// `ping`, in either direction.
#[must_use]
pub fn ping(value: &Number) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        ping: &'a Number,
    }
    json_line(&Frame { ping: value })
}

/// `pong`, in either direction.
#[must_use]
pub fn pong(value: &Number) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        pong: &'a Number,
    }
    json_line(&Frame { pong: value })
}

/// `goaway`: leave after `after_ms` and a random part of `jitter_ms`.
#[must_use]
pub fn goaway(after_ms: u64, jitter_ms: u64) -> Line {
    #[derive(Serialize)]
    struct Goaway {
        after_ms: u64,
        jitter_ms: u64,
    }
    #[derive(Serialize)]
    struct Frame {
        goaway: Goaway,
    }
    json_line(&Frame {
        goaway: Goaway {
            after_ms,
            jitter_ms,
        },
    })
}

/// `ok` without anything to tell.
#[must_use]
pub fn ok(id: u64) -> Line {
    #[derive(Serialize)]
    struct Frame {
        ok: u64,
    }
    json_line(&Frame { ok: id })
}

/// `ok` to a publication: its offset.
#[must_use]
pub fn ok_published(id: u64, at: u64) -> Line {
    #[derive(Serialize)]
    struct Frame {
        ok: u64,
        at: u64,
    }
    json_line(&Frame { ok: id, at })
}

/// `ok` to a subscription: publications follow from `position.at + 1`.
#[must_use]
pub fn ok_subscribed(id: u64, position: &Position, recovered: bool) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        ok: u64,
        epoch: &'a str,
        at: u64,
        recovered: bool,
    }
    json_line(&Frame {
        ok: id,
        epoch: &position.epoch,
        at: position.at,
        recovered,
    })
}

/// `err`: the answer to a command that could not be done.
#[must_use]
pub fn err(id: u64, refusal: &Refusal) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        err: u64,
        code: &'a str,
        message: &'a str,
    }
    json_line(&Frame {
        err: id,
        code: refusal.code.name(),
        message: &refusal.message,
    })
}

/// `pub`: a publication, encoded once for all its subscribers.
#[must_use]
pub fn publication(channel: &ChannelName, at: u64, payload: &Payload) -> Line {
    let head = |buffer: &mut Vec<u8>| {
        buffer.extend_from_slice(b"{\"pub\":");
        write_json(buffer, &channel.as_str());
        buffer.extend_from_slice(b",\"at\":");
        write_json(buffer, &at);
    };
    match payload {
        Payload::Json(data) => Line::compose(|buffer| {
            buffer.reserve(data.len() + channel.as_str().len() + 40);
            head(buffer);
            buffer.extend_from_slice(b",\"data\":");
            buffer.extend_from_slice(data);
            buffer.push(b'}');
        }),
        Payload::Binary(bytes) => Line::compose_binary(head, bytes),
    }
}
