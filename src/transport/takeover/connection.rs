//! A connection whose peer stops reading is dead after a while, on every transport: a write that makes no headway fails.
//!
//! It also notes whether all was written, and whether the client has shut its sending side, for [`super::state::Bare`], until it is unwatched.
//!
//! Without it a response that nobody reads would be kept for ever, with what waits behind it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// A write that got rid of nothing for this long means that the peer is gone.
const LONGEST: Duration = Duration::from_secs(30);

/// A connection of the server.
pub type Connection = Stalling<TcpStream>;

/// What is read ahead of a connection, behind a request that is not answered yet. What comes behind that waits in the kernel.
const AHEAD: usize = 8 * 1024;

/// What is known of a connection that HTTP holds. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct Watch(Arc<Known>);

#[derive(Default)]
struct Known {
    /// Something was given to the connection that it has not taken.
    unwritten: AtomicBool,
    /// Somebody wants to know whether the client has shut its sending side.
    is_asked: AtomicBool,
    /// It has, or the connection broke.
    is_shut: AtomicBool,
}

impl Watch {
    /// Something was given to the connection that it has not taken.
    pub(super) fn has_unwritten(&self) -> bool {
        self.0.unwritten.load(Ordering::Relaxed)
    }

    /// Whether the client has shut its sending side. HTTP reads nothing while it answers a request. So from the first question on the
    /// connection is read ahead, and the task that serves it is woken when this becomes true.
    pub(super) fn is_shut(&self) -> bool {
        self.0.is_asked.store(true, Ordering::Relaxed);
        self.0.is_shut.load(Ordering::Relaxed)
    }

    fn wrote(&self, all: bool) {
        self.0.unwritten.store(!all, Ordering::Relaxed);
    }

    fn wants_reading(&self) -> bool {
        self.0.is_asked.load(Ordering::Relaxed) && !self.0.is_shut.load(Ordering::Relaxed)
    }

    fn shut(&self) {
        self.0.is_shut.store(true, Ordering::Relaxed);
    }
}

/// See the module. The timer exists only while a write waits.
pub struct Stalling<T> {
    io: T,
    watch: Option<Watch>,
    /// What was read from it ahead of time, to be read before anything else.
    first: Vec<u8>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<T> Stalling<T> {
    /// An end of a connection, not stalled yet.
    #[must_use]
    pub(super) const fn new(io: T, watch: Watch) -> Self {
        Self { io, watch: Some(watch), first: Vec::new(), waiting: None }
    }

    /// Has these bytes read before anything else. They came before what was read ahead of time.
    pub fn read_first(&mut self, bytes: Vec<u8>) {
        let behind = std::mem::replace(&mut self.first, bytes);
        self.first.extend(behind);
    }

    /// From now on nothing of it is noted any more.
    pub fn unwatch(&mut self) {
        self.watch = None;
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

impl<T: AsyncRead + Unpin> Stalling<T> {
    /// Reads ahead, up to a bound. Ready once the client has shut its sending side.
    ///
    /// # Errors
    /// The connection broke.
    pub(in crate::transport) fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut piece = [0; 1024];
        while self.first.len() < AHEAD {
            let mut read = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.first.extend_from_slice(read.filled());
        }
        Poll::Pending
    }

    /// Reads ahead where somebody asked whether the client has shut its sending side.
    fn look_ahead(&mut self, cx: &mut Context<'_>) {
        if !self.watch.as_ref().is_some_and(Watch::wants_reading) {
            return;
        }
        let before = self.first.len();
        let is_shut = self.poll_ahead(cx).is_ready();
        if let Some(watch) = self.watch.as_ref().filter(|_| is_shut) {
            watch.shut();
        }
        if is_shut || self.first.len() > before {
            // Who asked, or HTTP, which may wait for the next request, looks again.
            cx.waker().wake_by_ref();
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stalling<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let fits = self.first.len().min(buffer.remaining());
            buffer.put_slice(&self.first[..fits]);
            self.first.drain(..fits);
            if self.first.is_empty() {
                // An idle connection has no buffer.
                self.first = Vec::new();
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stalling<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buffer);
        if let Some(watch) = &self.watch {
            watch.wrote(matches!(written, Poll::Ready(Ok(written)) if written == buffer.len()));
        }
        self.judge(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // HTTP flushes whenever it has been polled, also while it waits for an answer.
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
        let mut near = Stalling::new(near, Watch::default());
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

    /// Polls something once.
    async fn once<R>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
        std::future::poll_fn(|cx| Poll::Ready(poll(cx))).await
    }

    #[tokio::test]
    async fn it_is_read_ahead_only_once_somebody_asked_and_loses_nothing() {
        let watch = Watch::default();
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let mut near = Stalling::new(near, watch.clone());
        far.write_all(&[7; 10_000]).await.unwrap();
        near.flush().await.unwrap();
        assert!(near.first.is_empty());
        assert!(!watch.is_shut());
        near.flush().await.unwrap();
        assert!(near.first.len() >= AHEAD && near.first.len() < AHEAD + 1024, "{}", near.first.len());
        far.write_all(b"end").await.unwrap();
        far.shutdown().await.unwrap();
        near.flush().await.unwrap();
        assert!(!watch.is_shut(), "the end lies behind what is read ahead");
        let mut read = vec![0; 10_000];
        near.read_exact(&mut read).await.unwrap();
        assert_eq!(read, [7; 10_000]);
        near.flush().await.unwrap();
        assert!(watch.is_shut());
        let mut rest = String::new();
        near.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "end");
    }

    #[tokio::test]
    async fn bytes_that_are_given_back_are_read_before_what_was_read_ahead() {
        let watch = Watch::default();
        let (near, mut far) = tokio::io::duplex(64);
        let mut near = Stalling::new(near, watch.clone());
        assert!(!watch.is_shut());
        far.write_all(b"ahead").await.unwrap();
        near.flush().await.unwrap();
        near.read_first(b"back, ".to_vec());
        let mut read = [0; 11];
        near.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"back, ahead");
    }

    #[tokio::test]
    async fn who_waits_is_woken_when_the_client_shuts_its_sending_side() {
        let watch = Watch::default();
        let (near, mut far) = tokio::io::duplex(64);
        let mut near = Stalling::new(near, watch.clone());
        assert!(!watch.is_shut());
        let shut = std::future::poll_fn(|cx| {
            let _ = Pin::new(&mut near).poll_flush(cx);
            if watch.is_shut() { Poll::Ready(()) } else { Poll::Pending }
        });
        let (_, shuts) = tokio::join!(shut, far.shutdown());
        shuts.unwrap();
        assert!(once(|cx| near.poll_ahead(cx)).await.is_ready());
    }
}
