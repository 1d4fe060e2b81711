//! A poll that holds the connection that was taken over for it, until its answer is written.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::answer::Head;
use crate::node::link::{Link, Progress};
use crate::transport::takeover::connection::Connection;
use crate::transport::takeover::half_closed::HalfClosed;
use crate::transport::takeover::writer::Writer;

/// Carries one poll. The output is the connection, for the next request, or `None` if the connection broke. A client
/// that has shut down its sending side may still read the answer, so its poll is answered soon.
pub(in crate::transport) struct Carrier {
    /// `None` once the poll is over.
    writer: Option<Writer<Connection>>,
    head: Head,
    half_closed: HalfClosed,
}

impl Carrier {
    pub(in crate::transport) fn new(io: Connection, link: Link, head: Head) -> Self {
        Self { writer: Some(Writer::new(io, link)), head, half_closed: HalfClosed::default() }
    }
}

impl Future for Carrier {
    type Output = Option<Connection>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Connection>> {
        let Self { writer: slot, head, half_closed } = &mut *self;
        let Some(writer) = slot else { return Poll::Ready(None) };
        if !half_closed.has_begun() {
            match writer.io.poll_read_ahead(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => half_closed.begin(),
                Poll::Ready(Err(_)) => return Poll::Ready(None),
            }
        }
        if half_closed.poll_tick(cx).is_ready() {
            writer.link.hurry();
        }
        let written = ready!(writer.poll_write(cx, |link, cx, gathered| gather(link, head, cx, gathered)));
        let writer = slot.take().filter(|_| written.is_ok());
        Poll::Ready(writer.map(|writer| writer.io))
    }
}

/// Gathers the whole answer, once there are lines.
fn gather(link: &mut Link, head: &Head, cx: &mut Context<'_>, gathered: &mut Vec<u8>) -> Poll<Progress> {
    ready!(link.poll_lines(cx, |line| gathered.extend_from_slice(line.record())));
    head.put_before(gathered);
    Poll::Ready(Progress::End)
}
