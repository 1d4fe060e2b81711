//! `POST /api/v1/disconnect`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Inner;
use super::ask;
use super::fault::Fault;
use super::key::Scope;
use super::refused::{Problem, Refused};
use crate::node::manage::{Ending, Which};
use crate::protocol::SessionId;
use crate::protocol::code::{Code, Refusal};

/// The sessions to end: one `session`, or all of a `user`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Disconnection {
    /// The public id of a session.
    session: Option<String>,
    /// A user.
    #[schema(min_length = 1, max_length = 128)]
    user: Option<String>,
    /// How they end. `gone` without it.
    #[serde(default)]
    code: End,
}

/// How a session ends.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum End {
    /// The session is over. Its client begins another one.
    #[default]
    Gone,
    /// The connections of the session end, and the session goes on. Its client comes back with a fresh token.
    Unauthorized,
}

/// The ended sessions.
#[derive(Serialize, ToSchema)]
pub(super) struct Disconnected {
    /// The number of sessions.
    sessions: usize,
}

/// End a session, or all sessions of a user.
#[utoipa::path(
    post, path = "/api/v1/disconnect", request_body = Disconnection, security(("key" = ["manage"])),
    responses((status = 200, body = Disconnected), Problem)
)]
pub(super) async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Result<Json<Disconnected>, Refused> {
    let (holder, Disconnection { session, user, code }) = inner.asked(request, Scope::Manage).await?;
    ask::log(&holder, "disconnect");
    let ending = match code {
        End::Gone => Ending::Session(Refusal::new(Code::Gone, "the application ended this session")),
        End::Unauthorized => Ending::Legs(Refusal::new(Code::Unauthorized, "the application wants a fresh token")),
    };
    let sessions = match (session, user) {
        (Some(session), None) => {
            let id = SessionId::try_from(session).map_err(|_| Fault::Session)?;
            inner.node.disconnect(Which::Session(&id), &ending)
        }
        (None, Some(user)) => {
            ask::user(&user)?;
            inner.node.disconnect(Which::User(&user), &ending)
        }
        _ => return Err(Fault::OneOf.into()),
    };
    Ok(Json(Disconnected { sessions }))
}
