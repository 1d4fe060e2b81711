//! The content of a publication: a JSON value as its author wrote it, or bytes.
//!
//! The gateway passes a value on without reading it. So every constructor of a [`Json`] must ensure that it is one
//! value in one line. Otherwise an application could break the lines of all subscribers.

use std::ops::Deref;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

/// The content of a publication.
///
/// # Examples
/// ```
/// use serde_json::json;
/// use throughline::Payload;
///
/// let text = Payload::from(json!({ "text": "hello" }));
/// let bytes = Payload::from(vec![1_u8, 2, 3]);
/// assert_ne!(text, bytes);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// A JSON value, unparsed.
    Json(Json),
    /// Raw bytes: `b64` in a line, the rest of a binary message on a WebSocket.
    Binary(Bytes),
}

/// One JSON value in UTF-8, without a line break.
///
/// # Examples
/// ```
/// use throughline::{BadJson, Json};
///
/// let value = Json::try_from(bytes::Bytes::from_static(b"{\"price\":1.50}"))?;
/// assert_eq!(&value[..], b"{\"price\":1.50}");
/// # Ok::<(), BadJson>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(Bytes);

/// Text that is no [`Json`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadJson {
    /// The text is not one JSON value.
    #[error("it is not one JSON value")]
    Syntax,
    /// The text contains a line break. Inside a string, JSON writes it as `\\n`.
    #[error("it contains a line break: write the value in one line")]
    LineBreak,
}

impl Json {
    /// A value that a line brought: its reader checked it.
    pub(super) const fn of_line(value: Bytes) -> Self {
        Self(value)
    }
}

impl Deref for Json {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.0
    }
}

impl TryFrom<Bytes> for Json {
    type Error = BadJson;

    fn try_from(text: Bytes) -> Result<Self, BadJson> {
        if memchr::memchr2(b'\n', b'\r', &text).is_some() {
            return Err(BadJson::LineBreak);
        }
        match serde_json::from_slice::<&RawValue>(&text) {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err(BadJson::Syntax),
        }
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::Json(Json(value.to_string().into()))
    }
}

impl From<Json> for Payload {
    fn from(value: Json) -> Self {
        Self::Json(value)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl Payload {
    /// The size of the content in bytes, as it was given.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Json(value) => value.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_a_value_only_if_it_is_one_in_one_line() {
        let read = |text: &'static str| Json::try_from(Bytes::from_static(text.as_bytes()));
        for text in ["1", " {\"a\" : [1.50]} ", "\"\\n\""] {
            assert_eq!(read(text).map(|value| value.to_vec()), Ok(text.as_bytes().to_vec()), "{text}");
        }
        for (text, wrong) in [
            ("", BadJson::Syntax),
            ("1 2", BadJson::Syntax),
            ("{\"pub\":}", BadJson::Syntax),
            ("[1,\n2]", BadJson::LineBreak),
            ("1\r", BadJson::LineBreak),
        ] {
            assert_eq!(read(text), Err(wrong), "{text:?}");
        }
        assert_eq!(Json::try_from(Bytes::from_static(b"\"\xff\"")), Err(BadJson::Syntax));
    }

    #[test]
    fn a_value_of_the_application_stands_in_one_line() {
        let Payload::Json(value) = Payload::from(json!({ "text": "two\nlines" })) else { panic!("it is bytes") };
        assert_eq!(Json::try_from(Bytes::clone(&value)), Ok(value));
    }
}
