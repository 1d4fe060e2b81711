//! A key set (RFC 7517): the public keys that an identity provider serves.

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::Value;

use super::auth::Algorithm;
use super::key::{Key, KeyId};
use crate::protocol::code::BadToken;

/// The most keys of a set. Providers serve two or three.
const MOST_KEYS: usize = 64;

/// The keys of a set that fit the configured algorithms.
pub(super) struct KeySet(Vec<(Option<String>, Key)>);

/// Why a document is no key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadKeySet {
    /// It is not a JSON object with a list of keys.
    #[error("the document is not a JSON object with a list `keys`")]
    Malformed,
    /// It has too many keys.
    #[error("the key set has more than {MOST_KEYS} keys")]
    TooMany,
    /// No key fits the configured algorithms.
    #[error("no key of the set fits the algorithms of [auth]")]
    NoneFits,
}

impl KeySet {
    /// Reads a set. It ignores each key that does not fit `allowed`, as a set may also serve other applications.
    pub(super) fn read(document: &[u8], allowed: impl Fn(Algorithm) -> bool) -> Result<Self, BadKeySet> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let Document { keys } = serde_json::from_slice(document).map_err(|_| BadKeySet::Malformed)?;
        if keys.len() > MOST_KEYS {
            return Err(BadKeySet::TooMany);
        }
        let read = |jwk: Value| {
            let jwk: Jwk = serde_json::from_value(jwk).ok()?;
            let key = Key::of_jwk(&jwk).ok().filter(|key| allowed(key.algorithm))?;
            Some((jwk.common.key_id, key))
        };
        let fitting: Vec<_> = keys.into_iter().filter_map(read).collect();
        if fitting.is_empty() { Err(BadKeySet::NoneFits) } else { Ok(Self(fitting)) }
    }

    /// Returns the key that a token's header names. Without a `kid` the algorithm must leave no choice: a token never
    /// costs more than one verification.
    ///
    /// # Errors
    /// No key, or more than one, fits the header.
    pub(super) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<&Key, BadToken> {
        let Some(kid) = kid else {
            let mut fitting = self.0.iter().filter(|(_, key)| key.algorithm == algorithm);
            return match (fitting.next(), fitting.next()) {
                (Some((_, key)), None) => Ok(key),
                (None, _) => Err(BadToken::Algorithm),
                _ => Err(BadToken::NoKeyId),
            };
        };
        let mut named = self.0.iter().filter(|(own, _)| own.as_deref() == Some(kid)).peekable();
        named.peek().ok_or(BadToken::UnknownKey)?;
        named.find(|(_, key)| key.algorithm == algorithm).map(|(_, key)| key).ok_or(BadToken::Algorithm)
    }

    /// Returns true if the set still has this key.
    pub(super) fn holds(&self, id: &KeyId) -> bool {
        self.0.iter().any(|(_, key)| key.id == *id)
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }
}
