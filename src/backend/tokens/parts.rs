//! The three parts of a token in its compact form (RFC 7515, section 7.1). The header says which key may verify it.
//!
//! It must never verify or believe anything: the parts come from a stranger.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use super::auth::Algorithm;
use crate::protocol::code::BadToken;

/// A token's parts, before anything is verified.
pub(super) struct Parts<'a> {
    /// The algorithm in its header.
    pub(super) algorithm: Algorithm,
    /// The name of its key.
    pub(super) kid: Option<String>,
    /// The signed bytes.
    pub(super) message: &'a [u8],
    pub(super) signature: Vec<u8>,
    /// The claims, as JSON.
    pub(super) payload: Vec<u8>,
}

/// The fields of a header that count. A field that stands twice is an error.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    jwk: bool,
    #[serde(default, deserialize_with = "present")]
    jku: bool,
    #[serde(default, deserialize_with = "present")]
    x5u: bool,
    #[serde(default, deserialize_with = "present")]
    x5c: bool,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

impl<'a> Parts<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// It has another form, or its header demands something that the gateway refuses.
    pub(super) fn read(token: &'a str) -> Result<Self, BadToken> {
        let (message, signature) = token.rsplit_once('.').ok_or(BadToken::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(BadToken::Malformed)?;
        let header = decoded(header)?;
        let header: Header<'_> = object(&header)?;
        let own = [("jwk", header.jwk), ("jku", header.jku), ("x5u", header.x5u), ("x5c", header.x5c)];
        if let Some((name, _)) = own.into_iter().find(|(_, is_there)| *is_there) {
            return Err(BadToken::OwnKey(name));
        }
        if header.crit {
            return Err(BadToken::Critical);
        }
        if header.alg.eq_ignore_ascii_case("none") {
            return Err(BadToken::Unsigned);
        }
        Ok(Self {
            algorithm: header.alg.parse().map_err(|_| BadToken::Algorithm)?,
            kid: header.kid,
            message: message.as_bytes(),
            signature: decoded(signature)?,
            payload: decoded(payload)?,
        })
    }
}

/// Reads a JSON object. A list is none: the reader of a struct would accept one.
pub(super) fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, BadToken> {
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(BadToken::Malformed);
    }
    serde_json::from_slice(json).map_err(|_| BadToken::Malformed)
}

/// Decodes base64url without padding. No second text decodes to the same bytes.
fn decoded(part: &str) -> Result<Vec<u8>, BadToken> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| BadToken::Malformed)
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}
