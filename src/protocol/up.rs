//! Frames from client to server.
//!
//! An unreadable frame is refused whole, because nothing shows whether it counts. A numbered frame that is readable
//! but impossible is an [`Action::Faulty`] command: it counts, and gets an answer.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use super::code::{Code, Limit, Mistake, Refusal};
use super::frame::{Payload, RawFrame};
pub use super::hello::Hello;
use super::id::ChannelName;
use super::line::Line;
use super::token::Token;
use super::{Position, Seq, limits};

/// Any frame that a client may send.
#[derive(Debug, Clone)]
pub enum Up {
    /// Names session and leg, and may ask for the turn.
    Hello(Hello),
    /// The client has received lines up to a number, and may state the number of the next line on this leg.
    Ack {
        /// The highest number received without a gap.
        received: Seq,
        /// The number of the next numbered line written on this leg.
        next: Option<Seq>,
    },
    /// A pong down this leg must answer it.
    Ping {
        /// The number that the pong repeats.
        value: Number,
        /// A pad that the pong repeats too. It proves that long writes pass both ways.
        pad: Option<String>,
    },
    /// The answer to a ping of ours.
    Pong(Number),
    /// A fresh token, before the one before it expires.
    Token(Token),
    /// The client leaves for good. The session ends after this time, unless its client comes back before.
    Bye {
        /// How long the client may still come back.
        after: Duration,
    },
    /// A numbered frame.
    Command(Command),
}

/// A numbered frame of a client, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The id that the answer repeats. Without an id the client wants no answer.
    pub id: Option<u64>,
    /// The request.
    pub action: Action,
    /// The frame's cost in line form.
    pub cost: usize,
}

/// The request of a numbered frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `sub`: receive a channel, from a position if one is given.
    Subscribe(ChannelName, Option<Position>),
    /// `unsub`: receive it no longer.
    Unsubscribe(ChannelName),
    /// `pub`: publish.
    Publish(ChannelName, Payload),
    /// `req` and `msg`: a request to the application behind the gateway.
    Application,
    /// It counts, but cannot be carried out.
    Faulty(Refusal),
}

impl Action {
    /// Returns the channel that it is about.
    #[must_use]
    pub const fn channel(&self) -> Option<&ChannelName> {
        match self {
            Self::Subscribe(channel, _) | Self::Unsubscribe(channel) | Self::Publish(channel, _) => Some(channel),
            Self::Application | Self::Faulty(_) => None,
        }
    }
}

impl Up {
    /// Decodes one frame.
    ///
    /// # Errors
    /// `bad_frame` or `too_large`, with a sentence that says what is wrong.
    pub fn read(frame: &RawFrame) -> Result<Self, Refusal> {
        if let Some(hello) = Hello::alone(frame) {
            return hello.map(Self::Hello);
        }
        let fields = frame.fields()?;
        if frame.cost() > limits::LINE_BYTES {
            return Err(Limit::LineBytes(frame.cost()).into());
        }
        let no_number = || Mistake::NoNumber(fields.verb.to_string());
        match &*fields.verb {
            "hello" => Hello::read(fields.subject).map(Self::Hello),
            "ack" => {
                let received = fields.subject_number().ok_or_else(no_number)?;
                if fields.next == Some(Seq::NONE) {
                    return Err(Mistake::NextIsZero.into());
                }
                Ok(Self::Ack { received: Seq(received), next: fields.next })
            }
            "ping" => {
                let value = ping_value(fields.subject).ok_or_else(no_number)?;
                let pad = fields.pad.map(Cow::into_owned);
                let bytes = pad.as_ref().map_or(0, String::len);
                if bytes > limits::PAD_BYTES {
                    return Err(Limit::PadBytes(bytes).into());
                }
                Ok(Self::Ping { value, pad })
            }
            "token" => Ok(Self::Token(Token::read(fields.subject)?)),
            "bye" => Ok(Self::Bye { after: bye_after(fields.subject)? }),
            "pong" => Ok(Self::Pong(ping_value(fields.subject).ok_or_else(no_number)?)),
            "sub" | "unsub" | "pub" => {
                let action = channel_action(frame, &fields).unwrap_or_else(Action::Faulty);
                Ok(Self::Command(Command { id: fields.id, action, cost: frame.cost() }))
            }
            "req" | "msg" => {
                Ok(Self::Command(Command { id: fields.id, action: Action::Application, cost: frame.cost() }))
            }
            "skip" => {
                let action = Action::Faulty(withdrawn(&fields));
                Ok(Self::Command(Command { id: fields.id, action, cost: frame.cost() }))
            }
            verb => Err(Mistake::UnknownVerb(shortened(verb)).into()),
        }
    }
}

fn channel_action(frame: &RawFrame, fields: &super::frame::Fields<'_>) -> Result<Action, Refusal> {
    let name = fields.subject_text().unwrap_or(Cow::Borrowed(""));
    let channel = ChannelName::try_from(&*name).map_err(Mistake::from)?;
    match &*fields.verb {
        "pub" => Ok(Action::Publish(channel, fields.payload(frame).map_err(Mistake::from)?)),
        "sub" => match &fields.since {
            Some(since) if since.epoch.len() > limits::EPOCH_BYTES || since.at >= limits::NUMBER => {
                Err(Mistake::Since.into())
            }
            since => Ok(Action::Subscribe(channel, since.clone())),
        },
        _ => Ok(Action::Unsubscribe(channel)),
    }
}

