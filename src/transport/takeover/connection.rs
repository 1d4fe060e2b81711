//! A connection of the server, while HTTP or a carrier has it.
//!
//! A write without progress for 30 s fails, on each transport. Otherwise an unread response would stay forever, with
//! all that waits behind it.
//!
//! While HTTP has the connection, [`super::state::Takeover`] must know whether all is written, and whether the client
//! has shut its sending side. [`Watch`] notes both.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// The peer is gone if it reads nothing for this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The cap of bytes that are read ahead, behind a request without an answer. All further bytes wait in the kernel.
const AHEAD: usize = 8 * 1024;

/// The facts about a connection that HTTP has. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Watch(Arc<Known>);

#[derive(Default)]
struct Known {
    /// The kernel has not taken all bytes of the last write.
    has_unwritten: AtomicBool,
    /// The answer wants to know whether the client shuts its sending side.
    is_asked: AtomicBool,
    /// The client has shut its sending side, or the connection broke.
    is_half_closed: AtomicBool,
}

impl Watch {
    /// Returns whether the kernel has not taken all bytes of the last write.
    pub(super) fn has_unwritten(&self) -> bool {
        self.0.has_unwritten.load(Ordering::Relaxed)
    }

    /// Returns whether the client has shut its sending side. HTTP reads nothing while it answers a request. So the
    /// first question has the connection read ahead. The task that serves the connection is woken when this becomes
    /// true.
    pub(super) fn is_half_closed(&self) -> bool {
        self.0.is_asked.store(true, Ordering::Relaxed);
        self.0.is_half_closed.load(Ordering::Relaxed)
    }

    fn wrote(&self, all: bool) {
        self.0.has_unwritten.store(!all, Ordering::Relaxed);
    }

    fn wants_reading(&self) -> bool {
        self.0.is_asked.load(Ordering::Relaxed) && !self.0.is_half_closed.load(Ordering::Relaxed)
    }

    fn note_half_closed(&self) {
        self.0.is_half_closed.store(true, Ordering::Relaxed);
    }
}

/// A connection that fails stalled writes, reads ahead, and notes facts for the take-over.
pub struct Connection<T = TcpStream> {
    io: T,
    /// None once a carrier has the connection to its end.
    watch: Option<Watch>,
    /// Bytes that were read ahead. They are read before all others.
    ahead: Vec<u8>,
    /// Exists only while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<T> Connection<T> {
    pub(super) const fn new(io: T, watch: Watch) -> Self {
        Self { io, watch: Some(watch), ahead: Vec::new(), stalled: None }
    }

    /// Gives bytes back that were read already. They are read again, before those that were read ahead.
    pub(super) fn unread(&mut self, bytes: Vec<u8>) {
        let behind = std::mem::replace(&mut self.ahead, bytes);
        self.ahead.extend(behind);
    }

    /// Notes nothing any more.
    pub(super) fn unwatch(&mut self) {
        self.watch = None;
    }

    /// Fails a write that has waited for too long.
    fn judge<R>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        stalled
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the peer has read nothing for 30 s")))
    }
}

impl<T: AsyncRead + Unpin> Connection<T> {
    /// Reads ahead, up to a bound. Ready once the client has shut its sending side.
    ///
    /// # Errors
    /// The connection broke.
    pub(in crate::transport) fn poll_read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut piece = [0; 1024];
        while self.ahead.len() < AHEAD {
            let mut read = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.ahead.extend_from_slice(read.filled());
        }
        Poll::Pending
    }

    /// Reads ahead if the answer asked whether the client has shut its sending side.
    fn look_ahead(&mut self, cx: &mut Context<'_>) {
        if !self.watch.as_ref().is_some_and(Watch::wants_reading) {
            return;
        }
        let before = self.ahead.len();
        let is_half_closed = self.poll_read_ahead(cx).is_ready();
        if let Some(watch) = self.watch.as_ref().filter(|_| is_half_closed) {
            watch.note_half_closed();
        }
        if is_half_closed || self.ahead.len() > before {
            // The answer looks again, and so does HTTP, which may wait for the next request.
            cx.waker().wake_by_ref();
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let fits = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead[..fits]);
            self.ahead.drain(..fits);
            if self.ahead.is_empty() {
                // An idle connection has no buffer.
                self.ahead = Vec::new();
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buffer);
        if let Some(watch) = &self.watch {
            watch.wrote(matches!(written, Poll::Ready(Ok(written)) if written == buffer.len()));
        }
        self.judge(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // HTTP flushes after each poll, also while it waits for an answer.
        self.look_ahead(cx);
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
        let mut near = Connection::new(near, Watch::default());
        let slow = async {
            for _ in 0..3 {
                tokio::time::sleep(PATIENCE - Duration::from_secs(1)).await;
                far.read_exact(&mut [0; 4]).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(near.write_all(&[0; 16]), slow);
        written.unwrap();
        let begun = tokio::time::Instant::now();
        let stuck = near.write_all(&[0; 16]).await;
        assert_eq!(stuck.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), PATIENCE);
    }

    /// Polls something once.
    async fn once<R>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
        std::future::poll_fn(|cx| Poll::Ready(poll(cx))).await
    }

    #[tokio::test]
    async fn a_connection_is_read_ahead_only_once_the_answer_asks_and_loses_nothing() {
        let watch = Watch::default();
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let mut near = Connection::new(near, watch.clone());
        far.write_all(&[7; 10_000]).await.unwrap();
        near.flush().await.unwrap();
        assert!(near.ahead.is_empty());
        assert!(!watch.is_half_closed());
        near.flush().await.unwrap();
        assert!(near.ahead.len() >= AHEAD && near.ahead.len() < AHEAD + 1024, "{}", near.ahead.len());
        far.write_all(b"end").await.unwrap();
        far.shutdown().await.unwrap();
        near.flush().await.unwrap();
        assert!(!watch.is_half_closed(), "the end lies behind what is read ahead");
        let mut read = vec![0; 10_000];
        near.read_exact(&mut read).await.unwrap();
        assert_eq!(read, [7; 10_000]);
        near.flush().await.unwrap();
        assert!(watch.is_half_closed());
        let mut rest = String::new();
        near.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "end");
    }

    #[tokio::test]
    async fn bytes_that_are_given_back_are_read_before_what_was_read_ahead() {
        let watch = Watch::default();
        let (near, mut far) = tokio::io::duplex(64);
        let mut near = Connection::new(near, watch.clone());
        assert!(!watch.is_half_closed());
        far.write_all(b"ahead").await.unwrap();
        near.flush().await.unwrap();
        near.unread(b"back, ".to_vec());
        let mut read = [0; 11];
        near.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"back, ahead");
    }

    #[tokio::test]
    async fn the_answer_is_woken_when_the_client_shuts_its_sending_side() {
        let watch = Watch::default();
        let (near, mut far) = tokio::io::duplex(64);
        let mut near = Connection::new(near, watch.clone());
        assert!(!watch.is_half_closed());
        let half_closed = std::future::poll_fn(|cx| {
            let _ = Pin::new(&mut near).poll_flush(cx);
            if watch.is_half_closed() { Poll::Ready(()) } else { Poll::Pending }
        });
        let (_, shuts) = tokio::join!(half_closed, far.shutdown());
        shuts.unwrap();
        assert!(once(|cx| near.poll_read_ahead(cx)).await.is_ready());
    }
}
