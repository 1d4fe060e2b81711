//! Writing to a bare connection: all lines that wait in one write, gathered in a buffer of the thread.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;

use crate::node::link::{Link, Progress};

thread_local! {
    /// An idle connection has no buffer.
    static GATHERED: RefCell<Vec<u8>> = RefCell::default();
}

/// A connection and the link whose lines it writes.
pub(in crate::transport) struct Outlet<T> {
    pub(in crate::transport) io: T,
    pub(in crate::transport) link: Link,
    /// What the connection did not take yet. Nothing more is asked of the session meanwhile: its lines wait there, within its bounds.
    unsent: Bytes,
    /// Nothing follows what was gathered.
    over: bool,
}

impl<T: AsyncWrite + Unpin> Outlet<T> {
    pub(in crate::transport) const fn new(io: T, link: Link) -> Self {
        Self { io, link, unsent: Bytes::new(), over: false }
    }

    /// Writes what is due for as long as the connection takes it; ready when nothing follows. `gather` asks the link for lines, and
    /// puts what is to be written at the end of an empty buffer.
    pub(in crate::transport) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        mut gather: impl FnMut(&mut Link, &mut Context<'_>, &mut Vec<u8>) -> Poll<Progress>,
    ) -> Poll<io::Result<()>> {
        loop {
            while !self.unsent.is_empty() {
                let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.unsent))?;
                let _ = self.unsent.split_to(written);
            }
            if self.over {
                return Poll::Ready(Ok(()));
            }
            let more = ready!(GATHERED.with_borrow_mut(|gathered| {
                gathered.clear();
                let progress = gather(&mut self.link, cx, gathered);
                self.write_gathered(cx, gathered, progress)
            }))?;
            if !more {
                return Poll::Pending;
            }
        }
    }

    /// One write. What the connection does not take is kept. Pending, or `false`, when nothing can be done before the task is woken.
    fn write_gathered(
        &mut self,
        cx: &mut Context<'_>,
        gathered: &[u8],
        progress: Poll<Progress>,
    ) -> Poll<io::Result<bool>> {
        if gathered.is_empty() && progress.is_pending() {
            return Poll::Pending;
        }
        self.over = progress == Poll::Ready(Progress::End);
        let written = match Pin::new(&mut self.io).poll_write(cx, gathered) {
            Poll::Ready(written) => written?,
            Poll::Pending => 0,
        };
        if written < gathered.len() {
            self.unsent = Bytes::copy_from_slice(&gathered[written..]);
        }
        let more = self.over || !self.unsent.is_empty() || progress == Poll::Ready(Progress::Full);
        Poll::Ready(Ok(more))
    }
}
