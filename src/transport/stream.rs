//! The stream of SSE with POST: `POST /rt/stream`. Its sends are in [`super::send`].

use std::future::poll_fn;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use bytes::Bytes;

use super::{Peer, answer, body};
use crate::driver::Driver;
use crate::driver::link::{Link, Progress};
use crate::protocol::{Line, Transport};

/// A comment, so that the headers leave at once whatever the session has to say.
pub(super) const FIRST_BYTES: Bytes = Bytes::from_static(b":\n\n");

/// Opens a stream; the hello is the body.
pub async fn open(State(driver): State<Arc<Driver>>, peer: Option<Extension<Peer>>, request: Body) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refusal) => return answer::refuse(None, &refusal),
    };
    match driver.attach(Transport::Sse, peer.map(|peer| peer.client), &body) {
        Ok(link) => event_stream(Body::from_stream(events(link))),
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

/// One chunk for all lines that are there.
fn events(link: Link) -> impl futures::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    futures::stream::unfold(Stage::First(link), |state| async {
        let mut link = match state {
            Stage::First(link) => return Some((Ok(FIRST_BYTES), Stage::Open(link))),
            Stage::Open(link) => link,
            Stage::Over => return None,
        };
        let mut out: Vec<Line> = Vec::new();
        let progress = poll_fn(|cx| link.poll_lines(cx, &mut out)).await;
        let chunk = match &out[..] {
            [line] => line.event().clone(),
            lines => answer::join(lines.iter().map(|line| line.event().clone())),
        };
        let next = if progress == Progress::End { Stage::Over } else { Stage::Open(link) };
        Some((Ok(chunk), next))
    })
}
