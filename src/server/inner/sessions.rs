//! `GET /api/v1/sessions`.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::Inner;
use super::fault::Fault;
use super::key::Scope;
use super::refused::{Problem, Refused};
use crate::protocol::code::Refusal;
use crate::transport::http::query;

/// The most sessions of an answer, and how many there are without a wish.
const MOST: usize = 1_000;
const USUAL: usize = 100;
/// The parameters of the query.
const PARAMETERS: [&str; 3] = ["user", "cursor", "limit"];

/// A part of the list.
#[derive(Serialize, ToSchema)]
pub(super) struct Sessions {
    /// The sessions, the oldest first.
    sessions: Vec<Session>,
    /// The `cursor` of the next part. It is absent in the last part.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct Session {
    /// Its public id.
    session: String,
    /// Its user, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// The number of channels to which it subscribes.
    channels: usize,
    /// True if its client is connected now. A session outlives its connections for a while.
    connected: bool,
}

/// The wish of a request.
struct Wish {
    user: Option<String>,
    after: u64,
    most: usize,
}

impl Wish {
    fn read(query: &str) -> Result<Self, Refusal> {
        let name = |pair: &'_ str| pair.split_once('=').map_or(pair, |(name, _)| name).to_owned();
        let mut names = query.split('&').filter(|pair| !pair.is_empty()).map(name);
        if let Some(unknown) = names.find(|name| !PARAMETERS.contains(&&**name)) {
            return Err(Fault::Parameter(unknown).into());
        }
        let number = |name: &'static str| -> Result<Option<u64>, Refusal> {
            let value = query::parameter(query, name)?;
            Ok(value.map(|value| value.parse().map_err(|_| Fault::Number(name))).transpose()?)
        };
        let most = number("limit")?.unwrap_or(USUAL as u64);
        let most = usize::try_from(most).ok().filter(|most| (1..=MOST).contains(most)).ok_or(Fault::Number("limit"))?;
        let user = query::parameter(query, "user")?.map(Cow::into_owned);
        Ok(Self { user, after: number("cursor")?.unwrap_or(0), most })
    }
}

/// List the living sessions, of all users or of one.
#[utoipa::path(
    get, path = "/api/v1/sessions", security(("key" = ["read"])),
    params(
        ("user" = Option<String>, Query, description = "Only the sessions of this user."),
        ("cursor" = Option<String>, Query, description = "The `cursor` of the answer before."),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 1_000, description = "The most sessions. 100 without it."),
    ),
    responses((status = 200, body = Sessions), Problem)
)]
pub(super) async fn answer(
    State(inner): State<Arc<Inner>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Sessions>, Refused> {
    inner.admit(&headers, Some(Scope::Read))?;
    let Wish { user, after, most } = Wish::read(uri.query().unwrap_or_default())?;
    let (found, is_more) = inner.node.list_sessions(user.as_deref(), after, most);
    let cursor = found.last().filter(|_| is_more).map(|last| last.place.to_string());
    let sessions = found.into_iter().map(|about| Session {
        session: about.id.as_str().to_owned(),
        user: about.user.map(String::from),
        channels: about.channels,
        connected: about.is_connected,
    });
    Ok(Json(Sessions { sessions: sessions.collect(), cursor }))
}
