//! A client as plain as a socket: it writes text, and tells exactly what comes back and how it ends.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

/// Nothing in these tests takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// What must not come at all is waited for this long.
const QUIET: Duration = Duration::from_millis(120);

pub(crate) const UPGRADE: &str = "GET /rt/ws HTTP/1.1\r\nHost: origin.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

pub(crate) fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: origin.test\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By FIN, after these bytes.
    Clean(String),
    Reset,
}

pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl From<TcpStream> for Client {
    fn from(stream: TcpStream) -> Self {
        Self { stream, unread: Vec::new() }
    }
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        TcpStream::connect(addr).await.expect("the front listens").into()
    }

    /// Whether a connection is reset before anything is said on it.
    pub(crate) async fn is_reset_at_once(addr: SocketAddr) -> bool {
        match TcpStream::connect(addr).await {
            Ok(stream) => Self::from(stream).end().await == End::Reset,
            // The reset may be quicker than the connect.
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("the connection is open");
    }

    /// All up to and with this text.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        loop {
            let place = self.unread.windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(place) = place {
                let read = self.unread.drain(..place + text.len()).collect();
                return String::from_utf8(read).expect("text");
            }
            let more = self.more().await.expect("the connection is open");
            assert!(more > 0, "ended before {text:?}: {:?}", String::from_utf8_lossy(&self.unread));
        }
    }

    /// The head of a response.
    pub(crate) async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// Whether anything comes, before the connection is reset.
    pub(crate) async fn is_answered(&mut self) -> bool {
        self.more().await.is_ok_and(|count| count > 0)
    }

    /// When this text has come, counted from `start`.
    pub(crate) async fn when(&mut self, text: &str, start: Instant) -> Duration {
        self.until(text).await;
        start.elapsed()
    }

    /// Holds that nothing comes, and no end either.
    pub(crate) async fn hears_nothing(&mut self) {
        assert_eq!(String::from_utf8_lossy(&self.unread), "");
        let mut byte = [0];
        let read = timeout(QUIET, self.stream.read(&mut byte)).await;
        assert!(read.is_err(), "heard {read:?} {byte:?}");
    }

    /// Writes for as long as it is taken, up to 64 MB: whether it came to a halt before.
    pub(crate) async fn fills_up(&mut self) -> bool {
        let block = vec![b'x'; 64 * 1024];
        for _ in 0..1024 {
            match timeout(QUIET, self.stream.write_all(&block)).await {
                Ok(written) => written.expect("the connection is open"),
                Err(_) => return true,
            }
        }
        false
    }

    /// Closes its own half.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.expect("the connection is open");
    }

    /// Waits for the end.
    pub(crate) async fn end(&mut self) -> End {
        loop {
            match self.more().await {
                Ok(0) => {
                    return End::Clean(String::from_utf8(self.unread.split_off(0)).expect("text"));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return End::Reset,
                Err(error) => panic!("{error}"),
            }
        }
    }

    async fn more(&mut self) -> io::Result<usize> {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await;
        read.unwrap_or_else(|_| panic!("nothing after {:?}", String::from_utf8_lossy(&self.unread)))
    }
}
