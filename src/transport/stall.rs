//! A connection whose peer stops reading is dead after a while, on every transport: a write that makes no headway fails.
//!
//! It also notes whether all was written, for [`super::Bare`], until it is unwatched.
//!
//! Without it a response that nobody reads would be kept for ever, with what waits behind it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// A write that got rid of nothing for this long means that the peer is gone.
const LONGEST: Duration = Duration::from_secs(30);

/// A connection of the server.
pub type Connection = Stalling<TcpStream>;

/// Whether a connection has taken all that it was given. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct Unwritten(Arc<AtomicBool>);

impl Unwritten {
    /// Something was given to the connection that it has not taken.
    pub(super) fn is_some(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn wrote(&self, all: bool) {
        self.0.store(!all, Ordering::Relaxed);
    }
}

/// See the module. The timer exists only while a write waits.
pub struct Stalling<T> {
    io: T,
    unwritten: Option<Unwritten>,
    /// What was read from it ahead of time, to be read before anything else.
    first: Vec<u8>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<T> Stalling<T> {
    /// An end of a connection, not stalled yet.
    #[must_use]
    pub(super) const fn new(io: T, unwritten: Unwritten) -> Self {
        Self { io, unwritten: Some(unwritten), first: Vec::new(), waiting: None }
    }

    /// Has these bytes read before anything else.
    pub fn read_first(&mut self, bytes: Vec<u8>) {
        self.first = bytes;
    }

    /// From now on it notes no more whether all was written.
    pub fn unwatch(&mut self) {
        self.unwritten = None;
    }

    fn judge<R>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(LONGEST)));
        waiting
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the peer has read nothing for 30 s")))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stalling<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let fits = self.first.len().min(buffer.remaining());
            buffer.put_slice(&self.first[..fits]);
            self.first.drain(..fits);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stalling<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buffer);
        if let Some(unwritten) = &self.unwritten {
            unwritten.wrote(matches!(written, Poll::Ready(Ok(written)) if written == buffer.len()));
        }
        self.judge(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.judge(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_write_that_makes_no_headway_fails_after_30_s_and_one_that_does_goes_on() {
        let (near, mut far) = tokio::io::duplex(4);
        let mut near = Stalling::new(near, Unwritten::default());
        let slow = async {
            for _ in 0..3 {
                tokio::time::sleep(LONGEST - Duration::from_secs(1)).await;
                far.read_exact(&mut [0; 4]).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(near.write_all(&[0; 16]), slow);
        written.unwrap();
        let begun = tokio::time::Instant::now();
        let stuck = near.write_all(&[0; 16]).await;
        assert_eq!(stuck.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), LONGEST);
    }
}
