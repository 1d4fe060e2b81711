//! Frames from server to client. The gateway writes each once, and the client half reads it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use super::code::{Mistake, Refusal};
use super::frame::{Payload, RawFrame, object};
use super::id::{ChannelName, Nonce};
use super::json::{json_line, write_field};
use super::line::Line;
use super::publication::Publication;
pub use super::welcome::{Brief, Welcome};
use super::{Position, Seq, Transport, VERSION};

/// The last frame of a leg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The version.
    pub v: u32,
    /// The nonce of the hello that attached the leg, or of its last poll. `None` if no hello was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// The code. Only `gone` ends the session.
    pub code: String,
    /// The sentence for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// The first frame of a leg whose hello nobody has decided about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The nonce of the hello.
    pub nonce: Nonce,
    /// The longest time that the decision may still take, in milliseconds.
    pub ms: u64,
}

/// The answer to a fresh token: how long it lasts, or why it is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TokenAnswer {
    /// The token is accepted.
    Accepted {
        /// How long it lasts, in milliseconds.
        expires_ms: u64,
    },
    /// The token is refused. The one before holds until it expires.
    Refused {
        /// The code.
        code: String,
        /// The sentence for people.
        #[serde(default)]
        message: String,
    },
}

/// Any frame that a server may send, in the kinds that the client half distinguishes.
#[derive(Debug, Clone, PartialEq)]
pub enum Down {
    /// The first frame of a leg, or the confirmation of a turn.
    Welcome(Box<Welcome>),
    /// A welcome without the fields that the client knows.
    Brief(Brief),
    /// The last frame of a leg.
    End(End),
    /// The server has received lines up to a number, and may state the number of the next line on this leg.
    Ack {
        /// The highest number received without a gap.
        received: Seq,
        /// The number of the next numbered line written on this leg.
        next: Option<Seq>,
    },
    /// A pong must answer it.
    Ping(Number),
    /// The answer to a ping.
    Pong {
        /// The ping's number.
        value: Number,
        /// The ping's pad, if it had one.
        pad: Option<String>,
    },
    /// The length of the numbered lines that follow in this write.
    Bytes(u64),
    /// The gateway decides about the hello. The path works.
    Wait(Wait),
    /// The answer to a fresh token.
    Token(TokenAnswer),
    /// `config` or `goaway`: about the connection as a whole.
    Link,
    /// A numbered frame.
    Numbered,
}

impl Down {
    /// Reads a frame's kind. It does not look into a numbered frame.
    ///
    /// # Errors
    /// `bad_frame`.
    pub fn read(frame: &RawFrame) -> Result<Self, Refusal> {
        let fields = frame.fields()?;
        let bad = || Mistake::BrokenFrame(fields.verb.to_string());
        Ok(match &*fields.verb {
            "welcome" => {
                let welcome: Box<Welcome> = object(fields.subject).map_err(|_| bad())?;
                if !welcome.is_in_bounds() {
                    return Err(bad().into());
                }
                Self::Welcome(welcome)
            }
            "nonce" => {
                let brief: Brief = serde_json::from_slice(&frame.text).map_err(|_| bad())?;
                if !brief.is_in_bounds() {
                    return Err(bad().into());
                }
                Self::Brief(brief)
            }
            "end" => Self::End(object(fields.subject).map_err(|_| bad())?),
            "ack" => Self::Ack {
                received: Seq(fields.subject_number().ok_or_else(bad)?),
                next: match fields.next {
                    Some(Seq::NONE) => return Err(bad().into()),
                    next => next,
                },
            },
            "ping" => Self::Ping(number(fields.subject).ok_or_else(bad)?),
            "pong" => {
                let value = number(fields.subject).ok_or_else(bad)?;
                Self::Pong { value, pad: fields.pad.map(Cow::into_owned) }
            }
            "bytes" => Self::Bytes(fields.subject_number().ok_or_else(bad)?),
            "wait" => Self::Wait(object(fields.subject).map_err(|_| bad())?),
            "token" => Self::Token(object(fields.subject).map_err(|_| bad())?),
            "config" | "goaway" => Self::Link,
            _ => Self::Numbered,
        })
    }
}

fn number(subject: &RawValue) -> Option<Number> {
    serde_json::from_str(subject.get()).ok()
}

/// Writes `welcome`.
#[must_use]
pub fn welcome(welcome: &Welcome) -> Line {
    Line::compose(|buffer| welcome.write(buffer))
}

/// Writes a brief welcome.
#[must_use]
pub fn brief(brief: &Brief) -> Line {
    Line::compose(|buffer| brief.write(buffer))
}

/// Writes `end`.
#[must_use]
pub fn end(nonce: Option<Nonce>, refusal: &Refusal) -> Line {
    #[derive(Serialize)]
    struct Frame {
        end: End,
    }
    let code = refusal.code().name().to_owned();
    json_line(&Frame { end: End { v: VERSION, nonce, code, message: refusal.message() } })
}

