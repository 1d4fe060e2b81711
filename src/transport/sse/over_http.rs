//! A stream as the body of HTTP's answer: its beginning, and the rest where the connection cannot be taken.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;

use crate::node::link::{Link, Progress};
use crate::transport::http::answer::COMMENT;
use crate::transport::takeover::half_closed::HalfClosed;
use crate::transport::takeover::state::{Bare, Wanted};

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
pub(super) struct Events {
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
    pub(super) fn new(link: Link, bare: Option<Bare>) -> Self {
        Self { stage: Stage::First(link), bare, half_closed: HalfClosed::default() }
    }

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
