//! The route `POST /rt/send`: takes lines up, beside a stream or a poll that is held.
//!
//! It waits for nothing but one turn of the tasks that its lines woke.

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
            // The sessions that the lines woke write first: their publications are more urgent than this answer.
            tokio::task::yield_now().await;
            answer::lines(&lines)
        }
        Err(refused) => answer::refused(&refused),
    }
}
