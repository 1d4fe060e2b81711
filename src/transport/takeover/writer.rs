//! Writes the lines of a link to a taken connection. All lines that wait go in one write. A buffer of the thread
//! gathers them.

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

/// A connection, and the link whose lines are written to it.
pub(in crate::transport) struct Writer<T> {
    pub(in crate::transport) io: T,
    pub(in crate::transport) link: Link,
    /// The rest of the last write. Meanwhile the session is asked for no lines: they wait there, within its bounds.
    unsent: Bytes,
    /// Nothing follows the last write.
    is_over: bool,
}

impl<T: AsyncWrite + Unpin> Writer<T> {
    pub(in crate::transport) const fn new(io: T, link: Link) -> Self {
        Self { io, link, unsent: Bytes::new(), is_over: false }
    }

    /// Writes all that is due, for as long as the connection takes it. Ready once nothing follows. `gather` asks the
    /// link for lines, and encodes them into an empty buffer.
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
            if self.is_over {
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

    /// Writes once, and keeps what the connection does not take. Pending or `false` if nothing more can be done before
    /// the task is woken.
    fn write_gathered(
        &mut self,
        cx: &mut Context<'_>,
        gathered: &[u8],
        progress: Poll<Progress>,
    ) -> Poll<io::Result<bool>> {
        if gathered.is_empty() && progress.is_pending() {
            return Poll::Pending;
        }
        self.is_over = progress == Poll::Ready(Progress::End);
        let written = match Pin::new(&mut self.io).poll_write(cx, gathered) {
            Poll::Ready(written) => written?,
            Poll::Pending => 0,
        };
        if written < gathered.len() {
            self.unsent = Bytes::copy_from_slice(&gathered[written..]);
        }
        let more = self.is_over || !self.unsent.is_empty() || progress == Poll::Ready(Progress::Full);
        Poll::Ready(Ok(more))
    }
}
