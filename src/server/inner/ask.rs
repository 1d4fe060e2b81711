//! The key of a request, its scope, and its body.
//!
//! A body is read only after the key was found good.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tracing::info;

use super::Inner;
use super::fault::Fault;
use super::key::Scope;
use super::keys::Holder;
use crate::protocol::ChannelName;
use crate::protocol::code::{Mistake, Refusal};
use crate::protocol::limits::{BODY_BYTES, USER_BYTES};

/// The time for a body.
const DEADLINE: Duration = Duration::from_secs(20);

impl Inner {
    /// Returns the key of a request, if it has this scope. Any key will do if no scope is wanted.
    ///
    /// # Errors
    /// No good key came, or it lacks the scope.
    pub(super) fn holder(&self, headers: &HeaderMap, scope: Option<Scope>) -> Result<Arc<Holder>, Fault> {
        let mut fields = headers.get_all(AUTHORIZATION).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else { return Err(Fault::NoKey) };
        let (scheme, key) = field.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Fault::NoKey)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Fault::NoKey);
        }
        let holder = self.keys.load().find(key.trim()).ok_or(Fault::UnknownKey)?;
        match scope {
            Some(scope) if !holder.key.scopes.contains(&scope) => Err(Fault::Scope(scope)),
            _ => Ok(holder),
        }
    }

    /// Returns the key of a request as [`Self::holder`] does, and spends one call of its rate.
    ///
    /// # Errors
    /// Those of [`Self::holder`], or the key was used too often.
    pub(super) fn admit(&self, headers: &HeaderMap, scope: Option<Scope>) -> Result<Arc<Holder>, Fault> {
        let holder = self.holder(headers, scope)?;
        holder.spend(self.begun.elapsed(), 1)?;
        Ok(holder)
    }

    /// Spends the calls of a batch.
    pub(super) fn spend(&self, holder: &Holder, count: usize) -> Result<(), Fault> {
        holder.spend(self.begun.elapsed(), u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Returns the key of a request and what its body says.
    ///
    /// # Errors
    /// Those of [`Self::admit`], or the body cannot be read.
    pub(super) async fn asked<T: DeserializeOwned>(
        &self,
        request: Request,
        scope: Scope,
    ) -> Result<(Arc<Holder>, T), Fault> {
        let holder = self.admit(request.headers(), Some(scope))?;
        let body = read(&whole(request.into_body(), BODY_BYTES).await?)?;
        Ok((holder, body))
    }
}

/// Logs a call that changes something, with the name of its key.
pub(super) fn log(holder: &Holder, route: &'static str) {
    info!(key = holder.key.name, route, "a call of the API");
}

/// Returns the channel of this name, if the key reaches it.
///
/// # Errors
/// No channel can have the name, or the key does not reach it.
pub(super) fn channel(holder: &Holder, name: &str) -> Result<ChannelName, Refusal> {
    let channel = ChannelName::try_from(name).map_err(Mistake::from)?;
    if holder.key.reaches(name) { Ok(channel) } else { Err(Fault::Channel(name.to_owned()).into()) }
}

/// Checks the name of a user.
pub(super) fn user(name: &str) -> Result<(), Fault> {
    if (1..=USER_BYTES).contains(&name.len()) { Ok(()) } else { Err(Fault::User) }
}

/// Reads a whole body of at most this many bytes.
pub(super) async fn whole(body: Body, most: usize) -> Result<Bytes, Fault> {
    let collected = timeout(DEADLINE, Limited::new(body, most).collect()).await.map_err(|_| Fault::Broken)?;
    match collected {
        Ok(body) => Ok(body.to_bytes()),
        Err(why) if why.is::<http_body_util::LengthLimitError>() => Err(Fault::Long(most)),
        Err(_) => Err(Fault::Broken),
    }
}

/// Reads a JSON object.
pub(super) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Fault> {
    // The parser would also read the fields of a structure from a list, in their order.
    if text.trim_ascii_start().first() == Some(&b'[') {
        return Err(Fault::NoObject);
    }
    serde_json::from_slice(text).map_err(|why| Fault::Body(why.to_string()))
}
