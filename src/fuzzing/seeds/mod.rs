//! What a fuzzer starts from: the shared vectors, in the form of each target.
//!
//! # Layout
//! - `vectors`: the frames and conversations of `tests/vectors`
//! - `play`: a conversation as operations on a session

mod play;
mod vectors;

use std::path::PathBuf;

use self::vectors::Conversation;
use crate::simulation::Random;

/// Schedules of the hub to start from, and their longest choices in bytes.
const SCHEDULES: u64 = 60;
const CHOICES: u64 = 700;

/// The first bytes of a seed for `websocket_frames`: it comes whole, in one piece and a rest, or compressed.
const PIECES: [&[u8]; 3] = [&[0, 0], &[2, 0, 1, 3], &[0, 1]];

/// Writes the seeds of a target into the folder that `THROUGHLINE_SEEDS_INTO` names, if it names one.
///
/// # Panics
/// If a file cannot be written.
pub fn write(target: &str) {
    let Some(folder) = std::env::var_os("THROUGHLINE_SEEDS_INTO").map(PathBuf::from) else { return };
    for (number, seed) in of(target).iter().enumerate() {
        let path = folder.join(format!("seed-{number:04}"));
        std::fs::write(&path, seed).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// The seeds of a target, each one at most once.
///
/// # Panics
/// If the vectors cannot be read, or if there is no such target.
#[must_use]
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = match target {
        "frames" => frames(),
        "bodies" => bodies(),
        "websocket_frames" => websocket_frames(),
        "session" => vectors::conversations().iter().filter_map(play::operations).collect(),
        "hub" => schedules(),
        other => panic!("there is no target {other}"),
    };
    seeds.sort_unstable();
    seeds.dedup();
    seeds
}

fn frames() -> Vec<Vec<u8>> {
    let conversations = vectors::conversations();
    let said = conversations.iter().flat_map(Conversation::frames);
    vectors::frames("frames-up.json").chain(vectors::frames("frames-down.json")).chain(said).collect()
}

/// Each frame behind a hello, and the bodies of the conversations.
fn bodies() -> Vec<Vec<u8>> {
    let frames: Vec<Vec<u8>> = vectors::frames("frames-up.json").collect();
    let hello = &frames[0];
    let with_hello = frames.iter().map(|frame| [hello, &b"\n"[..], frame].concat());
    let conversations = vectors::conversations();
    with_hello.chain(conversations.iter().flat_map(Conversation::bodies)).collect()
}

fn websocket_frames() -> Vec<Vec<u8>> {
    let controls = [message(0x89, b"ping"), message(0x8a, b""), message(0x88, &[0x03, 0xe8]), message(0x88, b"")];
    let pieces = [message(0x01, "\u{e4}".as_bytes()), message(0x89, b""), message(0x80, "\u{20ac}".as_bytes())];
    let conversations = vectors::conversations();
    let said = conversations.iter().map(|conversation| {
        let frames = conversation.frames();
        frames.into_iter().flat_map(|frame| message(0x81, &frame)).collect()
    });
    let deflated = crate::protocol::deflate::message(&b"again and ".repeat(20)).map(|text| message(0xc1, &text));
    let each = vectors::frames("frames-up.json").map(|frame| message(0x81, &frame));
    let streams: Vec<Vec<u8>> = each.chain(said).chain(deflated).chain(controls).chain([pieces.concat()]).collect();
    streams.iter().flat_map(|stream| PIECES.map(|first| [first, stream].concat())).collect()
}

/// A client's whole frame, with a mask that hides nothing.
fn message(first: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(content.len()) {
        Ok(short @ ..126) => frame.push(0x80 | short.to_le_bytes()[0]),
        Ok(long) => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&long.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(content.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(content);
    frame
}

fn schedules() -> Vec<Vec<u8>> {
    let choices = |seed| {
        let mut random = Random::new(seed);
        (0..random.below(CHOICES))
            .map(|_| random.pick(&std::array::from_fn::<u8, 256, _>(|byte| byte.to_le_bytes()[0])))
            .collect()
    };
    (0..SCHEDULES).map(choices).collect()
}