/// Writes `wait`.
#[must_use]
pub fn wait(nonce: Nonce, ms: u64) -> Line {
    #[derive(Serialize)]
    struct Frame {
        wait: Wait,
    }
    json_line(&Frame { wait: Wait { nonce, ms } })
}

/// Writes `token`: the answer to a fresh token.
#[must_use]
pub fn token(answer: TokenAnswer) -> Line {
    #[derive(Serialize)]
    struct Frame {
        token: TokenAnswer,
    }
    json_line(&Frame { token: answer })
}

/// Writes `unsub`: the gateway ended a subscription.
#[must_use]
pub fn unsubscribed(channel: &ChannelName, refusal: &Refusal) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        unsub: &'a str,
        code: &'a str,
        message: &'a str,
    }
    json_line(&Frame { unsub: channel.as_str(), code: refusal.code().name(), message: &refusal.message() })
}

/// Writes `ack`, for either direction.
#[must_use]
pub fn ack(received: Seq, next: Option<Seq>) -> Line {
    #[derive(Serialize)]
    struct Frame {
        ack: Seq,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<Seq>,
    }
    json_line(&Frame { ack: received, next })
}

/// Writes `ping`, for either direction. Only a client's ping has a pad.
#[must_use]
pub fn ping(value: &Number, pad: Option<&str>) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        ping: &'a Number,
        #[serde(skip_serializing_if = "Option::is_none")]
        pad: Option<&'a str>,
    }
    json_line(&Frame { ping: value, pad })
}

/// Writes `pong`, for either direction. It repeats the pad of its ping.
#[must_use]
pub fn pong(value: &Number, pad: Option<&str>) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        pong: &'a Number,
        #[serde(skip_serializing_if = "Option::is_none")]
        pad: Option<&'a str>,
    }
    json_line(&Frame { pong: value, pad })
}

/// Writes `bytes`: the length in line form of the numbered lines that follow in this write.
#[must_use]
pub fn bytes(bytes: u64) -> Line {
    #[derive(Serialize)]
    struct Frame {
        bytes: u64,
    }
    json_line(&Frame { bytes })
}

/// Writes `goaway`: the client should leave after `after_ms` and a random part of `jitter_ms`.
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
    json_line(&Frame { goaway: Goaway { after_ms, jitter_ms } })
}

/// Writes `config`: the transports offered from now on. A client on another transport changes over within
/// `jitter_ms`.
#[must_use]
pub fn config(transports: &[Transport], jitter_ms: u64) -> Line {
    #[derive(Serialize)]
    struct Config {
        transports: Vec<&'static str>,
        jitter_ms: u64,
    }
    #[derive(Serialize)]
    struct Frame {
        config: Config,
    }
    let transports = transports.iter().map(|transport| transport.name()).collect();
    json_line(&Frame { config: Config { transports, jitter_ms } })
}

/// Writes `ok` without any other field.
#[must_use]
pub fn ok(id: u64) -> Line {
    Line::compose(|buffer| {
        write_field(buffer, b"{\"ok\":", &id);
        buffer.push(b'}');
    })
}

/// Writes `ok` to a publication, with its offset.
#[must_use]
pub fn ok_published(id: u64, at: u64) -> Line {
    Line::compose(|buffer| {
        write_field(buffer, b"{\"ok\":", &id);
        write_field(buffer, b",\"at\":", &at);
        buffer.push(b'}');
    })
}

/// Writes `ok` to a subscription. Publications follow from `position.at + 1`.
#[must_use]
pub fn ok_subscribed(id: u64, position: &Position, recovered: bool) -> Line {
    Line::compose(|buffer| {
        write_field(buffer, b"{\"ok\":", &id);
        write_field(buffer, b",\"epoch\":", &&*position.epoch);
        write_field(buffer, b",\"at\":", &position.at);
        buffer.extend_from_slice(if recovered { b",\"recovered\":true}" } else { b",\"recovered\":false}" });
    })
}

/// Writes `err`: the answer to a command that the gateway could not carry out.
#[must_use]
pub fn err(id: u64, refusal: &Refusal) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        err: u64,
        code: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    }
    let retry_after_ms = refusal.retry_after().and_then(|wait| u64::try_from(wait.as_millis()).ok());
    json_line(&Frame { err: id, code: refusal.code().name(), message: &refusal.message(), retry_after_ms })
}

/// Writes `reset`: the order of a channel breaks, and publications follow from `position.at + 1`. If `recovered` is
/// true, nothing is missing before it.
#[must_use]
pub fn reset(channel: &ChannelName, position: &Position, recovered: bool) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        reset: &'a str,
        epoch: &'a str,
        at: u64,
        recovered: bool,
        cause: &'a str,
    }
    let Position { epoch, at } = position;
    json_line(&Frame { reset: channel.as_str(), epoch, at: *at, recovered, cause: "broker" })
}

