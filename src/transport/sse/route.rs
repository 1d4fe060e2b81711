//! The route `POST /rt/stream`.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;

use super::over_http::Events;
use crate::node::Node;
use crate::protocol::Transport;
use crate::transport::arrival::Arrival;
use crate::transport::http::{answer, body};

/// Opens a stream; the hello is the body.
pub async fn open(node: &Arc<Node>, arrival: Arrival, request: impl http_body::Body<Data = Bytes> + Unpin) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refusal) => return answer::refuse(None, &refusal),
    };
    match node.attach(Transport::Sse, arrival.caller(), &body) {
        Ok(link) => answer::event_stream(Body::new(Events::new(link, arrival.takeover))),
        Err(refused) => answer::refused(&refused),
    }
}
