//! `POST /api/v1/revoke`.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Inner;
use super::ask;
use super::fault::Fault;
use super::key::Scope;
use super::refused::{Problem, Refused};

/// How far in the future `issued_before` may be, in seconds. More is probably a count of milliseconds, and the user
/// could never come back.
const AHEAD_S: u64 = 3_600;

/// The tokens to revoke.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Revocation {
    /// The user.
    #[schema(min_length = 1, max_length = 128)]
    user: String,
    /// Tokens that were issued before this time, in seconds since 1970, are refused. All that exist, without it. It is
    /// one hour in the future at most.
    issued_before: Option<u64>,
}

/// The revoked tokens, and the sessions that they opened.
#[derive(Serialize, ToSchema)]
pub(super) struct Revoked {
    /// The number of sessions whose connections ended at once.
    sessions: usize,
    /// Older tokens are refused. In seconds since 1970.
    issued_before: u64,
}

/// Refuse older tokens of a user from now on, and end the connections that they opened.
#[utoipa::path(
    post, path = "/api/v1/revoke", request_body = Revocation, security(("key" = ["manage"])),
    responses((status = 200, body = Revoked), Problem)
)]
pub(super) async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Result<Json<Revoked>, Refused> {
    let (holder, Revocation { user, issued_before }) = inner.asked(request, Scope::Manage).await?;
    ask::log(&holder, "revoke");
    ask::user(&user)?;
    // Tokens count whole seconds. A token of the present second may be older than this request.
    let next = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) + 1;
    let issued_before = issued_before.unwrap_or(next);
    if issued_before > next + AHEAD_S {
        return Err(Fault::Ahead.into());
    }
    let sessions = inner.node.revoke(&user, UNIX_EPOCH + Duration::from_secs(issued_before)).map_err(Fault::Full)?;
    Ok(Json(Revoked { sessions: sessions.ok_or(Fault::NoTokens)?, issued_before }))
}
