//! How vectors write frames: exactly, as a string, or as an object that stands for its JSON on one line.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use throughline::protocol::Line;
use throughline::protocol::frame::RawFrame;

use super::{directory, read};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Keys that long frames need and few vectors are about.
pub(super) struct Defaults(Value);

impl Defaults {
    pub(super) fn read() -> Self {
        let text = read(&directory().join("conversations/defaults.json"));
        Self(serde_json::from_str(&text).unwrap())
    }

    pub(super) fn random(&self) -> Vec<String> {
        serde_json::from_value(self.0["random"].clone()).unwrap()
    }

    /// A frame as an input: the very bytes. The order of an object's keys is that of the file.
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

    /// An expected output with the defaults filled in.
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

    /// hello, welcome and end have default keys; one that is given as null is left out.
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

/// A long line that is written as a short text, many times.
fn repeated(frame: &Value) -> Option<String> {
    let repeat = frame.get("repeat")?;
    let part = |key: &str| repeat[key].as_str().unwrap();
    let times = usize::try_from(repeat["times"].as_u64().unwrap()).unwrap();
    Some(format!("{}{}{}", part("before"), part("text").repeat(times), part("after")))
}

/// Lines that were written, as their very text.
pub(super) fn texts(lines: &[Line]) -> Vec<String> {
    let text = |line: &Line| String::from_utf8(line.json().to_vec()).unwrap();
    lines.iter().map(text).collect()
}

/// Outputs as they are to be compared: a line that is expected as an object is read. The sentences for people are not compared.
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

/// A frame that was received, as a value; bytes beside it as `b64`.
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
