//! Maps the paths that carry no session to their answers. [`super::front`] handles the paths that carry one.

use std::sync::Arc;

use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Serialize;

use super::front::{HEALTH, nonce_of, with_headers};
use super::metrics::{self, Metrics};
use super::page::missing;
use super::pages;
use crate::node::Node;
use crate::protocol::code::Mistake;
use crate::protocol::{Nonce, VERSION};
use crate::transport::{plain, refuse};

/// The path before the session's routes, where the gateway serves itself.
pub(super) const MOUNT: &str = "/rt";

/// Returns all routes beside the session's, for a server that has no inner listener.
pub(super) fn site(node: &Arc<Node>, metrics: &Arc<Metrics>, start: Router) -> Router {
    public(node, start).route("/metrics", get(metrics::show).with_state(Arc::clone(metrics)))
}

/// Returns all routes beside the session's, for clients.
pub(super) fn public(node: &Arc<Node>, start: Router) -> Router {
    Router::new()
        .nest(MOUNT, session(node))
        .nest("/rt/client", pages::client())
        .route(HEALTH, get(|| async { "ok" }))
        .merge(pages::others())
        .merge(start)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
}

/// Returns the routes beside the session's for a router that another router nests. They include the client's files.
pub(super) fn nested(node: &Arc<Node>) -> Router {
    session(node).nest("/client", pages::client()).fallback(not_found)
}

/// Returns the routes under the mount that carry no session. The router also names the routes that carry one, so that a
/// request by another method gets the right refusal.
fn session(node: &Arc<Node>) -> Router {
    Router::new()
        .route("/ws", get(not_found))
        .route("/stream", get(plain::open).post(not_found))
        .route("/send", post(not_found))
        .route("/poll", post(not_found))
        .route("/control", get(control))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Arc::clone(node))
        .layer(middleware::map_response(async |response: Response| with_headers(response)))
}

#[derive(Serialize)]
struct Control {
    v: u32,
    nonce: Nonce,
    control: bool,
}

/// Shows a client that the gateway answers, and that no other server does: the answer echoes the nonce.
async fn control(uri: Uri) -> Response {
    match nonce_of(&uri) {
        Some(nonce) => Json(Control { v: VERSION, nonce, control: true }).into_response(),
        None => refuse(None, &Mistake::NoNonce.into()),
    }
}

async fn not_found(headers: HeaderMap) -> Response {
    missing(&headers, "nothing is here; the session's routes are under /rt")
}

async fn method_not_allowed() -> Response {
    let mut response = refuse(None, &Mistake::Method.into());
    *response.status_mut() = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    response
}
