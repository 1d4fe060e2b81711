//! The frames of a channel, as a command reads them: answers, publications, and the end of a subscription.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::link::Words;
use crate::protocol::Position;
use crate::protocol::frame::{Payload, RawFrame};

/// The answer to a command.
pub(super) enum Answer {
    Ok(Outcome),
    /// Why not, and after which time in milliseconds another try may succeed.
    Refused(Words, Option<u64>),
}

/// The fields of an answer that says yes.
#[derive(Deserialize)]
pub(super) struct Outcome {
    pub(super) at: Option<u64>,
    pub(super) epoch: Option<String>,
    #[serde(default)]
    pub(super) recovered: bool,
}

impl Answer {
    /// Reads an answer, and the id of its command.
    pub(super) fn read(frame: &RawFrame) -> Option<(u64, Self)> {
        #[derive(Deserialize)]
        struct Wait {
            retry_after_ms: Option<u64>,
        }
        let fields = frame.fields().ok()?;
        let answer = match &*fields.verb {
            "ok" => Self::Ok(serde_json::from_slice(&frame.text).ok()?),
            "err" => {
                let Wait { retry_after_ms } = serde_json::from_slice(&frame.text).ok()?;
                Self::Refused(serde_json::from_slice(&frame.text).ok()?, retry_after_ms)
            }
            _ => return None,
        };
        Some((fields.subject_number()?, answer))
    }
}

/// What happens in a channel.
pub(super) enum Happening {
    /// A publication, with this offset, as a line for people and for programs.
    Publication(u64),
    /// The order of the channel broke. Publications follow from this position. If it is recovered, none is missing.
    Moved(Position, bool),
    /// The gateway ended the subscription.
    Ended(Words),
}

impl Happening {
    /// Reads a frame of the only channel of a command.
    pub(super) fn read(frame: &RawFrame) -> Option<Self> {
        let fields = frame.fields().ok()?;
        Some(match &*fields.verb {
            "pub" => Self::Publication(serde_json::from_slice::<Outcome>(&frame.text).ok()?.at?),
            "reset" => {
                let Outcome { at, epoch, recovered } = serde_json::from_slice(&frame.text).ok()?;
                Self::Moved(Position { epoch: epoch?, at: at? }, recovered)
            }
            "unsub" => Self::Ended(serde_json::from_slice(&frame.text).ok()?),
            _ => return None,
        })
    }
}

/// Writes a publication for people: its offset and its data.
pub(super) fn for_people(frame: &RawFrame) -> Option<String> {
    let at = serde_json::from_slice::<Outcome>(&frame.text).ok()?.at?;
    let fields = frame.fields().ok()?;
    Some(match fields.payload(frame).ok()? {
        Payload::Json(data) => format!("{at} {}", harmless(std::str::from_utf8(&data).ok()?)),
        Payload::Binary(bytes) => format!("{at} b64 {}", STANDARD.encode(bytes)),
    })
}

/// Writes a publication for programs: one JSON object.
pub(super) fn for_programs(frame: &RawFrame, epoch: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Told<'a> {
        #[serde(rename = "pub", borrow)]
        channel: Cow<'a, str>,
        at: u64,
        by: Option<String>,
        time: Option<u64>,
    }
    #[derive(Serialize)]
    struct Shown<'a> {
        channel: &'a str,
        epoch: &'a str,
        at: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        time: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        b64: Option<String>,
    }
    let Told { channel, at, by, time } = serde_json::from_slice(&frame.text).ok()?;
    let payload = frame.fields().ok()?.payload(frame).ok()?;
    let (data, b64) = match &payload {
        Payload::Json(data) => (Some(serde_json::from_slice(data).ok()?), None),
        Payload::Binary(bytes) => (None, Some(STANDARD.encode(bytes))),
    };
    let shown = Shown { channel: &channel, epoch, at, by, time, data, b64 };
    Some(harmless(&serde_json::to_string(&shown).ok()?).into_owned())
}

/// Escapes the characters of JSON that a terminal may take for commands. JSON has escaped those below the space.
fn harmless(json: &str) -> Cow<'_, str> {
    let commands = '\u{7f}'..='\u{9f}';
    if !json.contains(|letter| commands.contains(&letter)) {
        return json.into();
    }
    let escape = |letter: char| match letter {
        _ if commands.contains(&letter) => format!("\\u{:04x}", u32::from(letter)),
        _ => letter.to_string(),
    };
    json.chars().map(escape).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_is_one_line_for_people_and_one_for_programs() {
        let told = RawFrame::text("{\"pub\":\"c\",\"at\":7,\"by\":\"4\\\"2\",\"time\":5,\"data\":{\"price\": 1.50}}");
        assert_eq!(for_people(&told).unwrap(), "7 {\"price\": 1.50}");
        let shown = r#"{"channel":"c","epoch":"e","at":7,"by":"4\"2","time":5,"data":{"price": 1.50}}"#;
        assert_eq!(for_programs(&told, "e").unwrap(), shown);
        let null = RawFrame::text(r#"{"pub":"c","at":8,"data":null}"#);
        assert_eq!(for_programs(&null, "e").unwrap(), r#"{"channel":"c","epoch":"e","at":8,"data":null}"#);
        let bytes = RawFrame { attachment: Some("\0\n\u{7f}".into()), ..RawFrame::text(r#"{"pub":"c","at":9}"#) };
        assert_eq!(for_people(&bytes).unwrap(), "9 b64 AAp/");
        assert_eq!(for_programs(&bytes, "e").unwrap(), r#"{"channel":"c","epoch":"e","at":9,"b64":"AAp/"}"#);
    }

    #[test]
    fn data_never_commands_a_terminal_and_keeps_its_meaning() {
        let evil = RawFrame::text("{\"pub\":\"c\",\"at\":7,\"data\":\"\u{9b}2J ü \u{7f}\"}");
        assert_eq!(for_people(&evil).unwrap(), r#"7 "\u009b2J ü \u007f""#);
        let shown: serde_json::Value = serde_json::from_str(&for_programs(&evil, "e").unwrap()).unwrap();
        assert_eq!(shown["data"], "\u{9b}2J ü \u{7f}");
    }

    #[test]
    fn an_answer_says_where_the_channel_is_or_why_not() {
        let ok = RawFrame::text(r#"{"ok":3,"epoch":"e","at":7,"recovered":true}"#);
        let Some((3, Answer::Ok(Outcome { at: Some(7), epoch: Some(epoch), recovered: true }))) = Answer::read(&ok)
        else {
            panic!("it says where")
        };
        assert_eq!(epoch, "e");
        let err = RawFrame::text(r#"{"err":4,"code":"rate_limited","message":"later","retry_after_ms":50}"#);
        let Some((4, Answer::Refused(words, Some(50)))) = Answer::read(&err) else { panic!("it says why") };
        assert_eq!(words.to_string(), "rate_limited: later");
        assert!(Answer::read(&RawFrame::text(r#"{"pub":"c","at":1,"data":1}"#)).is_none());
    }
}
