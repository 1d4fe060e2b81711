//! A TCP connection that any part of the program can end with RST, even if another part owns it.
//!
//! HTTP machinery swallows the socket, so no other code can reach it to reset it. Here the socket looks at its [`Fate`]
//! when it is dropped. To cause a reset, the program seals the fate. Every task of the connection waits for that, and
//! drops the socket.

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

/// The state of a client's connection, and of all that was dialled for it: reset, forgotten, or neither.
#[derive(Debug)]
pub(super) struct Fate {
    sealed: watch::Sender<bool>,
    forgotten: AtomicBool,
}

impl Fate {
    pub(super) fn new() -> Self {
        Self { sealed: watch::Sender::new(false), forgotten: AtomicBool::new(false) }
    }

    /// Makes bytes vanish, from now on, on everything that shares this fate.
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

    /// Returns when this fate has been sealed. Cancel-safe.
    pub(super) async fn sealed(&self) {
        // The sender lives in `self`, so this cannot fail while a caller waits.
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
        // Small segments that wait would be a fault that no rule asked for. A socket that refuses the option is already
        // dead.
        let _ = stream.set_nodelay(true);
        Self { stream, fate }
    }

    /// Fails after a reset, so that nothing moves any more. Above all no FIN may go: the owner of the socket may see
    /// its peer's end before it sees the reset, and would close in good order.
    fn alive(&self) -> io::Result<()> {
        if self.fate.is_reset() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.fate.is_reset() {
            // A socket that refuses the option is already gone.
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
