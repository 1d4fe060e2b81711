//! A client's bearer token, which exists only when it is valid text. Neither a token nor an invalid text is ever
//! printed.

use serde_json::value::RawValue;

use super::code::{BadHello, Limit, Mistake, Refusal};
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
    /// Returns a token of this text.
    ///
    /// # Errors
    /// [`Limit::TokenBytes`]. Nothing looks into a longer text.
    ///
    /// # Examples
    /// ```
    /// use throughline::Token;
    ///
    /// assert!(Token::new("x".repeat(8_192)).is_ok());
    /// assert!(Token::new("x".repeat(8_193)).is_err());
    /// ```
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, Limit> {
        let text = text.into();
        if text.len() > limits::TOKEN_BYTES { Err(Limit::TokenBytes(text.len())) } else { Ok(Self(text)) }
    }

    /// Returns the token itself, for the application that checks it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Reads a token from a hello.
    ///
    /// # Errors
    /// [`BadHello::Token`] or [`Limit::TokenBytes`]. Neither shows the text, because the text may be a secret.
    pub(super) fn read(wire: &RawValue) -> Result<Self, Refusal> {
        let text = serde_json::from_str::<String>(wire.get()).map_err(|_| Mistake::from(BadHello::Token))?;
        Ok(Self::new(text)?)
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
        for bad in ["5", "true", r#"["s3cret"]"#, r#"{"token":"s3cret"}"#, r#""s3cret\ud800""#] {
            assert_eq!(read(bad).unwrap_err().to_string(), "unauthorized: hello: token must be a string", "{bad}");
        }
        let long = read(&text(8193)).unwrap_err();
        assert_eq!(long.to_string(), "too_large: a token of 8,193 bytes; the limit is 8,192");
        assert_eq!(read(&text(8192)).unwrap().reveal().len(), limits::TOKEN_BYTES);
        assert_eq!(format!("{:?}", read(r#""s3cret""#).unwrap()), "Token(…)");
    }
}
