//! A TCP connection that counts the bytes that cross it, beneath TLS, and that can be cut as a network cuts it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::no_tls;
use crate::cli::target::{NoConnection, Socket, Target};

/// The bytes that crossed the connections of one client.
#[derive(Debug, Default)]
pub(in crate::cli) struct Traffic {
    up: AtomicU64,
    down: AtomicU64,
    /// Whether connections that end now end by RST.
    cut: AtomicBool,
}

impl Traffic {
    /// Returns the bytes up and down until now.
    pub(in crate::cli) fn bytes(&self) -> (u64, u64) {
        (self.up.load(Ordering::Relaxed), self.down.load(Ordering::Relaxed))
    }

    pub(super) fn cutting(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }
}

/// Dials a new connection that is counted.
pub(in crate::cli) async fn dial(target: &Target, traffic: Arc<Traffic>) -> Result<Box<dyn Socket>, String> {
    let connection = target.connect_by(|tcp| Counted { tcp, traffic }).await;
    connection.map_err(|why| match why {
        NoConnection::Tls(why) => no_tls(&why),
        other => other.why(),
    })
}

struct Counted {
    tcp: TcpStream,
    traffic: Arc<Traffic>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.traffic.cut.load(Ordering::Relaxed) {
            // A socket that refuses the option is already gone.
            let _ = self.tcp.set_zero_linger();
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.tcp).poll_read(cx, buffer);
        let count = buffer.filled().len() - before;
        self.traffic.down.fetch_add(count as u64, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.traffic.up.fetch_add(count as u64, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
