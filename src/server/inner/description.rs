//! `GET /api/v1/openapi.json`: the description of the API, made from its routes.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::refused::{Problem, Refused};
use super::{Inner, batch, disconnect, publish, revoke, sessions, token, transports};

/// The description. Each route stands in the list.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Throughline",
        description = "The API for an application's servers. It stands on the inner listener of the gateway."
    ),
    paths(
        publish::answer,
        batch::answer,
        token::answer,
        revoke::answer,
        sessions::answer,
        disconnect::answer,
        transports::answer,
        answer,
    ),
    components(schemas(Problem)),
    modifiers(&Key)
)]
struct Description;

/// The key of a request.
struct Key;

impl Modify for Key {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("tlk_…").build();
        if let Some(components) = &mut description.components {
            components.add_security_scheme("key", SecurityScheme::Http(scheme));
        }
    }
}

/// Describe this API, in the form of OpenAPI 3.1. Any key may read it.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", security(("key" = [])),
    responses((status = 200, description = "The description", body = Object), Problem)
)]
pub(super) async fn answer(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Result<Response, Refused> {
    static TEXT: LazyLock<String> = LazyLock::new(|| Description::openapi().to_json().unwrap_or_default());
    inner.admit(&headers, None)?;
    Ok(([(CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response())
}
