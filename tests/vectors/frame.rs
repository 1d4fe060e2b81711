//! The forms of frames in vectors: a string for exact bytes, or an object for its JSON on one line.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use throughline::protocol::Line;
use throughline::protocol::frame::RawFrame;

use super::{directory, read};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Default values for keys that long frames need and few vectors test.
pub(super) struct Defaults(Value);

impl Defaults {
    pub(super) fn read() -> Self {
        let text = read(&directory().join("conversations/defaults.json"));
        Self(serde_json::from_str(&text).unwrap())
    }

    pub(super) fn random(&self) -> Vec<String> {
        serde_json::from_value(self.0["random"].clone()).unwrap()
    }

    /// Returns a frame as an input, with exact bytes. An object's keys keep the order of the file.
    pub(super) fn frame(&self, frame: &RawValue) -> RawFrame {
        let value: Value = serde_json::from_str(frame.get()).unwrap();
        if let Value::String(line) = value {
            return RawFrame::text(line);
        }
        if let Some(line) = repeated(&value) {
            return RawFrame::text(line);
        }
        if let Some(head) = value.get("head") {
            let attachment = STANDARD.decode(value["b64"].as_str().unwrap()).unwrap();
            return RawFrame { text: head.as_str().unwrap().to_owned().into(), attachment: Some(attachment.into()) };
        }
        if value.as_object().is_some_and(|keys| keys.len() == 1) {
            return RawFrame::text(self.filled(&value).to_string());
        }
        RawFrame::text(frame.get().to_owned())
    }

    /// Returns an expected output with the defaults filled in.
    pub(super) fn output(&self, output: &Value) -> Value {
        let mut output = output.clone();
        for key in ["lines", "unknown"] {
            if let Some(Value::Array(lines)) = output.get_mut(key) {
                for line in lines {
                    *line = repeated(line).map_or_else(|| self.filled(line), Value::String);
                }
            }
        }
        output
    }

    /// Fills in the default keys of hello, welcome and end. A key that is null in the vector is left out.
    fn filled(&self, frame: &Value) -> Value {
        let Some((verb, value)) = frame.as_object().and_then(|keys| keys.iter().next()) else {
            return frame.clone();
        };
        let (Some(Value::Object(usual)), Value::Object(given)) = (self.0.get(verb), value) else {
            return frame.clone();
        };
        let mut all = usual.clone();
        all.extend(given.clone());
        all.retain(|_, value| !value.is_null());
        json!({ verb: all })
    }
}

/// Returns a long line, which the vector writes as a short text with a count.
fn repeated(frame: &Value) -> Option<String> {
    let repeat = frame.get("repeat")?;
    let part = |key: &str| repeat[key].as_str().unwrap();
    let times = usize::try_from(repeat["times"].as_u64().unwrap()).unwrap();
    Some(format!("{}{}{}", part("before"), part("text").repeat(times), part("after")))
}

/// Returns the exact text of written lines.
pub(super) fn texts(lines: &[Line]) -> Vec<String> {
    let text = |line: &Line| String::from_utf8(line.json().to_vec()).unwrap();
    lines.iter().map(text).collect()
}

/// Prepares outputs for the comparison. A line that the vector expects as an object is parsed. Sentences for people are
/// ignored.
pub(super) fn settled(expected: &[Value], got: Vec<Value>) -> Vec<Value> {
    let settle = |(place, mut output): (usize, Value)| {
        for key in ["lines", "unknown"] {
            let Some(Value::Array(lines)) = output.get_mut(key) else {
                continue;
            };
            for (number, line) in lines.iter_mut().enumerate() {
                let wanted = expected.get(place).map(|wanted| &wanted[key][number]);
                if !wanted.is_some_and(Value::is_string) {
                    *line = value(line.as_str().unwrap());
                }
            }
        }
        output
    };
    got.into_iter().enumerate().map(settle).collect()
}

fn value(line: &str) -> Value {
    let mut value: Value = serde_json::from_str(line).unwrap();
    if let Some(Value::Object(end)) = value.get_mut("end") {
        end.remove("message");
    }
    value
}

/// Returns a received frame as a value. Bytes beside it become `b64`.
pub(super) fn object(frame: &RawFrame) -> Value {
    let mut keys: Map<String, Value> = serde_json::from_slice(&frame.text).unwrap();
    if let Some(bytes) = &frame.attachment {
        keys.insert("b64".to_owned(), STANDARD.encode(bytes).into());
    }
    Value::Object(keys)
}

pub(super) fn line(frame: &RawFrame) -> Line {
    assert!(frame.attachment.is_none(), "a frame is pushed in line form");
    Line::compose(|buffer| buffer.extend_from_slice(&frame.text))
}
