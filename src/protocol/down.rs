//! Frames from server to client. The gateway writes each once, and the client half reads it.

mod numbered;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

pub use self::numbered::{err, ok, ok_published, ok_subscribed, publication, reset, unsubscribed};
use super::code::{Mistake, Refusal};
use super::frame::{RawFrame, object};
use super::id::Nonce;
use super::json::json_line;
use super::line::Line;
pub use super::welcome::{Brief, Welcome};
use super::{Seq, Transport, VERSION};

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
    /// When another try is welcome, if a limit is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The first frame of a leg whose hello waits for a decision.
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
    let (message, retry_after_ms) = (refusal.message(), refusal.retry_after_ms());
    json_line(&Frame { end: End { v: VERSION, nonce, code, message, retry_after_ms } })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::limits::{LEG_AND_TURN, Limits};
    use crate::protocol::{LegNumber, SessionId, Turn};

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
