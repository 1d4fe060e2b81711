//! Long-poll: `POST /rt/poll`. Answered at once or held; by the session, which grants a poll's room to write once.

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
use crate::transport::Peer;
use crate::transport::http::{answer, body};
use crate::transport::takeover::state::{Bare, Wanted};

/// One poll. Where its answer has to wait, and the server brought a [`Bare`], that goes on with it: nothing is answered here then.
/// `finish` makes of an answer what the route answers. `gzip`: it may be compressed.
pub async fn poll(
    node: &Arc<Node>,
    peer: Option<Peer>,
    request: impl Body<Data = Bytes> + Unpin,
    bare: Option<Bare>,
    gzip: bool,
    finish: impl FnOnce(Response) -> Response,
) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refusal) => return finish(answer::refuse(None, &refusal)),
    };
    let mut link = match node.attach(Transport::Poll, peer.map(|peer| peer.client), &body) {
        Ok(link) => link,
        Err(refused) => return finish(answer::refused(&refused)),
    };
    drop(body);
    let mut answer = Vec::new();
    let at_once = poll_fn(|cx| Ready(link.poll_lines(cx, |line| answer.extend_from_slice(line.record())))).await;
    match bare {
        _ if at_once.is_ready() => {}
        Some(bare) if bare.may_take() => {
            let (parts, _) = finish(answer::text(Bytes::new())).into_parts();
            bare.want(Wanted::Poll(link, Head::new(&parts.headers, gzip)));
            return std::future::pending().await;
        }
        bare => wait(&mut link, bare.as_ref(), &mut answer).await,
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
