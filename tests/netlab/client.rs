//! A client as plain as a socket: it writes text, and reports the exact answer and the kind of its end.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

/// A limit that a test exceeds only if the code is broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// The time for which a test waits for bytes that must not come.
const QUIET: Duration = Duration::from_millis(120);

pub(crate) const UPGRADE: &str = "GET /rt/ws HTTP/1.1\r\nHost: origin.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

pub(crate) fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: origin.test\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The end of a connection.
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

    /// Returns whether a connection is reset before either side writes.
    pub(crate) async fn is_reset_at_once(addr: SocketAddr) -> bool {
        match TcpStream::connect(addr).await {
            Ok(stream) => Self::from(stream).end().await == End::Reset,
            // The reset may come before the connect returns.
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("the connection is open");
    }

    /// Reads up to and including this text.
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

    /// Reads the head of a response.
    pub(crate) async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// Returns whether any byte arrives before the connection is reset.
    pub(crate) async fn is_answered(&mut self) -> bool {
        self.more().await.is_ok_and(|count| count > 0)
    }

    /// Returns the time from `start` to the arrival of this text.
    pub(crate) async fn when(&mut self, text: &str, start: Instant) -> Duration {
        self.until(text).await;
        start.elapsed()
    }

    /// Checks that no byte arrives, and no end.
    pub(crate) async fn hears_nothing(&mut self) {
        assert_eq!(String::from_utf8_lossy(&self.unread), "");
        let mut byte = [0];
        let read = timeout(QUIET, self.stream.read(&mut byte)).await;
        assert!(read.is_err(), "heard {read:?} {byte:?}");
    }

    /// Writes up to 64 MB, and returns whether the connection stopped accepting bytes before.
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
