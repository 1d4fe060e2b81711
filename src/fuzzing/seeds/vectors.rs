//! The shared vectors as a fuzzer needs them: the bytes of their frames, and what happens in their conversations.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The keys of an input or an output, each with its text.
pub(super) type Keys = BTreeMap<String, Box<RawValue>>;

#[derive(Deserialize)]
struct Vector {
    line: Option<String>,
    line_b64: Option<String>,
    message_b64: Option<String>,
}

#[derive(Deserialize)]
struct File {
    half: String,
    conversations: Vec<Talk>,
}

#[derive(Deserialize)]
struct Talk {
    steps: Vec<Step>,
}

/// A moment of a conversation.
#[derive(Deserialize)]
pub(super) struct Step {
    pub(super) at: u64,
    pub(super) input: Keys,
    expect: Vec<Keys>,
    /// Carriers without room.
    #[serde(default)]
    pub(super) full: Vec<u64>,
}

/// One conversation.
pub(super) struct Conversation {
    pub(super) is_servers: bool,
    pub(super) steps: Vec<Step>,
    defaults: Map<String, Value>,
}

fn read<T: DeserializeOwned>(path: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(path);
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The frames of a file, without those that only a length makes worth a vector.
pub(super) fn frames(file: &str) -> impl Iterator<Item = Vec<u8>> + use<> {
    let decoded = |text: String| STANDARD.decode(text).expect("base64");
    let frame = move |vector: Vector| {
        let bytes = vector.line_b64.or(vector.message_b64).map(decoded);
        vector.line.map(String::into_bytes).or(bytes)
    };
    read::<Vec<Vector>>(file).into_iter().filter_map(frame)
}

/// All conversations.
pub(super) fn conversations() -> Vec<Conversation> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/conversations");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let names = entries.map(|entry| entry.expect("a name").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name != "defaults.json").collect();
    names.sort_unstable();
    let mut conversations = Vec::new();
    for name in names {
        let File { half, conversations: talks } = read(&format!("conversations/{name}"));
        let conversation = |Talk { steps }| Conversation {
            is_servers: half == "server",
            steps,
            defaults: read("conversations/defaults.json"),
        };
        conversations.extend(talks.into_iter().map(conversation));
    }
    conversations
}

impl Conversation {
    /// The text of a frame. Its defaults are filled in.
    pub(super) fn text(&self, frame: &RawValue) -> Vec<u8> {
        let value: Value = serde_json::from_str(frame.get()).expect("JSON");
        if let Value::String(line) = value {
            return line.into_bytes();
        }
        let Some((verb, Value::Object(given))) = value.as_object().and_then(|keys| keys.iter().next()) else {
            return frame.get().as_bytes().to_vec();
        };
        let Some(Value::Object(usual)) = self.defaults.get(verb) else { return frame.get().as_bytes().to_vec() };
        let mut all = usual.clone();
        all.extend(given.clone());
        all.retain(|_, value| !value.is_null());
        serde_json::json!({ verb: all }).to_string().into_bytes()
    }

    /// The texts of the frames in a list.
    pub(super) fn lines(&self, keys: &Keys) -> Vec<Vec<u8>> {
        let lines: Vec<Box<RawValue>> =
            keys.get("lines").map(|lines| serde_json::from_str(lines.get()).expect("a list")).unwrap_or_default();
        lines.iter().map(|line| self.text(line)).collect()
    }

    /// All frames in it.
    pub(super) fn frames(&self) -> Vec<Vec<u8>> {
        let all = self.steps.iter().flat_map(|step| std::iter::once(&step.input).chain(&step.expect));
        let frames = |keys: &Keys| {
            let alone = ["text", "push", "link"].into_iter().filter_map(|key| keys.get(key));
            alone.map(|frame| self.text(frame)).chain(self.lines(keys)).collect::<Vec<_>>()
        };
        all.flat_map(frames).collect()
    }

    /// All bodies of POSTs.
    pub(super) fn bodies(&self) -> Vec<Vec<u8>> {
        let all = self.steps.iter().flat_map(|step| std::iter::once(&step.input).chain(&step.expect));
        let requests = all.filter(|keys| keys.contains_key("request"));
        requests.map(|keys| self.lines(keys).join(&b'\n')).collect()
    }
}
