//! `POST /api/v1/token`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Inner;
use super::ask;
use super::fault::Fault;
use super::key::Scope;
use super::refused::{Problem, Refused};
use crate::backend::grants::Grants;
use crate::backend::tokens::auth::{Auth, SigningSecret};
use crate::backend::tokens::bad_auth::secrets;
use crate::backend::tokens::sign::Statement;

/// The longest life of a token: a year.
const LONGEST_S: u64 = 366 * 86_400;

/// All that makes a token of this gateway.
pub(super) struct Signer {
    secret: SigningSecret,
    audience: Option<String>,
    issuer: Option<String>,
}

impl Signer {
    /// Returns what signs by these settings, if they have a secret.
    pub(super) fn new(auth: &Auth) -> Option<Self> {
        let secret = secrets(auth).ok()?.into_iter().next()?;
        Some(Self { secret, audience: auth.audience.clone(), issuer: auth.issuer.clone() })
    }
}

/// The contents of a token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The user.
    #[schema(min_length = 1, max_length = 128)]
    user: String,
    /// The channels on which the token grants something, 64 patterns at most. The key must have these patterns.
    #[schema(value_type = Option<Vec<Grant>>, max_items = 64)]
    channels: Option<Grants>,
    /// The life of the token, in seconds. An hour without it.
    #[serde(default = "an_hour")]
    #[schema(minimum = 1, maximum = 31_622_400)]
    ttl_s: u64,
}

/// A grant: the actions that the token allows on all channels of a pattern.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes the grants that the backend reads")]
pub(super) struct Grant {
    /// The pattern, such as `room/{room}`.
    pattern: String,
    /// `subscribe`, `publish`, `presence` and `history`.
    allow: Vec<Action>,
}

/// An action on a channel.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "it describes the grants that the backend reads")]
pub(super) enum Action {
    /// Receive its publications.
    Subscribe,
    /// Publish to it.
    Publish,
    /// See its members, or be seen.
    Presence,
    /// Read its older publications.
    History,
}

const fn an_hour() -> u64 {
    3_600
}

/// A token.
#[derive(Serialize, ToSchema)]
pub(super) struct Made {
    /// The token (JWT), for the client.
    token: String,
}

/// Make a token for a user, signed by the first secret of `[auth]`.
#[utoipa::path(
    post, path = "/api/v1/token", request_body = Wanted, security(("key" = ["manage"])),
    responses((status = 200, body = Made), Problem)
)]
pub(super) async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Result<Json<Made>, Refused> {
    let (holder, Wanted { user, channels, ttl_s }) = inner.asked(request, Scope::Manage).await?;
    ask::log(&holder, "token");
    let signer = inner.signer.as_ref().ok_or(Fault::NoSecret)?;
    if !(1..=LONGEST_S).contains(&ttl_s) {
        return Err(Fault::Lifetime(LONGEST_S).into());
    }
    if let Some(grants) = &channels {
        grants.check().map_err(Fault::Grants)?;
        if let Some(beyond) = grants.0.iter().find(|grant| !holder.key.covers(&grant.pattern)) {
            return Err(Fault::Grant(beyond.pattern.clone()).into());
        }
    }
    let statement = Statement {
        user: &user,
        grants: channels.as_ref(),
        audience: signer.audience.as_deref(),
        issuer: signer.issuer.as_deref(),
        issued: SystemTime::now(),
        lifetime: Duration::from_secs(ttl_s),
    };
    let token = statement.sign(&signer.secret).map_err(Fault::Statement)?;
    Ok(Json(Made { token }))
}
