//! Long-poll: `POST /rt/poll`. Answered at once or held; by the session, which grants a poll's room to write once.

use std::future::poll_fn;
use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http_body::Body;

use super::{Peer, answer, body};
use crate::driver::Driver;
use crate::protocol::Transport;

/// One poll.
pub async fn poll(driver: &Arc<Driver>, peer: Option<Peer>, request: impl Body<Data = Bytes> + Unpin) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refusal) => return answer::refuse(None, &refusal),
    };
    let mut link = match driver.attach(Transport::Poll, peer.map(|peer| peer.client), &body) {
        Ok(link) => link,
        Err(refused) => return answer::refused(&refused),
    };
    drop(body);
    let mut answer = Vec::new();
    poll_fn(|cx| link.poll_lines(cx, |line| answer.extend_from_slice(line.record()))).await;
    answer::text(answer.into())
}
