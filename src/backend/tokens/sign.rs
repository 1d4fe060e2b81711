//! Makes tokens that a gateway with the same secret accepts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::auth::SigningSecret;
use crate::backend::grants::Grants;
use crate::protocol::limits;

/// What a token says.
#[derive(Debug, Clone)]
pub struct Statement<'a> {
    /// The user.
    pub user: &'a str,
    /// The rights of the user on channels, if the token grants any.
    pub grants: Option<&'a Grants>,
    /// The audience that it names.
    pub audience: Option<&'a str>,
    /// The issuer that it names.
    pub issuer: Option<&'a str>,
    /// When it is issued.
    pub issued: SystemTime,
    /// How long it is valid.
    pub lifetime: Duration,
}

/// Why no gateway would accept a token that says this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadStatement {
    /// The user's name is empty or too long.
    #[error("a user's name has 1 to {limit} bytes", limit = limits::USER_BYTES)]
    User,
    /// There are too many grants.
    #[error("a token holds {limit} grants at most", limit = limits::GRANTS)]
    Grants,
    /// It would be too long.
    #[error("the token would have {0} bytes; the limit is {limit}", limit = limits::TOKEN_BYTES)]
    Long(usize),
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<&'a Grants>,
}

impl Statement<'_> {
    /// Returns a token that says this, signed by HS256.
    ///
    /// # Errors
    /// No gateway would accept it.
    pub fn sign(&self, secret: &SigningSecret) -> Result<String, BadStatement> {
        if !(1..=limits::USER_BYTES).contains(&self.user.len()) {
            return Err(BadStatement::User);
        }
        if self.grants.is_some_and(|grants| grants.0.len() > limits::GRANTS) {
            return Err(BadStatement::Grants);
        }
        let issued = self.issued.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Claims {
            sub: self.user,
            iat: issued,
            exp: issued.saturating_add(self.lifetime.as_secs()),
            aud: self.audience,
            iss: self.issuer,
            channels: self.grants,
        };
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#), URL_SAFE_NO_PAD.encode(claims));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.reveal()), message.as_bytes());
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        if token.len() > limits::TOKEN_BYTES { Err(BadStatement::Long(token.len())) } else { Ok(token) }
    }
}
