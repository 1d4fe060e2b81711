//! The routes outside of the API: `/metrics`, and `/readyz` for whatever sends clients to this gateway.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;

use super::Inner;
use super::key::Scope;
use super::refused::Refused;
use crate::protocol::code::Leaving;
use crate::server::metrics;
use crate::transport::Arrival;

/// Shows the metrics to this machine, and to each key with the scope `read`.
pub(super) async fn metrics(
    State(inner): State<Arc<Inner>>,
    Extension(arrival): Extension<Arrival>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    if headers.contains_key(AUTHORIZATION) || metrics::check_is_local(&arrival, &headers).is_err() {
        inner.admit(&headers, Some(Scope::Read))?;
    }
    Ok(inner.metrics.answer(&headers))
}

/// Says whether new clients are welcome.
pub(super) async fn ready(State(inner): State<Arc<Inner>>) -> Result<&'static str, Refused> {
    if inner.node.is_draining() { Err(Leaving::Gateway.into()) } else { Ok("ok") }
}
