//! A WebSocket on its taken connection: reads messages, writes lines, and ends in one of four ways.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::Sleep;

use super::framing::{Decoder, Fault, Message, Opcode, append};
use crate::node::link::Link;
use crate::protocol::code::{Leaving, Limit, Mistake, Refusal};
use crate::protocol::frame::RawFrame;
use crate::protocol::limits::{BODY_BYTES, HELLO_DEADLINE};
use crate::transport::takeover::permit::ConnectionPermit;
use crate::transport::takeover::writer::Writer;

/// A message with a line and raw bytes; base64 of the bytes must still fit a body.
const LONGEST_MESSAGE: usize = BODY_BYTES;
/// So many bytes are read at once. Then other tasks have their turn, also if there is more.
const READ: usize = 16 * 1024;
/// A socket that brought unreadable bytes is kept so long before it is closed. Closing it with unread bytes resets it,
/// and then the client loses what it has not read yet.
const LINGER: Duration = Duration::from_secs(1);
/// After `end` the client's late lines are read for this long (rule 5), unless it closes first.
const LATE_LINES: Duration = Duration::from_secs(5);

/// Codes of a close (RFC 6455, section 7.4.1).
const PROTOCOL_ERROR: u16 = 1002;
const NOT_UTF8: u16 = 1007;
const TOO_LONG: u16 = 1009;

thread_local! {
    /// All sockets of a thread read into one buffer: an idle one has none.
    static READING: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
}

/// A socket with its leg.
struct Socket<T> {
    writer: Writer<T>,
    decoder: Decoder,
    /// Our messages may be compressed.
    deflate: bool,
    /// The content of the client's last ping, until it is answered.
    ping: Option<Box<Bytes>>,
    /// Until it has said hello.
    silence: Option<Pin<Box<Sleep>>>,
    /// Dropped with the socket.
    _permit: Option<ConnectionPermit>,
}

/// Serves a socket until it is over. The future is no larger than the socket, since a hundred thousand of them may be
/// idle.
pub(in crate::transport) struct Carrier<T>(Stage<T>);

