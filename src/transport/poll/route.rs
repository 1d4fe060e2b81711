//! The route `POST /rt/poll`: the answer comes at once, or the poll waits.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll::Ready;

use axum::http::HeaderValue;
use axum::http::header::CONTENT_ENCODING;
use axum::response::Response;
use bytes::Bytes;
use http_body::Body;

use super::answer::{Head, zipped};
use super::over_http::wait;
use crate::node::Node;
use crate::protocol::Transport;
use crate::transport::arrival::Arrival;
use crate::transport::http::{answer, body};
use crate::transport::takeover::state::Taker;

/// Opens a leg, or continues it with its next poll. If there are no lines yet, and the connection can be taken, a
/// carrier answers and this future never ends. `finish` completes an answer. `gzip`: the answer may be compressed.
pub async fn open(
    node: &Arc<Node>,
    arrival: Arrival,
    request: impl Body<Data = Bytes> + Unpin,
    gzip: bool,
    finish: impl FnOnce(Response) -> Response,
) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refusal) => return finish(answer::refuse(None, &refusal)),
    };
    let mut link = match node.attach(Transport::Poll, arrival.caller(), &body) {
        Ok(link) => link,
        Err(refused) => return finish(answer::refused(&refused)),
    };
    drop(body);
    let mut answer = Vec::new();
    let at_once = poll_fn(|cx| Ready(link.poll_lines(cx, |line| answer.extend_from_slice(line.record())))).await;
    match arrival.takeover {
        _ if at_once.is_ready() => {}
        Some(takeover) if takeover.is_allowed() => {
            let (parts, _) = finish(answer::text(Bytes::new())).into_parts();
            takeover.request(Taker::Poll(link, Head::new(&parts.headers, gzip)));
            return std::future::pending().await;
        }
        takeover => wait(&mut link, takeover.as_ref(), &mut answer).await,
    }
    finish(match zipped(&answer, gzip) {
        None => answer::text(answer.into()),
        Some(zipped) => {
            let mut response = answer::text(zipped.into());
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        }
    })
}
