//! Reads one frame in one scan: its verb, the verb's value, and the other keys.
//!
//! The scan checks `data` once and never parses it into values. The frame keeps the bytes as they came.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::code::{BadPayload, Limit, Mistake, Refusal};
use super::{Position, Seq, limits};

pub use super::payload::{Json, Payload};

/// A frame as it was received: a line, and the raw bytes that came with it on a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// The line, without its newline.
    pub text: Bytes,
    /// The bytes behind the newline of a binary message.
    pub attachment: Option<Bytes>,
}

impl RawFrame {
    /// Returns a frame that is text alone.
    pub fn text(text: impl Into<Bytes>) -> Self {
        Self { text: text.into(), attachment: None }
    }

    /// Splits a binary WebSocket message: the line, a newline, the raw bytes.
    ///
    /// # Errors
    /// `bad_frame`, if the newline is missing.
    pub fn from_binary_message(message: &Bytes) -> Result<Self, Refusal> {
        let end = memchr::memchr(b'\n', message).ok_or(Mistake::NoNewline)?;
        Ok(Self { text: message.slice(..end), attachment: Some(message.slice(end + 1..)) })
    }

    /// Returns the frame's cost: its length in line form.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.text.len() + self.attachment.as_ref().map_or(0, |bytes| bytes.len().div_ceil(3) * 4)
    }

    /// Reads the verb and the keys.
    ///
    /// # Errors
    /// `bad_frame` for anything but one JSON object on one line; `too_large` above the limit.
    pub fn fields(&self) -> Result<Fields<'_>, Refusal> {
        serde_json::from_str(self.line()?).map_err(|error| Mistake::NotAFrame(error.to_string()).into())
    }

    /// Returns the line. It checks only its length, its encoding and that it is one line.
    pub(super) fn line(&self) -> Result<&str, Refusal> {
        if self.cost() > limits::BODY_BYTES {
            return Err(Limit::FrameBytes(self.cost()).into());
        }
        if memchr::memchr2(b'\n', b'\r', &self.text).is_some() {
            return Err(Mistake::LineBreak.into());
        }
        std::str::from_utf8(&self.text).map_err(|_| Mistake::NotUtf8.into())
    }
}

/// The parts of a frame, borrowed from its line. It knows the keys of all verbs.
#[derive(Debug)]
pub struct Fields<'a> {
    /// The verb: the first key.
    pub verb: Cow<'a, str>,
    /// The verb's value.
    pub subject: &'a RawValue,
    /// `id`: the answer repeats it.
    pub id: Option<u64>,
    /// `next`: the number of the next numbered line.
    pub next: Option<Seq>,
    /// `since`: the position from which a subscription goes on.
    pub since: Option<Position>,
    /// `pad`: the text that makes a ping or a pong long.
    pub pad: Option<Cow<'a, str>>,
    data: Option<&'a RawValue>,
    b64: Option<Text<'a>>,
}

impl Fields<'_> {
    /// Returns the verb's value as a string.
    #[must_use]
    pub fn subject_text(&self) -> Option<Cow<'_, str>> {
        serde_json::from_str::<Text<'_>>(self.subject.get()).ok().map(|text| text.0)
    }

    /// Returns the verb's value as a number below 2^53.
    #[must_use]
    pub fn subject_number(&self) -> Option<u64> {
        serde_json::from_str(self.subject.get()).ok().filter(|number| *number < limits::NUMBER)
    }

    /// Returns the content, sliced from the frame that it was read from.
    ///
    /// # Errors
    /// [`BadPayload`], if there is no content, or several, or broken base64.
    pub fn payload(&self, frame: &RawFrame) -> Result<Payload, BadPayload> {
        match (self.data, &self.b64, &frame.attachment) {
            (Some(data), None, None) => Ok(Payload::Json(Json::of_line(frame.text.slice_ref(data.get().as_bytes())))),
            (None, Some(text), None) => {
                let bytes = STANDARD.decode(text.0.as_bytes()).map_err(|_| BadPayload::NotBase64)?;
                Ok(Payload::Binary(bytes.into()))
            }
            (None, None, Some(bytes)) => Ok(Payload::Binary(bytes.clone())),
            (None, None, None) => Err(BadPayload::Missing),
            _ => Err(BadPayload::Several),
        }
    }
}

