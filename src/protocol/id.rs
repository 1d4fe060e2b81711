//! Identifiers that exist only when they are valid: they are parsed, not validated later.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::limits;

/// The client's secret, which names its session. Its `Debug` is blank, so that it is never printed.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Secret(Box<str>);

impl Secret {
    /// Returns the secret itself, for the wire only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Text that is no [`Secret`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("hello.session must be 22 to 64 characters of A-Z a-z 0-9 _ -")]
pub struct BadSecret;

impl TryFrom<String> for Secret {
    type Error = BadSecret;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = limits::SECRET_LENGTH.contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if fits && plain { Ok(Self(text.into())) } else { Err(BadSecret) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

macro_rules! bounded_text {
    ($(#[$doc:meta])* $name:ident, $most:expr, $error:ident, $message:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        #[doc = concat!("Text that is no [`", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error($message)]
        pub struct $error;

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
                if !text.is_empty() && text.len() <= $most && plain {
                    Ok(Self(text.into()))
                } else {
                    Err($error)
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

bounded_text!(
    /// The public name of a session's incarnation (`welcome.id`).
    ///
    /// # Examples
    /// ```
    /// use throughline::SessionId;
    ///
    /// let id = SessionId::try_from("5f0c2e7e".to_owned()).unwrap();
    /// assert_eq!(id.as_str(), "5f0c2e7e");
    /// ```
    SessionId,
    limits::SESSION_ID_BYTES,
    BadSessionId,
    "an id must be 1 to 64 printable ASCII characters"
);
bounded_text!(
    /// The text that an answer must repeat, so that the client takes no cached or foreign answer for it.
    Nonce,
    limits::NONCE_BYTES,
    BadNonce,
    "a nonce must be 1 to 64 printable ASCII characters"
);

/// A client's network, which people cannot read from it: 16 hexadecimal digits that neighbouring addresses share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkId(pub u64);

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A channel's name: 1 to 128 bytes of UTF-8 without control characters.
///
/// # Examples
/// ```
/// use throughline::ChannelName;
///
/// assert_eq!(ChannelName::try_from("room/1")?.as_str(), "room/1");
/// assert!(ChannelName::try_from("").is_err());
/// # Ok::<(), throughline::BadChannelName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why no channel can have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadChannelName {
    /// It has this many bytes.
    #[error("a channel name of {0} bytes; the limit is {limit}", limit = limits::CHANNEL_BYTES)]
    TooLong(usize),
    /// It is empty, or it has a control character.
    #[error("a channel name is 1 to 128 bytes of text without control characters")]
    NotText,
}

impl TryFrom<&str> for ChannelName {
    type Error = BadChannelName;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        if text.len() > limits::CHANNEL_BYTES {
            Err(BadChannelName::TooLong(text.len()))
        } else if text.is_empty() || text.chars().any(char::is_control) {
            Err(BadChannelName::NotText)
        } else {
            Ok(Self(text.into()))
        }
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_22_to_64_url_safe_characters_and_never_printed() {
        assert!(Secret::try_from("a".repeat(21)).is_err());
        assert!(Secret::try_from("a".repeat(65)).is_err());
        assert!(Secret::try_from(format!("{}!", "a".repeat(30))).is_err());
        let secret = Secret::try_from("A_-9".repeat(8)).unwrap();
        assert!(!format!("{secret:?}").contains("A_-9"));
    }

    #[test]
    fn a_channel_name_has_no_control_characters_and_a_bounded_length() {
        assert!(ChannelName::try_from("fleet/42 ü").is_ok());
        for bad in ["", "a\nb", "a\u{0}b"] {
            assert_eq!(ChannelName::try_from(bad), Err(BadChannelName::NotText), "{bad:?}");
        }
        let long = ChannelName::try_from(&*"x".repeat(129)).unwrap_err();
        assert_eq!(long, BadChannelName::TooLong(129));
        assert_eq!(long.to_string(), "a channel name of 129 bytes; the limit is 128");
    }
}
