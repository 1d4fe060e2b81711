//! Which path leads where, and the headers every answer of the session's routes has (they took a default
//! nginx from 0 of 10 events to 10 of 10).

use std::sync::Arc;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::{Deserialize, Serialize};
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use super::gate::{Gate, guard};
use super::{metrics, pages};
use crate::driver::Driver;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::{Nonce, VERSION};
use crate::transport::{plain, poll, refuse, send, stream, websocket};

pub(super) fn router(driver: &Arc<Driver>, gate: &Arc<Gate>, start: Router) -> Router {
    Router::new()
        .nest("/rt", session(driver))
        .nest("/rt/client", pages::client())
        .route("/healthz", get(|| async { "ok" }))
        .route("/metrics", get(metrics::show).with_state(Arc::clone(driver)))
        .merge(pages::doctor())
        .merge(start)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(cors(gate))
        .layer(middleware::from_fn_with_state(Arc::clone(gate), guard))
}

fn session(driver: &Arc<Driver>) -> Router {
    let header = |name, value| SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value));
    let headers = ServiceBuilder::new()
        .layer(header(CACHE_CONTROL, "no-store, no-transform"))
        .layer(header(HeaderName::from_static("x-accel-buffering"), "no"))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"));
    Router::new()
        .route("/ws", get(websocket::upgrade))
        .route("/stream", post(stream::open).get(plain::open))
        .route("/send", post(send::send))
        .route("/poll", post(poll::poll))
        .route("/control", get(control))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Arc::clone(driver))
        .layer(headers)
}

/// Bodies are `text/plain`, so that a call from another origin needs no preflight; the answer still says who may read it.
fn cors(gate: &Arc<Gate>) -> CorsLayer {
    let gate = Arc::clone(gate);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| gate.allows_origin(origin)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([CONTENT_TYPE, HeaderName::from_static("last-event-id"), CACHE_CONTROL])
        .expose_headers([RETRY_AFTER])
}

#[derive(Deserialize)]
struct Asked {
    nonce: Option<String>,
}

#[derive(Serialize)]
struct Control {
    v: u32,
    nonce: Nonce,
    control: bool,
}

/// Is anybody there, and is it us?
async fn control(asked: Result<Query<Asked>, QueryRejection>) -> Response {
    let nonce = asked.ok().and_then(|Query(asked)| asked.nonce);
    match nonce.map(Nonce::try_from) {
        Some(Ok(nonce)) => Json(Control { v: VERSION, nonce, control: true }).into_response(),
        _ => refuse(None, &Refusal::bad_frame("a control request has ?nonce= of 1 to 64 printable ASCII characters")),
    }
}

async fn not_found() -> Response {
    refuse(None, &Refusal::new(Code::NotFound, "nothing is here; the session's routes are under /rt"))
}

async fn method_not_allowed() -> Response {
    let mut response = refuse(None, &Refusal::bad_frame("this route answers another method"));
    *response.status_mut() = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    response
}
