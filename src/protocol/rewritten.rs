//! Reads bytes as frames and writes the accepted ones again. No reader panics, and an accepted frame keeps its meaning.
//!
//! The fuzz targets and the shared vectors use this. No product build contains it.

use super::down::{self, Down};
use super::frame::{Payload, RawFrame};
use super::up::{Action, Command, Up};
use super::{ChannelName, Line, body};
use bytes::Bytes;
use serde_json::{Number, Value, json};

/// Writes an accepted frame again, if it has an encoder.
fn written(up: &Up) -> Option<Line> {
    Some(match up {
        Up::Hello(hello) => hello.line(),
        Up::Ack { received, next } => down::ack(*received, *next),
        Up::Ping { value, pad } => down::ping(value, pad.as_deref()),
        Up::Pong(value) => down::pong(value, None),
        Up::Token(token) => super::up::token(token),
        Up::Bye { after } => super::up::bye(*after),
        Up::Command(Command { action: Action::Publish(channel, payload), .. }) => {
            down::publication(channel, 1, &payload.clone().into())
        }
        Up::Command(_) => return None,
    })
}

/// Returns the parts to compare. The cost is not among them, because it depends on the written form.
fn meaning(up: &Up) -> Value {
    match up {
        Up::Hello(hello) => json!(String::from_utf8_lossy(hello.line().json())),
        Up::Ack { received, next } => json!([received, next]),
        Up::Ping { value, pad } => json!([rounded(value), pad]),
        Up::Pong(value) => rounded(value),
        Up::Token(token) => json!(token.reveal()),
        Up::Bye { after } => json!(after.as_millis()),
        Up::Command(Command { action: Action::Publish(channel, payload), .. }) => published(channel, payload),
        Up::Command(_) => Value::Null,
    }
}

/// Rounds a number that is not whole, because the last digits of its echo may differ.
fn rounded(value: &Number) -> Value {
    match value.as_f64().filter(|_| value.is_f64()) {
        Some(value) => json!(format!("{value:.12e}")),
        None => json!(value),
    }
}

fn published(channel: &ChannelName, payload: &Payload) -> Value {
    let (kind, bytes) = match payload {
        Payload::Json(data) => ("data", &**data),
        Payload::Binary(bytes) => ("b64", bytes),
    };
    json!([channel.as_str(), kind, bytes.to_vec()])
}

/// Returns the bytes as a text message, and as a binary one.
fn both(bytes: &[u8]) -> impl Iterator<Item = RawFrame> + use<> {
    let bytes = Bytes::copy_from_slice(bytes);
    let binary = RawFrame::from_binary_message(&bytes).ok();
    std::iter::once(RawFrame::text(bytes)).chain(binary)
}

/// Checks a frame from a client.
pub fn up(bytes: &[u8]) {
    for frame in both(bytes) {
        let Ok(up) = Up::read(&frame) else { continue };
        assert!(!frame.text.contains(&b'\n') && !frame.text.contains(&b'\r'));
        if let Some(line) = written(&up) {
            let again = Up::read(&line.received());
            let Ok(again) = &again else { panic!("{up:?} became {again:?}") };
            assert_eq!(meaning(&up), meaning(again));
        }
    }
}

/// Checks a frame from a server.
pub fn down(bytes: &[u8]) {
    for frame in both(bytes) {
        let Ok(read) = Down::read(&frame) else { continue };
        let line = match &read {
            Down::Welcome(welcome) => down::welcome(welcome),
            Down::Brief(brief) => down::brief(brief),
            Down::Ack { received, next } => down::ack(*received, *next),
            Down::Ping(value) => down::ping(value, None),
            Down::Pong { value, pad } => down::pong(value, pad.as_deref()),
            Down::Bytes(bytes) => down::bytes(*bytes),
            Down::Wait(wait) => down::wait(wait.nonce.clone(), wait.ms),
            Down::Token(answer) => down::token(answer.clone()),
            Down::End(_) | Down::Link | Down::Numbered => continue,
        };
        match (Down::read(&line.received()), read) {
            (Ok(Down::Ping(again)), Down::Ping(value)) => assert_eq!(rounded(&again), rounded(&value)),
            (Ok(Down::Pong { value: again, pad: echoed }), Down::Pong { value, pad }) => {
                assert_eq!((rounded(&again), echoed), (rounded(&value), pad));
            }
            (again, read) => assert_eq!(again, Ok(read)),
        }
    }
}

/// Checks the body of a POST.
pub fn body(bytes: &[u8]) {
    let text = Bytes::copy_from_slice(bytes);
    let Ok(body) = body::read(&text) else { return };
    assert_eq!(body.frames.len() + 1, body::split(&text).count());
    for frame in body::split(&text) {
        up(&frame.text);
        assert!(Up::read(&frame).is_ok());
    }
}
