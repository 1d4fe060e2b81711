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

use crate::node::Node;
use crate::node::link::{Link, Progress};
use crate::protocol::Transport;
use crate::transport::Peer;
use crate::transport::http::answer::{self, COMMENT};
use crate::transport::http::body;
use crate::transport::takeover::half_closed::HalfClosed;
use crate::transport::takeover::state::{Bare, Wanted};

/// Opens a stream; the hello is the body.
pub async fn open(
    node: &Arc<Node>,
    peer: Option<Peer>,
    request: impl http_body::Body<Data = Bytes> + Unpin,
    bare: Option<Bare>,
) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refusal) => return answer::refuse(None, &refusal),
    };
    match node.attach(Transport::Sse, peer.map(|peer| peer.client), &body) {
        Ok(link) => {
            let half_closed = HalfClosed::default();
            event_stream(Body::new(Events { stage: Stage::First(link), bare, half_closed }))
        }
        Err(refused) => answer::refused(&refused),
    }
}

pub(in crate::transport) fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

enum Stage {
    /// A comment comes first, so that the headers leave at once whatever the session has to say.
    First(Link),
    Open(Link),
    /// Somebody else goes on with the connection.
    Left,
    Over,
}

thread_local! {
    /// What a chunk is put together in: an idle stream holds no buffer.
    static CHUNK: RefCell<Vec<u8>> = RefCell::default();
}

/// One chunk for all lines that are there.
///
/// Where it has nothing to say it leaves its link in [`Bare`], if the server brought that.
struct Events {
    stage: Stage,
    bare: Option<Bare>,
    half_closed: HalfClosed,
}

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let asks = self.asks(cx);
        let (chunk, next) = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => return Poll::Ready(None),
            Stage::Left => return self.leave(Stage::Left),
            Stage::First(link) => (COMMENT, Stage::Open(link)),
            Stage::Open(mut link) => CHUNK.with_borrow_mut(|chunk| {
                chunk.clear();
                if asks {
                    chunk.extend_from_slice(&COMMENT);
                }
                let progress = link.poll_lines(cx, |line| chunk.extend_from_slice(line.event()));
                let next = if progress == Poll::Ready(Progress::End) { Stage::Over } else { Stage::Open(link) };
                (Bytes::copy_from_slice(chunk), next)
            }),
        };
        match (chunk.is_empty(), next) {
            (false, next) => {
                self.stage = next;
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            (true, Stage::Over) => Poll::Ready(None),
            (true, next) => self.leave(next),
        }
    }
}

impl Events {
    /// Whether a comment is due that asks if anybody reads.
    fn asks(&mut self, cx: &mut Context<'_>) -> bool {
        if self.bare.as_ref().is_some_and(|bare| !bare.may_take() && bare.is_shut()) {
            self.half_closed.begin();
        }
        self.half_closed.poll_tick(cx).is_ready()
    }

    fn leave(&mut self, stage: Stage) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.stage = match (stage, &self.bare) {
            (Stage::Open(link), Some(bare)) if bare.may_take() => {
                bare.want(Wanted::Stream(link));
                Stage::Left
            }
            (other, _) => other,
        };
        Poll::Pending
    }
}
