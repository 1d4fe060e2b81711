//! A TCP connection that can be made to end with RST, from outside of whatever owns it.
//!
//! HTTP machinery swallows the socket, so nobody can reach it to reset it. Here the socket looks at its [`Fate`] when
//! it is dropped: whoever wants a reset seals the fate, and every task of the connection waits for that and drops.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::watch,
};

/// Whether a client's connection, and all that was dialled on its behalf, has been reset or forgotten.
#[derive(Debug)]
pub(super) struct Fate {
    sealed: watch::Sender<bool>,
    forgotten: AtomicBool,
}

impl Fate {
    pub(super) fn new() -> Self {
        Self { sealed: watch::Sender::new(false), forgotten: AtomicBool::new(false) }
    }

    /// From now on bytes vanish on everything that shares this fate.
    pub(super) fn forget(&self) {
        self.forgotten.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_forgotten(&self) -> bool {
        self.forgotten.load(Ordering::Relaxed)
    }

    /// Resets everything that shares this fate, as soon as its tasks run.
    pub(super) fn reset(&self) {
        self.sealed.send_replace(true);
    }

    /// Comes true when this fate has been sealed. Cancel-safe.
    pub(super) async fn sealed(&self) {
        // The sender lives in `self`, so this cannot fail while anybody waits.
        let _ = self.sealed.subscribe().wait_for(|reset| *reset).await;
    }

    fn is_reset(&self) -> bool {
        *self.sealed.borrow()
    }
}

/// A socket bound to a fate.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    fate: Arc<Fate>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, fate: Arc<Fate>) -> Self {
        // Held-back small segments would be a fault that nobody asked for. A socket that refuses is already dead.
        let _ = stream.set_nodelay(true);
        Self { stream, fate }
    }

    /// After a reset nothing moves any more. Above all no FIN: whoever owns this socket may hear of its peer's end
    /// before it hears of its own fate, and would close in good order.
    fn alive(&self) -> io::Result<()> {
        if self.fate.is_reset() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.fate.is_reset() {
            // A socket that cannot be told is already gone.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
