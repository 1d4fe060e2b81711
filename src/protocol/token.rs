//! A client's bearer token, which exists only when it is valid text. Neither a token nor an invalid text is ever
//! printed.

use serde_json::value::RawValue;

use super::code::BadHello;
use super::limits;

/// A client's bearer token. The application finds it in `Connecting`.
///
/// # Examples
/// ```
/// use throughline::Token;
///
/// fn is_expected(token: &Token) -> bool {
///     token.reveal() == "open sesame"
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token(Box<str>);

impl Token {
    /// Returns the token itself, for the application that checks it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns a token of this text, unless it is too long.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        (text.len() <= limits::TOKEN_BYTES).then(|| Self(text.into()))
    }

    /// Reads a token from a hello.
    ///
    /// # Errors
    /// [`BadHello::Token`]. It does not show the text, because the text may be a secret.
    pub(super) fn read(wire: &RawValue) -> Result<Self, BadHello> {
        let text = serde_json::from_str::<String>(wire.get()).ok().filter(|text| text.len() <= limits::TOKEN_BYTES);
        text.map(|text| Self(text.into())).ok_or(BadHello::Token)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::{Mistake, Refusal};

    #[test]
    fn a_token_is_a_string_of_at_most_8_kb_and_a_refusal_does_not_show_it() {
        let read = |json: &str| Token::read(serde_json::from_str(json).unwrap());
        let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
        for bad in ["5", "true", r#"["s3cret"]"#, r#"{"token":"s3cret"}"#, r#""s3cret\ud800""#, &text(8193)] {
            assert_eq!(read(bad), Err(BadHello::Token), "{bad}");
        }
        let refusal = Refusal::from(Mistake::from(BadHello::Token));
        assert_eq!(refusal.to_string(), "unauthorized: hello: token must be a string of at most 8192 bytes");
        assert_eq!(read(&text(8192)).unwrap().reveal().len(), limits::TOKEN_BYTES);
        assert_eq!(format!("{:?}", read(r#""s3cret""#).unwrap()), "Token(…)");
    }
}
