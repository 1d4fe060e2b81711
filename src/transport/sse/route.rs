//! The route `POST /rt/stream`.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;

use super::over_http::Events;
use crate::node::Node;
use crate::protocol::Transport;
use crate::transport::Peer;
use crate::transport::http::{answer, body};
use crate::transport::takeover::state::Takeover;

/// Opens a stream; the hello is the body.
pub async fn open(
    node: &Arc<Node>,
    peer: Option<Peer>,
    request: impl http_body::Body<Data = Bytes> + Unpin,
    takeover: Option<Takeover>,
) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refusal) => return answer::refuse(None, &refusal),
    };
    match node.attach(Transport::Sse, peer.map(|peer| peer.client), &body) {
        Ok(link) => answer::event_stream(Body::new(Events::new(link, takeover))),
        Err(refused) => answer::refused(&refused),
    }
}
