//! Long-poll: `POST /rt/poll`. Answered at once or held; by the session, which grants a poll's room to write once.

use std::future::poll_fn;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;

use super::{Peer, answer, body};
use crate::driver::Driver;
use crate::protocol::Transport;

/// One poll.
pub async fn poll(State(driver): State<Arc<Driver>>, peer: Option<Extension<Peer>>, request: Body) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refusal) => return answer::refuse(None, &refusal),
    };
    let mut link = match driver.attach(Transport::Poll, peer.map(|peer| peer.client), &body) {
        Ok(link) => link,
        Err(refused) => return answer::refused(&refused),
    };
    drop(body);
    let mut out = Vec::new();
    poll_fn(|cx| link.poll_lines(cx, &mut out)).await;
    answer::lines(&out)
}
