//! What goes up beside a stream or a poll: `POST /rt/send`. It waits for nobody but those whom its lines woke.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http_body::Body;

use crate::node::Node;
use crate::transport::http::{answer, body};

/// One send.
pub async fn send(node: &Arc<Node>, request: impl Body<Data = Bytes> + Unpin) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refusal) => return answer::refuse(None, &refusal),
    };
    match node.send(&body) {
        Ok(lines) => {
            // They are written to first: a publisher's answer is less urgent than what it published.
            tokio::task::yield_now().await;
            answer::lines(&lines)
        }
        Err(refused) => answer::refused(&refused),
    }
}
