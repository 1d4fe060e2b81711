//! The stream of SSE with POST: `POST /rt/stream`. Its sends are in [`super::send`].

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;

use super::{Peer, answer, body};
use crate::driver::Driver;
use crate::driver::link::{Link, Progress};
use crate::protocol::Transport;

/// A comment, so that the headers leave at once whatever the session has to say.
pub(super) const FIRST_BYTES: Bytes = Bytes::from_static(b":\n\n");

/// Opens a stream; the hello is the body.
pub async fn open(
    driver: &Arc<Driver>,
    peer: Option<Peer>,
    request: impl http_body::Body<Data = Bytes> + Unpin,
) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refusal) => return answer::refuse(None, &refusal),
    };
    match driver.attach(Transport::Sse, peer.map(|peer| peer.client), &body) {
        Ok(link) => event_stream(Body::new(Events(Stage::First(link)))),
        Err(refused) => answer::refused(&refused),
    }
}

pub(super) fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

enum Stage {
    First(Link),
    Open(Link),
    Over,
}

thread_local! {
    /// What a chunk is put together in: an idle stream holds no buffer.
    static CHUNK: RefCell<Vec<u8>> = RefCell::default();
}

/// One chunk for all lines that are there.
struct Events(Stage);

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (chunk, next) = match std::mem::replace(&mut self.0, Stage::Over) {
            Stage::Over => return Poll::Ready(None),
            Stage::First(link) => (FIRST_BYTES, Stage::Open(link)),
            Stage::Open(mut link) => CHUNK.with_borrow_mut(|chunk| {
                chunk.clear();
                let progress = link.poll_lines(cx, |line| chunk.extend_from_slice(line.event()));
                let next = if progress == Poll::Ready(Progress::End) { Stage::Over } else { Stage::Open(link) };
                (Bytes::copy_from_slice(chunk), next)
            }),
        };
        self.0 = next;
        match (chunk.is_empty(), &self.0) {
            (false, _) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            (true, Stage::Over) => Poll::Ready(None),
            (true, _) => Poll::Pending,
        }
    }
}
