//! The shared vectors: the meaning of each frame, and the answers of each half of a session. JavaScript reads the same files.
//!
//! The vectors are the specification: if one fails, the code is wrong until the rules say otherwise. The test skips nothing:
//! it fails on a file that it does not read, on an unknown key, and on a step that it did not play.

// A broken file is a failed test.
#![allow(clippy::unwrap_used)]

mod client;
mod frame;
mod frames;
mod fuzz;
mod server;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use frame::Defaults;

/// A file of conversations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    half: Half,
    conversations: Vec<Conversation>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Half {
    Client,
    Server,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    name: String,
    #[serde(default)]
    settings: server::Wanted,
    random: Option<Vec<String>>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: u64,
    input: Box<RawValue>,
    expect: Vec<Value>,
    /// The time at which `poll_timeout` is due afterwards, or null for never.
    #[serde(default, deserialize_with = "present")]
    due: Option<Option<u64>>,
    /// The carriers without room.
    #[serde(default)]
    full: Vec<u64>,
}

/// Distinguishes a null from a missing key.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// A half of a session, or its stand-in, that plays a conversation.
trait Player {
    /// Handles one input, and returns the outputs in the form of the vectors.
    fn play(&mut self, step: &Step, defaults: &Defaults) -> Vec<Value>;
    fn due(&self) -> Option<u64>;
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn conversations() -> Vec<File> {
    let folder = directory().join("conversations");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name != "defaults.json"))
        .collect();
    files.sort();
    let parsed = files
        .iter()
        .map(|path| serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    parsed.collect()
}

/// Plays one conversation. The error is a sentence that says where it went wrong.
fn converse(player: &mut dyn Player, conversation: &Conversation, defaults: &Defaults) -> Result<(), String> {
    for (place, step) in conversation.steps.iter().enumerate() {
        let expected: Vec<Value> = step.expect.iter().map(|out| defaults.output(out)).collect();
        let got = frame::settled(&expected, player.play(step, defaults));
        let told = |what: &str, left: &dyn std::fmt::Display, right: &dyn std::fmt::Display| {
            format!(
                "{}\n  step {}, at {}: {}\n  {what}\n    expected {left}\n    got      {right}",
                conversation.name,
                place + 1,
                step.at,
                step.input.get()
            )
        };
        if got != expected {
            return Err(told("outputs", &Value::from(expected), &Value::from(got)));
        }
        if let Some(due) = step.due.filter(|due| *due != player.due()) {
            let text = |due: Option<u64>| due.map_or("never".to_owned(), |at| at.to_string());
            return Err(told("timeout", &text(due), &text(player.due())));
        }
    }
    Ok(())
}

fn play_all(half: Half) {
    let defaults = Defaults::read();
    let (mut wrong, mut names) = (Vec::new(), BTreeSet::new());
    for file in conversations().iter().filter(|file| file.half == half) {
        for conversation in &file.conversations {
            assert!(!conversation.steps.is_empty(), "{}", conversation.name);
            assert!(names.insert(conversation.name.clone()), "{} stands twice", conversation.name);
            let mut player: Box<dyn Player> = match half {
                Half::Client => Box::new(client::Client::new(conversation, &defaults)),
                Half::Server => Box::new(server::Server::new(&conversation.settings)),
            };
            wrong.extend(converse(&mut *player, conversation, &defaults).err());
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), names.len(), wrong.join("\n"));
    every_rule_is_named(&names);
}

fn every_rule_is_named(names: &BTreeSet<String>) {
    for rule in 1..=12 {
        let start = format!("rule {rule}: ");
        assert!(names.iter().any(|name| name.starts_with(&start)), "no conversation for rule {rule}");
    }
}

#[test]
fn the_client_half_answers_as_the_vectors_say() {
    play_all(Half::Client);
}

#[test]
fn the_server_half_answers_as_the_vectors_say() {
    play_all(Half::Server);
}

#[test]
fn no_file_is_passed_over() {
    // Tests of tokens and of the gateway read `tokens.json`.
    let known = ["README.md", "frames-up.json", "frames-down.json", "tokens.json"];
    for entry in fs::read_dir(directory()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let folder = entry.file_type().unwrap().is_dir();
        let read = known.contains(&name.as_str()) || name.ends_with(".rs");
        assert!(read || (folder && name == "conversations"), "no test reads {name}");
    }
}