/// A string, borrowed if it has no escapes.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object whose first key is a verb")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
                let Some(verb) = map.next_key::<Text<'de>>()? else {
                    return Err(M::Error::custom("an empty object has no verb"));
                };
                let subject = map.next_value()?;
                let (verb, data, b64) = (verb.0, None, None);
                let mut fields = Fields { verb, subject, id: None, next: None, since: None, pad: None, data, b64 };
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    // JSON readers differ in which of two equal keys they choose. A frame that is passed on must
                    // mean one thing.
                    if key.0 == fields.verb {
                        return Err(M::Error::custom("the verb stands twice"));
                    }
                    match &*key.0 {
                        "id" => once(&mut fields.id, number(map.next_value()?)?, "id")?,
                        "next" => once(&mut fields.next, Seq(number(map.next_value()?)?), "next")?,
                        "since" => {
                            let since = object(map.next_value()?).map_err(M::Error::custom)?;
                            once(&mut fields.since, since, "since")?;
                        }
                        "pad" => once(&mut fields.pad, map.next_value::<Text<'de>>()?.0, "pad")?,
                        "data" => once(&mut fields.data, map.next_value()?, "data")?,
                        "b64" => once(&mut fields.b64, map.next_value()?, "b64")?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// Reads a value with named keys. (A derived reader would also accept a list of the values.)
pub(super) fn object<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Result<T, serde_json::Error> {
    if value.get().starts_with('{') {
        serde_json::from_str(value.get())
    } else {
        Err(serde_json::Error::custom("an object is expected"))
    }
}

fn once<T, E: serde::de::Error>(slot: &mut Option<T>, value: T, key: &'static str) -> Result<(), E> {
    if slot.replace(value).is_some() { Err(E::duplicate_field(key)) } else { Ok(()) }
}

fn number<E: serde::de::Error>(value: u64) -> Result<u64, E> {
    if value < limits::NUMBER { Ok(value) } else { Err(E::custom("a number must be below 2^53")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::Reason;

    fn refused(text: impl Into<Bytes>) -> Reason {
        RawFrame::text(text).fields().expect_err("it is no frame").reason().clone()
    }

    fn is_no_frame(text: &str) -> bool {
        matches!(refused(text.to_owned()), Reason::Mistake(Mistake::NotAFrame(_)))
    }

    #[test]
    fn data_is_the_bytes_that_came() {
        let frame = RawFrame::text(r#"{"pub":"a","id":3,"data": {"x" : 1.50} ,"more":[1]}"#);
        let fields = frame.fields().unwrap();
        assert_eq!((&*fields.verb, fields.id), ("pub", Some(3)));
        assert_eq!(fields.payload(&frame), Ok(Payload::Json(Json::of_line(Bytes::from_static(br#"{"x" : 1.50}"#)))));
    }

    #[test]
    fn a_frame_is_one_object_on_one_line() {
        for bad in [
            "",
            "x",
            "[]",
            "{}",
            "1",
            "{\"pub\":\"a\"",
            "{\"pub\":\"a\"}{}",
            r#"{"pub":"a","id":1,"id":2}"#,
            r#"{"pub":"a","id":-1}"#,
            r#"{"pub":"a","id":9007199254740992}"#,
            r#"{"pub":"a","data":}"#,
            r#"{"pub":"a","data":nul}"#,
            r#"{"sub":"a","since":{"epoch":1}}"#,
        ] {
            assert!(is_no_frame(bad), "{bad:?}");
        }
        for bad in ["{\"pub\":\n\"a\"}", "{\"pub\":\r\"a\"}"] {
            assert_eq!(refused(bad), Mistake::LineBreak.into(), "{bad:?}");
        }
        let long = format!("{{\"pub\":\"{}\"}}", "x".repeat(limits::BODY_BYTES));
        assert_eq!(refused(long), Limit::FrameBytes(limits::BODY_BYTES + 10).into());
        assert_eq!(refused(vec![b'{', 0xff]), Mistake::NotUtf8.into());
    }

    /// 1. A line says `pub` twice, about an allowed channel and about another.
    /// 2. A gate looks at the first, but JavaScript's reader sees the last: one line has two meanings.
    #[test]
    fn a_verb_stands_once() {
        for bad in [r#"{"pub":"a","pub":"b","data":1}"#, r#"{"pub":"a","data":1,"\u0070ub":"b"}"#] {
            assert!(is_no_frame(bad), "{bad:?}");
        }
    }

    /// 1. A list comes where an object with named keys should.
    /// 2. A derived reader reads the list's items as the keys' values. No reader in another language does.
    #[test]
    fn a_list_is_no_object() {
        assert!(is_no_frame(r#"{"sub":"a","since":["e",1]}"#));
    }

    #[test]
    fn deep_nesting_is_data_like_any_other_and_never_a_stack_overflow() {
        let text = format!("{{\"pub\":\"a\",\"data\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
        let frame = RawFrame::text(text);
        // serde_json may bound the depth. It matters only that it answers.
        let _ = frame.fields();
    }

    #[test]
    fn binary_is_the_rest_of_a_binary_message_or_b64() {
        let message = Bytes::from_static(b"{\"pub\":\"a\"}\n\x00\n\xff");
        let frame = RawFrame::from_binary_message(&message).unwrap();
        let payload = frame.fields().unwrap().payload(&frame);
        assert_eq!(payload, Ok(Payload::Binary(Bytes::from_static(b"\x00\n\xff"))));
        let frame = RawFrame::text(r#"{"pub":"a","b64":"AAr/"}"#);
        assert_eq!(frame.fields().unwrap().payload(&frame), payload);
        let no_newline = RawFrame::from_binary_message(&Bytes::from_static(b"{}"));
        assert_eq!(no_newline, Err(Mistake::NoNewline.into()));
    }
}
