//! A client's bearer token, which exists only when it is one. It is never printed, nor is what stands in its place.

use serde_json::value::RawValue;

use super::code::{Code, Refusal};
use super::limits;

/// See the module.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token(Box<str>);

impl Token {
    /// The token itself, for whoever checks it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Reads what a hello says.
    ///
    /// # Errors
    /// `unauthorized`. The message shows nothing of what stands there: it may be a secret all the same.
    pub(super) fn read(wire: &RawValue) -> Result<Self, Refusal> {
        let text = serde_json::from_str::<String>(wire.get()).ok().filter(|text| text.len() <= limits::TOKEN_BYTES);
        let refused = || {
            let message = format!("hello: token must be a string of at most {} bytes", limits::TOKEN_BYTES);
            Refusal::new(Code::Unauthorized, message)
        };
        text.map(|text| Self(text.into())).ok_or_else(refused)
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

    #[test]
    fn a_token_is_a_string_of_at_most_8_kb_and_a_refusal_does_not_show_it() {
        let read = |json: &str| Token::read(serde_json::from_str(json).unwrap());
        let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
        for bad in ["5", "true", r#"["s3cret"]"#, r#"{"token":"s3cret"}"#, r#""s3cret\ud800""#, &text(8193)] {
            let refusal = read(bad).unwrap_err();
            assert_eq!(refusal.code, Code::Unauthorized, "{bad}");
            assert_eq!(refusal.message, "hello: token must be a string of at most 8192 bytes");
        }
        assert_eq!(read(&text(8192)).unwrap().reveal().len(), limits::TOKEN_BYTES);
        assert_eq!(format!("{:?}", read(r#""s3cret""#).unwrap()), "Token(…)");
    }
}