/// Returns the answer to a filler. A filler stands under the number of a line that the client withdrew (rule 10). A
/// filler with an unknown reason counts too: it uses up the number.
fn withdrawn(fields: &super::frame::Fields<'_>) -> Refusal {
    match fields.subject_text().as_deref() {
        Some("too_large") => Limit::WithdrewTooLarge.into(),
        Some("bad_frame") => Mistake::WithdrewUnreadable.into(),
        _ => Mistake::Withdrew.into(),
    }
}

/// Writes `skip`, for the client half: the filler that replaces a line that the client withdraws (rule 10).
#[must_use]
pub fn filler(code: Code, withdrawn: &Line) -> Line {
    #[derive(Deserialize)]
    struct Withdrawn {
        id: Option<Number>,
    }
    #[derive(Serialize)]
    struct Filler {
        skip: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Number>,
    }
    let id = serde_json::from_slice(withdrawn.json()).ok().and_then(|Withdrawn { id }| id);
    super::json::json_line(&Filler { skip: code.name(), id })
}

/// Writes `token`, for the client half.
#[must_use]
pub fn token(token: &Token) -> Line {
    #[derive(Serialize)]
    struct Frame<'a> {
        token: &'a str,
    }
    super::json::json_line(&Frame { token: token.reveal() })
}

/// Writes `bye`, for the client half.
#[must_use]
pub fn bye(after: Duration) -> Line {
    #[derive(Serialize)]
    struct Bye {
        #[serde(skip_serializing_if = "Option::is_none")]
        after_ms: Option<u64>,
    }
    #[derive(Serialize)]
    struct Frame {
        bye: Bye,
    }
    let after_ms = u64::try_from(after.as_millis()).ok().filter(|ms| *ms > 0);
    super::json::json_line(&Frame { bye: Bye { after_ms } })
}

fn ping_value(subject: &RawValue) -> Option<Number> {
    serde_json::from_str(subject.get()).ok()
}

/// Reads the time of a `bye`.
fn bye_after(subject: &RawValue) -> Result<Duration, Refusal> {
    #[derive(Deserialize)]
    struct Bye {
        #[serde(default)]
        after_ms: u64,
    }
    let longest = u64::try_from(limits::BYE_AFTER.as_millis()).unwrap_or(u64::MAX);
    let Bye { after_ms } = super::frame::object(subject).map_err(|_| Mistake::Bye)?;
    if after_ms > longest { Err(Mistake::Bye.into()) } else { Ok(Duration::from_millis(after_ms)) }
}

fn shortened(text: &str) -> String {
    text.chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::{BadHello, BadPayload};
    use crate::protocol::id::BadChannelName;

    fn read(text: &str) -> Result<Up, Refusal> {
        Up::read(&RawFrame::text(text.to_owned()))
    }

    #[test]
    fn a_command_that_cannot_be_done_still_counts() {
        for (text, why) in [
            (r#"{"pub":"a","id":1}"#, Mistake::Payload(BadPayload::Missing)),
            (r#"{"pub":"a","data":1,"b64":""}"#, Mistake::Payload(BadPayload::Several)),
            (r#"{"pub":"a","b64":"!"}"#, Mistake::Payload(BadPayload::NotBase64)),
            (r#"{"sub":"","id":1}"#, Mistake::Channel(BadChannelName::NotText)),
            (r#"{"sub":7}"#, Mistake::Channel(BadChannelName::NotText)),
            (r#"{"sub":"a","since":{"epoch":"e","at":9007199254740992}}"#, Mistake::Since),
        ] {
            let Ok(Up::Command(command)) = read(text) else { panic!("{text}") };
            assert_eq!(command.action, Action::Faulty(why.into()), "{text}");
        }
    }

    #[test]
    fn a_filler_counts_and_is_answered_with_why_its_line_was_withdrawn() {
        for (text, why) in [
            (r#"{"skip":"too_large","id":7}"#, Refusal::from(Limit::WithdrewTooLarge)),
            (r#"{"skip":"bad_frame","id":7}"#, Mistake::WithdrewUnreadable.into()),
            (r#"{"skip":"moonrise","id":7}"#, Mistake::Withdrew.into()),
            (r#"{"skip":{"too_large":1},"id":7}"#, Mistake::Withdrew.into()),
        ] {
            let Ok(Up::Command(command)) = read(text) else { panic!("{text}") };
            assert_eq!(command.id, Some(7));
            assert_eq!(command.action, Action::Faulty(why), "{text}");
        }
    }

    #[test]
    fn a_filler_has_the_id_of_the_line_that_it_replaces_if_that_had_one() {
        for (withdrawn, filler) in [
            (r#"{"pub":"a","id":7,"data":1}"#, r#"{"skip":"too_large","id":7}"#),
            (r#"{"pub":"a","data":1}"#, r#"{"skip":"too_large"}"#),
            (r#""no object""#, r#"{"skip":"too_large"}"#),
        ] {
            let line = Line::compose(|buffer| buffer.extend_from_slice(withdrawn.as_bytes()));
            assert_eq!(super::filler(Code::TooLarge, &line).json(), filler.as_bytes());
        }
    }

    #[test]
    fn an_unknown_verb_is_refused() {
        for (text, why) in [
            (r#"{"nope":1}"#, Mistake::UnknownVerb("nope".to_owned())),
            (r#"{"ack":1,"next":0}"#, Mistake::NextIsZero),
            (r#"{"ping":"x"}"#, Mistake::NoNumber("ping".to_owned())),
            (r#"{"bye":1}"#, Mistake::Bye),
            (r#"{"bye":{"after_ms":60001}}"#, Mistake::Bye),
            (r#"{"token":7}"#, BadHello::Token.into()),
        ] {
            assert_eq!(read(text).unwrap_err(), why.into(), "{text}");
        }
    }
}
