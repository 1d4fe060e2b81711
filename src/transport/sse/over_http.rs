//! A stream as the body of HTTP's answer: its beginning, and also the rest if the connection cannot be taken.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;

use crate::node::link::{Link, Progress};
use crate::transport::http::answer::COMMENT;
use crate::transport::takeover::half_closed::HalfClosed;
use crate::transport::takeover::state::{Takeover, Taker};

enum Stage {
    /// A comment comes first, so that the headers leave at once, also if there are no lines yet.
    First(Link),
    Open(Link),
    /// A carrier takes the connection over.
    Left,
    Over,
}

thread_local! {
    /// Gathers one chunk. An idle stream holds no buffer.
    static CHUNK: RefCell<Vec<u8>> = RefCell::default();
}

/// One chunk for all lines that are there.
///
/// Once there are no lines it requests the connection, if that can be taken.
pub(super) struct Events {
    stage: Stage,
    takeover: Option<Takeover>,
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
    pub(super) fn new(link: Link, takeover: Option<Takeover>) -> Self {
        Self { stage: Stage::First(link), takeover, half_closed: HalfClosed::default() }
    }

    /// Returns whether a comment is due, which shows whether the client still reads.
    fn asks(&mut self, cx: &mut Context<'_>) -> bool {
        if self.takeover.as_ref().is_some_and(|takeover| !takeover.is_allowed() && takeover.is_half_closed()) {
            self.half_closed.begin();
        }
        self.half_closed.poll_tick(cx).is_ready()
    }

    /// Requests the connection, since there are no lines.
    fn leave(&mut self, stage: Stage) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.stage = match (stage, &self.takeover) {
            (Stage::Open(link), Some(takeover)) if takeover.is_allowed() => {
                takeover.request(Taker::Sse(link));
                Stage::Left
            }
            (other, _) => other,
        };
        Poll::Pending
    }
}