/// Writes `pub`: a publication, encoded once for all its subscribers.
#[must_use]
pub fn publication(channel: &ChannelName, at: u64, Publication { payload, told }: &Publication) -> Line {
    let head = |buffer: &mut Vec<u8>| {
        write_field(buffer, b"{\"pub\":", &channel.as_str());
        write_field(buffer, b",\"at\":", &at);
        if let Some(told) = told {
            told.by.iter().for_each(|by| write_field(buffer, b",\"by\":", by));
            told.time.iter().for_each(|time| write_field(buffer, b",\"time\":", time));
        }
    };
    match payload {
        Payload::Json(data) => Line::compose(|buffer| {
            head(buffer);
            buffer.extend_from_slice(b",\"data\":");
            buffer.extend_from_slice(data);
            buffer.push(b'}');
        }),
        Payload::Binary(bytes) => Line::compose_binary(head, bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::protocol::limits::{LEG_AND_TURN, Limits};
    use crate::protocol::publication::Told;
    use crate::protocol::{LegNumber, SessionId, Turn};

    #[test]
    fn frames_written_by_hand_are_json() {
        let position = Position { epoch: "a\"b".into(), at: 7 };
        for (line, expected) in [
            (ok(1), r#"{"ok":1}"#),
            (ok_published(1, u64::MAX), r#"{"ok":1,"at":18446744073709551615}"#),
            (ok_subscribed(1, &position, true), r#"{"ok":1,"epoch":"a\"b","at":7,"recovered":true}"#),
            (ok_subscribed(1, &position, false), r#"{"ok":1,"epoch":"a\"b","at":7,"recovered":false}"#),
        ] {
            assert_eq!(std::str::from_utf8(line.json()).unwrap(), expected);
        }
    }

    #[test]
    fn a_publication_says_who_published_it_and_when_before_its_data() {
        let told = Told { by: Some("4\"2".into()), time: Some(1_764_446_400_123) };
        let channel = ChannelName::try_from("c").unwrap();
        let line = |payload: Payload| {
            let told = Some(Arc::new(told.clone()));
            String::from_utf8(publication(&channel, 7, &Publication { payload, told }).json().to_vec()).unwrap()
        };
        let head = r#"{"pub":"c","at":7,"by":"4\"2","time":1764446400123,"#;
        assert_eq!(line(serde_json::json!(1).into()), format!(r#"{head}"data":1}}"#));
        assert_eq!(line(vec![1_u8].into()), format!(r#"{head}"b64":"AQ=="}}"#));
        assert_eq!(publication(&channel, 7, &serde_json::json!(1).into()).json(), br#"{"pub":"c","at":7,"data":1}"#);
    }

    #[test]
    fn a_welcome_is_read_as_it_was_written() {
        for (network, turn, user) in [(None, None, None), (Some("n\"1".to_owned()), Turn::new(2), Some("4\"2"))] {
            let written = Welcome {
                v: VERSION,
                nonce: Nonce::try_from("n".to_owned()).unwrap(),
                id: SessionId::try_from("s".to_owned()).unwrap(),
                leg: LegNumber(1),
                turn,
                received: Seq(3),
                next: Seq(4),
                transports: vec!["websocket".into(), "sse".into()],
                heartbeat_ms: 5,
                hold_ms: 6,
                resume_ms: 7,
                network,
                user: user.map(Into::into),
                expires_ms: user.map(|_| 60_000),
                limits: Limits { replay_frames: 8, replay_bytes: 9, body_bytes: 10, body_lines: 11, line_bytes: 12 },
            };
            let line = welcome(&written);
            assert_eq!(Down::read(&line.received()), Ok(Down::Welcome(Box::new(written.clone()))));
            let derived = serde_json::to_string(&serde_json::json!({ "welcome": written })).unwrap();
            let by_hand: serde_json::Value = serde_json::from_slice(line.json()).unwrap();
            assert_eq!(by_hand, serde_json::from_str::<serde_json::Value>(&derived).unwrap());
        }
    }

    /// 1. A welcome or an ack states a number that no server can mean: 0, or one near the end of the integer's
    ///    range.
    /// 2. The client counts from it, and adding one to it overflows.
    #[test]
    fn a_number_that_no_server_can_mean_is_refused() {
        let welcome = |turn: u32, received: u64, next: u64| {
            let welcome = welcome(&Welcome {
                v: VERSION,
                nonce: Nonce::try_from("n".to_owned()).unwrap(),
                id: SessionId::try_from("s".to_owned()).unwrap(),
                leg: LegNumber(1),
                turn: Turn::new(7),
                received: Seq(received),
                next: Seq(next),
                transports: Vec::new(),
                heartbeat_ms: 1,
                hold_ms: 1,
                resume_ms: 1,
                network: None,
                user: None,
                expires_ms: None,
                limits: Limits::default(),
            });
            let text = String::from_utf8_lossy(welcome.json()).replace("\"turn\":7", &format!("\"turn\":{turn}"));
            Down::read(&RawFrame::text(text)).is_ok()
        };
        assert!(welcome(0, 0, 1) && welcome(1, 0, 1));
        assert!(!welcome(1, 0, 0) && !welcome(1, 0, u64::MAX) && !welcome(1, u64::MAX, 1));
        assert!(!welcome(LEG_AND_TURN, 0, 1));
        assert!(Down::read(&ack(Seq(0), Some(Seq(0))).received()).is_err());
    }
}
