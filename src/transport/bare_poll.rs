//! A poll that waits, on a bare connection, until its answer is written.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use axum::http::HeaderMap;
use tokio::io::{AsyncRead, ReadBuf};

use super::answer;
use super::outlet::Outlet;
use super::stall::Connection;
use crate::node::link::{Link, Progress};

/// What a client may send behind a request that is not answered yet, before nothing more is read.
const AHEAD: usize = 8 * 1024;

/// What is added to it then, in bytes, at most.
const LENGTH_AND_DATE: usize = 128;

/// What the answer begins with, put together while it waits: once there are lines, a thousand others may have to be answered first.
pub(super) struct Head {
    status_and_headers: Box<[u8]>,
    /// It may be compressed.
    gzip: bool,
}

impl Head {
    pub(super) fn new(headers: &HeaderMap, gzip: bool) -> Self {
        let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
        for (name, value) in headers {
            for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(piece);
            }
        }
        Self { status_and_headers: head.into(), gzip }
    }
}

/// See the module. Its outcome is the connection, for the next request; none if the client went.
pub(super) struct Waiting {
    /// None when it is over.
    outlet: Option<Outlet<Connection>>,
    head: Head,
    /// The beginning of the next request.
    ahead: Vec<u8>,
}

impl Waiting {
    pub(super) const fn new(io: Connection, ahead: Vec<u8>, link: Link, head: Head) -> Self {
        Self { outlet: Some(Outlet::new(io, link)), head, ahead }
    }

    /// Ready when the client went.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(outlet) = &mut self.outlet else { return Poll::Pending };
        let mut piece = [0; 1024];
        while self.ahead.len() < AHEAD {
            let mut read = ReadBuf::new(&mut piece);
            match ready!(Pin::new(&mut outlet.io).poll_read(cx, &mut read)) {
                Ok(()) if !read.filled().is_empty() => self.ahead.extend_from_slice(read.filled()),
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }
}

impl Future for Waiting {
    type Output = Option<Connection>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Connection>> {
        if self.poll_read(cx).is_ready() {
            return Poll::Ready(None);
        }
        let Self { outlet: slot, head, ahead } = &mut *self;
        let Some(outlet) = slot else { return Poll::Ready(None) };
        let written = ready!(outlet.poll_write(cx, |link, cx, gathered| gather(link, head, cx, gathered)));
        let Some(Outlet { mut io, .. }) = slot.take().filter(|_| written.is_ok()) else { return Poll::Ready(None) };
        io.read_first(std::mem::take(ahead));
        Poll::Ready(Some(io))
    }
}

/// The whole answer, once there are lines.
fn gather(link: &mut Link, wanted: &Head, cx: &mut Context<'_>, gathered: &mut Vec<u8>) -> Poll<Progress> {
    ready!(link.poll_lines(cx, |line| gathered.extend_from_slice(line.record())));
    let mut head = Vec::with_capacity(wanted.status_and_headers.len() + LENGTH_AND_DATE);
    head.extend_from_slice(&wanted.status_and_headers);
    if let Some(zipped) = answer::zipped(gathered, wanted.gzip) {
        head.extend_from_slice(b"content-encoding: gzip\r\n");
        *gathered = zipped;
    }
    let date = httpdate::fmt_http_date(SystemTime::now());
    head.extend_from_slice(format!("content-length: {}\r\ndate: {date}\r\n\r\n", gathered.len()).as_bytes());
    gathered.splice(..0, head);
    Poll::Ready(Progress::End)
}
