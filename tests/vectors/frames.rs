//! The meaning of each frame, or the code of its refusal.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use throughline::protocol::code::Refusal;
use throughline::protocol::down::Down;
use throughline::protocol::frame::{Payload, RawFrame};
use throughline::protocol::report::Report;
use throughline::protocol::token::Token;
use throughline::protocol::up::{Action, Command, Hello, Up};
use throughline::protocol::{Seq, SessionId};

use super::frame::object;
use super::{directory, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    /// The line as text. Otherwise `line_b64` has a line that is not text, or `message_b64` a binary message.
    line: Option<String>,
    line_b64: Option<String>,
    message_b64: Option<String>,
    /// A line that repeats a text between `before` and `after`.
    repeat: Option<Repeat>,
    means: Option<Value>,
    refused: Option<String>,
    /// True if a client that trusts its gateway may overlook the fault.
    #[serde(default)]
    strict: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    before: String,
    text: String,
    times: usize,
    after: String,
}

impl Vector {
    fn frame(&self) -> Result<RawFrame, Refusal> {
        let decoded = |text: &String| Bytes::from(STANDARD.decode(text).unwrap());
        match self {
            Self { line: Some(line), .. } => Ok(RawFrame::text(line.clone())),
            Self { line_b64: Some(line), .. } => Ok(RawFrame::text(decoded(line))),
            Self { message_b64: Some(message), .. } => RawFrame::from_binary_message(&decoded(message)),
            Self { repeat: Some(Repeat { before, text, times, after }), .. } => {
                Ok(RawFrame::text(format!("{before}{}{after}", text.repeat(*times))))
            }
            _ => panic!("{}: no frame", self.name),
        }
    }
}

fn check(file: &str, meaning: impl Fn(&RawFrame) -> Result<Value, Refusal>) {
    let text = read(&directory().join(file));
    let vectors: Vec<Vector> = serde_json::from_str(&text).unwrap();
    let (mut names, mut wrong) = (BTreeSet::new(), Vec::new());
    for vector in &vectors {
        assert!(names.insert(&vector.name), "{} stands twice", vector.name);
        assert!(!vector.strict || vector.refused.is_some(), "{}", vector.name);
        let got = vector.frame().and_then(|frame| meaning(&frame));
        let as_said = match (&got, &vector.means, &vector.refused) {
            (Ok(got), Some(means), None) => got == means,
            (Err(got), None, Some(code)) => got.code().name() == code,
            _ => false,
        };
        if !as_said {
            wrong.push(format!("{}: {got:?}", vector.name));
        }
    }
    assert!(vectors.len() >= 30, "{file} holds {}", vectors.len());
    assert!(wrong.is_empty(), "{file}:\n{}", wrong.join("\n"));
}

#[test]
fn frames_up_mean_what_the_vectors_say() {
    check("frames-up.json", |frame| {
        Ok(match Up::read(frame)? {
            Up::Hello(hello) => json!({ "hello": greeting(&hello) }),
            Up::Ack { received, next } => acknowledgement(received, next),
            Up::Ping { value, pad } => echo("ping", value.into(), pad),
            Up::Pong(value) => json!({ "pong": value }),
            Up::Token(token) => json!({ "token": token.reveal() }),
            Up::Bye { after } => json!({ "bye": { "after_ms": u64::try_from(after.as_millis()).unwrap() } }),
            Up::Command(taken) => {
                assert_eq!(taken.cost, frame.cost());
                command(&taken)
            }
        })
    });
}

#[test]
fn frames_down_mean_what_the_vectors_say() {
    check("frames-down.json", |frame| {
        Ok(match Down::read(frame)? {
            Down::Welcome(welcome) => json!({ "welcome": *welcome }),
            Down::Brief(brief) => json!(brief),
            Down::End(end) => json!({ "end": end }),
            Down::Ack { received, next } => acknowledgement(received, next),
            Down::Ping(value) => json!({ "ping": value }),
            Down::Pong { value, pad } => echo("pong", value.into(), pad),
            Down::Bytes(bytes) => json!({ "bytes": bytes }),
            Down::Wait(wait) => json!({ "wait": wait }),
            Down::Token(answer) => json!({ "token": answer }),
            Down::Link => json!({ "link": object(frame) }),
            Down::Numbered => json!({ "numbered": object(frame) }),
        })
    });
}

/// Returns the lines of a file that have a practical length.
pub(super) fn lines_of(file: &str) -> Vec<Vec<u8>> {
    let vectors: Vec<Vector> = serde_json::from_str(&read(&directory().join(file))).unwrap();
    let lines = vectors.iter().filter_map(|vector| match vector {
        Vector { line: Some(line), .. } => Some(line.clone().into_bytes()),
        Vector { line_b64: Some(bytes), .. } | Vector { message_b64: Some(bytes), .. } => {
            Some(STANDARD.decode(bytes).unwrap())
        }
        _ => None,
    });
    lines.collect()
}

/// Returns a ping or a pong, with its pad if it has one.
fn echo(verb: &str, value: Value, pad: Option<String>) -> Value {
    let mut keys = Map::from_iter([(verb.to_owned(), value)]);
    keys.extend(pad.map(|pad| ("pad".to_owned(), pad.into())));
    keys.into()
}

fn acknowledgement(received: Seq, next: Option<Seq>) -> Value {
    let mut ack = json!({ "ack": received });
    if let Some(next) = next {
        ack["next"] = next.0.into();
    }
    ack
}

fn greeting(hello: &Hello) -> Map<String, Value> {
    let all = json!({
        "session": hello.secret.reveal(),
        "id": hello.id.as_ref().map(SessionId::as_str),
        "leg": hello.leg,
        "turn": hello.turn,
        "received": hello.received,
        "next": hello.next,
        "nonce": hello.nonce.as_str(),
        "token": hello.token.as_ref().map(Token::reveal),
        "heartbeat_ms": hello.heartbeat_ms,
        "hold_ms": hello.hold_ms,
        "client": hello.report.as_deref().map(report),
    });
    let Value::Object(mut keys) = all else { unreachable!() };
    keys.retain(|_, value| !value.is_null());
    keys
}

fn report(report: &Report) -> Value {
    let tried: Vec<Value> = report.tried.iter().map(|(by, why)| json!([by.name(), why.name()])).collect();
    let mut all = json!({ "tried": tried });
    if let Some(searched) = report.searched {
        all["ms"] = u64::try_from(searched.as_millis()).unwrap().into();
    }
    all
}

/// Returns a client's numbered frame in the form of the vectors.
pub(super) fn command(command: &Command) -> Value {
    let mut all = match &command.action {
        Action::Subscribe(channel, since) => {
            let mut all = json!({ "command": "sub", "channel": channel.as_str() });
            if let Some(since) = since {
                all["since"] = json!(since);
            }
            all
        }
        Action::Unsubscribe(channel) => json!({ "command": "unsub", "channel": channel.as_str() }),
        Action::Publish(channel, Payload::Json(data)) => {
            let data: Value = serde_json::from_slice(data).unwrap_or_else(|_| "too deep".into());
            json!({ "command": "pub", "channel": channel.as_str(), "data": data })
        }
        Action::Publish(channel, Payload::Binary(bytes)) => {
            json!({ "command": "pub", "channel": channel.as_str(), "b64": STANDARD.encode(bytes) })
        }
        Action::Application => json!({ "command": "application" }),
        Action::Faulty(refusal) => json!({ "command": "faulty", "code": refusal.code().name() }),
    };
    if let Some(id) = command.id {
        all["id"] = id.into();
    }
    all
}
