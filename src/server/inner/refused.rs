//! The form of a refusal: `{"code","message"}`, with the status of the code.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response as Described, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use super::fault::Fault;
use crate::protocol::code::{Code, Refusal};

/// A refusal of a route.
#[derive(Debug)]
pub(super) struct Refused(Refusal);

impl<T: Into<Refusal>> From<T> for Refused {
    fn from(why: T) -> Self {
        Self(why.into())
    }
}

/// Why a request was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// A word for programs. PROTOCOL.md has a table of all codes.
    code: &'static str,
    /// A sentence for people.
    message: String,
    /// When another try is welcome, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// The refusals that each route may answer with.
impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let refusal = |(status, about): (&str, &str)| {
            let response = ResponseBuilder::new().description(about).content("application/json", problem()).build();
            (status.to_owned(), RefOr::T(response))
        };
        let all = [
            ("400", "The request cannot be read, or contradicts itself."),
            ("401", "There is no key, or an unknown one."),
            ("403", "The key lacks the scope or the channel."),
            ("404", "No rule of the gateway matches the channel, or the gateway lacks what this route needs."),
            ("405", "The route does not answer this method."),
            ("413", "The body or the publication is too large."),
            ("429", "The key was used too often. `Retry-After` says when to come back."),
            ("500", "The gateway failed."),
            ("503", "The gateway is full."),
        ];
        all.into_iter().map(refusal).collect()
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        // A wait of less than a millisecond must not become none.
        let retry_after = refusal.retry_after().map(|wait| wait.as_micros().div_ceil(1_000));
        Self {
            code: refusal.code().name(),
            message: refusal.message(),
            retry_after_ms: retry_after.and_then(|wait| u64::try_from(wait).ok()),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(refusal) = self;
        let status = StatusCode::from_u16(refusal.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(Problem::from(&refusal))).into_response();
        let headers = response.headers_mut();
        if refusal.code() == Code::Unauthorized {
            // RFC 6750, section 3.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = refusal.retry_after() {
            let seconds = wait.as_millis().div_ceil(1_000).max(1);
            headers.extend(HeaderValue::from_str(&seconds.to_string()).ok().map(|value| (RETRY_AFTER, value)));
        }
        // The listener counts it.
        response.extensions_mut().insert(refusal);
        response
    }
}

pub(super) async fn not_found() -> Refused {
    Fault::NotFound.into()
}

pub(super) async fn method_not_allowed() -> Response {
    let mut response = Refused::from(Fault::Method).into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