enum Stage<T> {
    Open(Socket<T>),
    Closing(Pin<Box<dyn Future<Output = ()> + Send>>),
    Over,
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Carrier<T> {
    /// A connection that was upgraded; `early` came with the request. `deflate`: permessage-deflate was agreed on.
    pub(in crate::transport) fn new(
        io: T,
        early: &[u8],
        link: Link,
        deflate: bool,
        permit: Option<ConnectionPermit>,
    ) -> Self {
        let mut socket = Socket::new(io, link, deflate, permit);
        let ending = socket.take(early);
        let mut serving = Self(Stage::Open(socket));
        if let Some(ending) = ending {
            serving.end(ending);
        }
        serving
    }

    fn end(&mut self, ending: Ending) {
        if let Stage::Open(socket) = std::mem::replace(&mut self.0, Stage::Over) {
            match ending {
                Ending::Gone | Ending::Shut => {}
                Ending::Said => self.0 = Stage::Closing(Box::pin(socket.finish())),
                Ending::Faulty(fault) => self.0 = Stage::Closing(Box::pin(socket.turn_away(fault))),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Future for Carrier<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.0 {
                Stage::Open(socket) => {
                    let ending = ready!(socket.poll_open(cx));
                    self.end(ending);
                }
                Stage::Closing(closing) => return closing.as_mut().poll(cx),
                Stage::Over => return Poll::Ready(()),
            }
        }
    }
}

/// Why a socket is no longer open.
#[derive(Clone, Copy)]
enum Ending {
    /// The client closed, or the connection broke.
    Gone,
    /// The client sends nothing more. It may still read the lines that are due.
    Shut,
    /// `end` was written.
    Said,
    /// The client sent unreadable bytes.
    Faulty(Fault),
}

impl<T: AsyncRead + AsyncWrite + Unpin> Socket<T> {
    fn new(io: T, link: Link, deflate: bool, permit: Option<ConnectionPermit>) -> Self {
        Self {
            writer: Writer::new(io, link),
            decoder: Decoder::new(LONGEST_MESSAGE, deflate),
            deflate,
            ping: None,
            silence: Some(Box::pin(tokio::time::sleep(HELLO_DEADLINE))),
            _permit: permit,
        }
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        if let Poll::Ready(ending) = self.poll_read(cx) {
            if matches!(ending, Ending::Shut) {
                // As much as goes at once: a client that is gone looks the same.
                let _ = self.poll_write(cx);
            }
            return Poll::Ready(ending);
        }
        self.poll_silence(cx);
        match ready!(self.poll_write(cx)) {
            Ok(()) => Poll::Ready(Ending::Said),
            Err(_) => Poll::Ready(Ending::Gone),
        }
    }

    /// Reads what is there. If that is more than fits, it is asked again after all other tasks.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        READING.with_borrow_mut(|buffer| {
            loop {
                let mut read = ReadBuf::new(buffer);
                match ready!(Pin::new(&mut self.writer.io).poll_read(cx, &mut read)) {
                    Ok(()) if !read.filled().is_empty() => {}
                    Ok(()) => return Poll::Ready(Ending::Shut),
                    Err(_) => return Poll::Ready(Ending::Gone),
                }
                if let Some(ending) = self.take(read.filled()) {
                    return Poll::Ready(ending);
                }
                if read.remaining() == 0 {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        })
    }

    fn take(&mut self, read: &[u8]) -> Option<Ending> {
        let (mut frames, mut closed, ping) = (Vec::new(), false, &mut self.ping);
        let fed = self.decoder.feed(read, |message| match message {
            Message::Text(text) => frames.push(Ok(RawFrame::text(text))),
            Message::Binary(bytes) => frames.push(RawFrame::from_binary_message(&bytes)),
            Message::Ping(content) => *ping = Some(Box::new(content)),
            Message::Close => closed = true,
        });
        self.writer.link.receive(frames);
        match fed {
            Err(fault) => Some(Ending::Faulty(fault)),
            Ok(()) => closed.then_some(Ending::Gone),
        }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) {
        let Some(silence) = &mut self.silence else { return };
        if !self.writer.link.is_silent() {
            self.silence = None;
        } else if silence.as_mut().poll(cx).is_ready() {
            self.silence = None;
            self.writer.link.refuse(&Leaving::NoHello.into());
        }
    }

    /// Writes all that is due, for as long as the socket takes it. Ready once nothing follows.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (ping, deflate) = (&mut self.ping, self.deflate);
        self.writer.poll_write(cx, |link, cx, gathered| {
            if let Some(ping) = ping.take() {
                append(gathered, Opcode::Pong, &ping);
            }
            link.poll_lines(cx, |line| {
                let deflated = deflate.then(|| line.deflated()).flatten();
                match (deflated, line.binary_message()) {
                    (Some(deflated), None) => append(gathered, Opcode::DeflatedText, deflated),
                    (Some(deflated), Some(_)) => append(gathered, Opcode::DeflatedBinary, deflated),
                    (None, Some(message)) => append(gathered, Opcode::Binary, message),
                    (None, None) => append(gathered, Opcode::Text, line.json()),
                }
            })
        })
    }

    /// Closes the socket after `end`, and reads the lines that are still under way. Nothing becomes due any more.
    async fn finish(mut self) {
        self.write_close(None).await;
        let _ = tokio::time::timeout(LATE_LINES, poll_fn(|cx| self.poll_read(cx))).await;
    }

    /// Ends the leg and closes the socket after an unreadable message. No later message can be read.
    async fn turn_away(mut self, fault: Fault) {
        let (close, refusal) = refusal(fault);
        let reason = refusal.code().name();
        self.writer.link.receive([Err(refusal)]);
        let ended = tokio::time::timeout(LATE_LINES, poll_fn(|cx| self.poll_write(cx))).await;
        if let Ok(Ok(())) = ended {
            self.write_close(Some((close, reason))).await;
            tokio::time::sleep(LINGER).await;
        }
    }

    async fn write_close(&mut self, why: Option<(u16, &str)>) {
        let mut content = Vec::new();
        if let Some((code, reason)) = why {
            content.extend_from_slice(&code.to_be_bytes());
            content.extend_from_slice(reason.as_bytes());
        }
        let mut frame = Vec::new();
        append(&mut frame, Opcode::Close, &content);
        let _ = self.writer.io.write_all(&frame).await;
    }
}

/// The code of the close, and the refusal that the leg ends with.
fn refusal(fault: Fault) -> (u16, Refusal) {
    match fault {
        Fault::Protocol(what) => (PROTOCOL_ERROR, Mistake::WebSocket(what).into()),
        Fault::NotUtf8 => (NOT_UTF8, Mistake::NotUtf8.into()),
        Fault::TooLong(Some(bytes)) => (TOO_LONG, Limit::MessageBytes(bytes).into()),
        Fault::TooLong(None) => (TOO_LONG, Limit::InflatedBytes.into()),
    }
}
