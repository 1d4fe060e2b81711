//! The rest of a stream on its taken connection: events in chunks (RFC 9112, section 7.1), until the leg ends or the
//! client is gone.

use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use crate::node::link::{Link, Progress};
use crate::transport::http::answer;
use crate::transport::takeover::connection::Connection;
use crate::transport::takeover::half_closed::HalfClosed;
use crate::transport::takeover::permit::ConnectionPermit;
use crate::transport::takeover::writer::Writer;

/// Room for a chunk's length in hexadecimal, and its end of line.
const HEAD: usize = 10;

/// Carries a stream to its end.
pub(in crate::transport) struct Carrier {
    writer: Writer<Connection>,
    half_closed: HalfClosed,
    /// Dropped with the connection.
    _permit: ConnectionPermit,
}

impl Carrier {
    pub(in crate::transport) fn new(io: Connection, link: Link, permit: ConnectionPermit) -> Self {
        Self { writer: Writer::new(io, link), half_closed: HalfClosed::default(), _permit: permit }
    }
}

impl Future for Carrier {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { writer, half_closed, .. } = &mut *self;
        // A client sends nothing more on this connection. Any bytes are dropped.
        let mut nothing = [0; 64];
        while !half_closed.has_begun() {
            let mut read = ReadBuf::new(&mut nothing);
            match Pin::new(&mut writer.io).poll_read(cx, &mut read) {
                Poll::Pending => break,
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {}
                Poll::Ready(Ok(())) => half_closed.begin(),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
            }
        }
        let mut asks = half_closed.poll_tick(cx).is_ready();
        let _ = ready!(
            writer.poll_write(cx, |link, cx, gathered| { gather(link, cx, gathered, std::mem::take(&mut asks)) })
        );
        Poll::Ready(())
    }
}

/// Gathers one chunk of all lines that are there, and the last chunk after the last lines. `asks`: a comment comes
/// first, which shows whether the client still reads.
fn gather(link: &mut Link, cx: &mut Context<'_>, gathered: &mut Vec<u8>, asks: bool) -> Poll<Progress> {
    gathered.resize(HEAD, b' ');
    if asks {
        gathered.extend_from_slice(&answer::COMMENT);
    }
    let progress = link.poll_lines(cx, |line| gathered.extend_from_slice(line.event()));
    let length = gathered.len() - HEAD;
    if length == 0 {
        gathered.clear();
    } else {
        let mut head = [0; HEAD];
        let free = HEAD - head_length(length);
        // This cannot fail, since `head_length` is exact.
        let _ = write!(&mut head[free..], "{length:x}\r\n");
        gathered[..HEAD].copy_from_slice(&head);
        gathered.drain(..free);
        gathered.extend_from_slice(b"\r\n");
    }
    if progress == Poll::Ready(Progress::End) {
        gathered.extend_from_slice(b"0\r\n\r\n");
    }
    progress
}

/// Returns the length of a chunk's head: the digits of its length, and the end of line.
const fn head_length(length: usize) -> usize {
    length.ilog2() as usize / 4 + 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_chunk_is_as_long_as_was_computed() {
        for length in [1, 9, 15, 16, 255, 256, 4095, 4096, 65_535, 65_536, 200_000] {
            assert_eq!(head_length(length), format!("{length:x}\r\n").len(), "{length}");
        }
    }
}
