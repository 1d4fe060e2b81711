//! The claims of a token whose signature holds: its user, and its end.
//!
//! Time is an argument.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;

use super::parts::object;
use crate::backend::Identity;
use crate::backend::grants::Grants;
use crate::protocol::code::BadToken;
use crate::protocol::limits;

/// What a token must claim.
pub(super) struct Rules {
    pub(super) audience: Option<String>,
    pub(super) issuer: Option<String>,
    /// How far two clocks may differ.
    pub(super) leeway: Duration,
}

/// No token lasts longer. A later end counts milliseconds by mistake, and the token would never end.
pub(super) const LONGEST_LIFE: Duration = Duration::from_secs(100 * 366 * 86_400);

/// The claims that count. Each value has any type at first, so that a wrong one has a fault of its own.
#[derive(Deserialize)]
struct Claims {
    sub: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    aud: Option<Value>,
    iss: Option<Value>,
    channels: Option<Value>,
}

impl Rules {
    /// Returns the user of a token, from the claims as JSON.
    ///
    /// # Errors
    /// A claim is missing, or does not fit these rules or this time.
    pub(super) fn identity(&self, payload: &[u8], now: SystemTime) -> Result<Identity, BadToken> {
        let claims: Claims = object(payload)?;
        let expires = time("exp", claims.exp)?.ok_or(BadToken::Missing("exp"))?;
        if now >= self.accepted_until(expires) {
            return Err(BadToken::Expired);
        }
        if expires > now + LONGEST_LIFE {
            return Err(BadToken::Endless);
        }
        if time("nbf", claims.nbf)?.is_some_and(|begins| begins > now + self.leeway) {
            return Err(BadToken::Early);
        }
        if self.audience.as_ref().is_some_and(|audience| !names(claims.aud.as_ref(), audience)) {
            return Err(BadToken::Audience);
        }
        if self.issuer.as_ref().is_some_and(|issuer| claims.iss.as_ref().and_then(Value::as_str) != Some(issuer)) {
            return Err(BadToken::Issuer);
        }
        Ok(Identity {
            user: Some(user(claims.sub)?),
            grants: claims.channels.map(grants).transpose()?.map(Arc::new),
            expires: Some(expires),
            issued: time("iat", claims.iat)?,
            ..Identity::default()
        })
    }

    /// Returns the time at which a token with this `exp` is no longer accepted.
    pub(super) fn accepted_until(&self, expires: SystemTime) -> SystemTime {
        expires + self.leeway
    }
}

fn user(subject: Option<Value>) -> Result<Box<str>, BadToken> {
    match subject.ok_or(BadToken::Missing("sub"))? {
        Value::String(name) if (1..=limits::USER_BYTES).contains(&name.len()) => Ok(name.into()),
        _ => Err(BadToken::Subject),
    }
}

fn grants(channels: Value) -> Result<Grants, BadToken> {
    if channels.as_array().is_some_and(|grants| grants.len() > limits::GRANTS) {
        return Err(BadToken::GrantCount);
    }
    serde_json::from_value(channels).map_err(|_| BadToken::Grants)
}

/// Returns true if `aud`, a text or a list of texts, names the audience.
fn names(claim: Option<&Value>, audience: &str) -> bool {
    match claim {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

/// Reads seconds since 1970, which may have a fraction.
fn time(name: &'static str, claim: Option<Value>) -> Result<Option<SystemTime>, BadToken> {
    // A number of this size is 285 million years, and every clock counts so far.
    let most = limits::NUMBER as f64;
    let read = |value: Value| {
        let seconds = value.as_f64().filter(|seconds| (0.0..most).contains(seconds))?;
        UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
    };
    claim.map(|value| read(value).ok_or(BadToken::Type(name))).transpose()
}
