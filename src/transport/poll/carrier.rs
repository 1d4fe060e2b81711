//! A poll that waits, on a bare connection, until its answer is written.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::answer::Head;
use crate::node::link::{Link, Progress};
use crate::transport::takeover::connection::Connection;
use crate::transport::takeover::half_closed::HalfClosed;
use crate::transport::takeover::writer::Outlet;

/// See the module. Its outcome is the connection, for the next request; none if it broke. A client that sends nothing more may still
/// read the answer, so that one does not wait much longer.
pub(in crate::transport) struct Waiting {
    /// None when it is over.
    outlet: Option<Outlet<Connection>>,
    head: Head,
    half_closed: HalfClosed,
}

impl Waiting {
    pub(in crate::transport) fn new(io: Connection, link: Link, head: Head) -> Self {
        Self { outlet: Some(Outlet::new(io, link)), head, half_closed: HalfClosed::default() }
    }
}

impl Future for Waiting {
    type Output = Option<Connection>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Connection>> {
        let Self { outlet: slot, head, half_closed } = &mut *self;
        let Some(outlet) = slot else { return Poll::Ready(None) };
        if !half_closed.has_begun() {
            match outlet.io.poll_ahead(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => half_closed.begin(),
                Poll::Ready(Err(_)) => return Poll::Ready(None),
            }
        }
        if half_closed.poll_tick(cx).is_ready() {
            outlet.link.hurry();
        }
        let written = ready!(outlet.poll_write(cx, |link, cx, gathered| gather(link, head, cx, gathered)));
        let outlet = slot.take().filter(|_| written.is_ok());
        Poll::Ready(outlet.map(|outlet| outlet.io))
    }
}

/// The whole answer, once there are lines.
fn gather(link: &mut Link, head: &Head, cx: &mut Context<'_>, gathered: &mut Vec<u8>) -> Poll<Progress> {
    ready!(link.poll_lines(cx, |line| gathered.extend_from_slice(line.record())));
    head.put_before(gathered);
    Poll::Ready(Progress::End)
}
