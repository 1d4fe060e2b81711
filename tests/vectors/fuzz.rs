//! Arbitrary bytes: no reader panics, and a frame that a reader accepts keeps its meaning when it is written again.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Number, Value, json};
use throughline::protocol::down::{self, Down};
use throughline::protocol::frame::{Payload, RawFrame};
use throughline::protocol::up::{Action, Command, Up};
use throughline::protocol::{ChannelName, Line, body};

use super::frames::lines_of;

/// The pieces that break readers of bytes most often.
const PIECES: [&[u8]; 16] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b",",
    b":",
    b"null",
    b"-1",
    b"1e999",
    b"9007199254740992",
    b"\xff",
    b"\n",
];

#[derive(Debug, Clone)]
enum Mutation {
    Insert(prop::sample::Index, usize),
    Replace(prop::sample::Index, u8),
    Cut(prop::sample::Index, usize),
    Double(prop::sample::Index, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        (place(), 0..PIECES.len()).prop_map(|(place, piece)| Mutation::Insert(place, piece)),
        (place(), any::<u8>()).prop_map(|(place, byte)| Mutation::Replace(place, byte)),
        (place(), 1..12usize).prop_map(|(place, bytes)| Mutation::Cut(place, bytes)),
        (place(), 1..24usize).prop_map(|(place, bytes)| Mutation::Double(place, bytes)),
    ]
}

fn mutated(mut bytes: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        let place = |at: &prop::sample::Index| at.index(bytes.len() + 1);
        match mutation {
            Mutation::Insert(at, piece) => {
                let at = place(at);
                bytes.splice(at..at, PIECES[*piece].iter().copied());
            }
            Mutation::Replace(at, byte) => {
                let at = place(at);
                if let Some(old) = bytes.get_mut(at) {
                    *old = *byte;
                }
            }
            Mutation::Cut(at, count) => {
                let at = place(at);
                bytes.drain(at..bytes.len().min(at + count));
            }
            Mutation::Double(at, count) => {
                let at = place(at);
                let copy = bytes[at..bytes.len().min(at + count)].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
    bytes
}

/// Generates arbitrary bytes, or a line of the vectors with a few changes.
fn input(file: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let lines = lines_of(file);
    let changed = (prop::sample::select(lines), prop::collection::vec(mutation(), 0..4));
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..80),
        9 => changed.prop_map(|(line, mutations)| mutated(line, &mutations)),
    ]
}

/// Writes an accepted frame again, if it has an encoder.
fn written(up: &Up) -> Option<Line> {
    Some(match up {
        Up::Hello(hello) => hello.line(),
        Up::Ack { received, next } => down::ack(*received, *next),
        Up::Ping { value, pad } => down::ping(value, pad.as_deref()),
        Up::Pong(value) => down::pong(value, None),
        Up::Command(Command { action: Action::Publish(channel, payload), .. }) => {
            down::publication(channel, 1, payload)
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_frame_of_a_client_keeps_its_meaning_when_written_again(bytes in input("frames-up.json")) {
        for frame in frames(&bytes) {
            let Ok(up) = Up::read(&frame) else { continue };
            prop_assert!(!frame.text.contains(&b'\n') && !frame.text.contains(&b'\r'));
            if let Some(line) = written(&up) {
                let again = Up::read(&line.received());
                prop_assert!(again.is_ok(), "{:?} became {:?}", up, again);
                prop_assert_eq!(meaning(&up), meaning(&again.unwrap()));
            }
        }
    }

    #[test]
    fn an_accepted_frame_of_a_server_keeps_its_meaning_when_written_again(bytes in input("frames-down.json")) {
        for frame in frames(&bytes) {
            let Ok(read) = Down::read(&frame) else { continue };
            let line = match &read {
                Down::Welcome(welcome) => down::welcome(welcome),
                Down::Brief(brief) => down::brief(brief),
                Down::Ack { received, next } => down::ack(*received, *next),
                Down::Ping(value) => down::ping(value, None),
                Down::Pong { value, pad } => down::pong(value, pad.as_deref()),
                Down::Bytes(bytes) => down::bytes(*bytes),
                Down::End(_) | Down::Link | Down::Numbered => continue,
            };
            match (Down::read(&line.received()), read) {
                (Ok(Down::Ping(again)), Down::Ping(value)) => prop_assert_eq!(rounded(&again), rounded(&value)),
                (Ok(Down::Pong { value: again, pad: echoed }), Down::Pong { value, pad }) => {
                    prop_assert_eq!((rounded(&again), echoed), (rounded(&value), pad));
                }
                (again, read) => prop_assert_eq!(again, Ok(read)),
            }
        }
    }

    #[test]
    fn a_body_is_accepted_line_by_line_or_not_at_all(
        lines in prop::collection::vec(input("frames-up.json"), 0..4),
        whole in any::<bool>(),
    ) {
        let mut all = lines;
        if whole {
            all.insert(0, lines_of("frames-up.json").swap_remove(0));
        }
        let text = Bytes::from(all.join(&b'\n'));
        if let Ok(body) = body::read(&text) {
            prop_assert_eq!(body.frames.len() + 1, body::split(&text).count());
            for frame in body::split(&text) {
                prop_assert!(Up::read(&frame).is_ok());
            }
        }
    }
}

/// Returns the bytes as a text message, and as a binary one.
fn frames(bytes: &[u8]) -> impl Iterator<Item = RawFrame> + use<> {
    let bytes = Bytes::copy_from_slice(bytes);
    let binary = RawFrame::from_binary_message(&bytes).ok();
    std::iter::once(RawFrame::text(bytes)).chain(binary)
}
