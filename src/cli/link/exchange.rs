//! One HTTP/1.1 connection that carries one request at a time, and is kept for the next. It must never know what is
//! carried.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};

use super::http::{Decoder, Part};
use super::socket::{Traffic, dial};
use crate::cli::target::{Socket, Target};

/// The maximum number of bytes that are read at once.
const READ: usize = 16 * 1024;

/// A part of the answer to a request, or its failure.
#[derive(Debug)]
pub(super) enum Reply {
    /// The head has come.
    Status(u16),
    /// A piece of the body.
    Piece(Bytes),
    /// The answer is complete.
    End,
    /// The connection ended before the answer did.
    Failed(String),
}

/// A connection, and the request on it.
pub(super) struct Exchange {
    target: Arc<Target>,
    traffic: Arc<Traffic>,
    connection: Connection,
    decoder: Decoder,
    /// The request under way, and the part of it that is still unwritten.
    request: Option<(Bytes, Bytes)>,
    /// Whether the connection carried an answer before, but none of this request's yet. If it ends now, that says
    /// nothing of the gateway.
    stale: bool,
}

enum Connection {
    None,
    Dialing(BoxFuture<'static, Result<Box<dyn Socket>, String>>),
    Open(Box<dyn Socket>),
}

impl Exchange {
    pub(super) fn new(target: Arc<Target>, traffic: Arc<Traffic>) -> Self {
        Self { target, traffic, connection: Connection::None, decoder: Decoder::new(), request: None, stale: false }
    }

    /// Begins a request. A request under way is given up, with its connection.
    pub(super) fn send(&mut self, request: Bytes) {
        if self.request.is_some() {
            self.disconnect();
        }
        self.stale = matches!(self.connection, Connection::Open(_));
        self.request = Some((request.clone(), request));
    }

    /// Gives up the request under way, with its connection.
    pub(super) fn give_up(&mut self) {
        self.request = None;
        self.disconnect();
    }

    /// Returns the next part of the answer. It stays pending if no request is under way.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Reply> {
        loop {
            let socket = match &mut self.connection {
                Connection::Open(socket) => socket,
                Connection::Dialing(dialing) => {
                    match ready!(dialing.as_mut().poll(cx)) {
                        Ok(socket) => self.connection = Connection::Open(socket),
                        Err(why) => return Poll::Ready(self.fail(why)),
                    }
                    continue;
                }
                Connection::None if self.request.is_some() => {
                    let (target, traffic) = (Arc::clone(&self.target), Arc::clone(&self.traffic));
                    self.connection = Connection::Dialing(Box::pin(async move { dial(&target, traffic).await }));
                    continue;
                }
                Connection::None => return Poll::Pending,
            };
            if let Some((_, rest)) = &mut self.request
                && let Poll::Ready(Err(error)) = write(socket, rest, cx)
            {
                if let Some(failed) = self.ended(error.to_string()) {
                    return Poll::Ready(failed);
                }
                continue;
            }
            match self.decoder.next() {
                Ok(Some(part)) => return Poll::Ready(self.part(part)),
                Ok(None) => {}
                Err(_) => return Poll::Ready(self.fail("no HTTP".to_owned())),
            }
            let Connection::Open(socket) = &mut self.connection else { continue };
            self.decoder.buffer.reserve(READ);
            let why = match ready!(pin!(socket.read_buf(&mut self.decoder.buffer)).poll(cx)) {
                Ok(0) => "closed".to_owned(),
                Ok(_) => continue,
                Err(error) => error.to_string(),
            };
            if let Some(failed) = self.ended(why) {
                return Poll::Ready(failed);
            }
        }
    }

    fn part(&mut self, part: Part) -> Reply {
        self.stale = false;
        match part {
            Part::Head(status) => Reply::Status(status),
            Part::Piece(piece) => Reply::Piece(piece),
            Part::End { keeps } => {
                self.request = None;
                if !keeps {
                    self.disconnect();
                }
                Reply::End
            }
        }
    }

    /// Handles the end of the connection. On an idle connection it is not a failure. On a kept one, a new connection is
    /// tried, as browsers do.
    fn ended(&mut self, why: String) -> Option<Reply> {
        if !self.stale && self.request.is_some() {
            return Some(self.fail(why));
        }
        self.disconnect();
        self.stale = false;
        if let Some((whole, rest)) = &mut self.request {
            *rest = whole.clone();
        }
        None
    }

    fn fail(&mut self, why: String) -> Reply {
        self.disconnect();
        self.request = None;
        Reply::Failed(why)
    }

    fn disconnect(&mut self) {
        self.connection = Connection::None;
        self.decoder = Decoder::new();
    }
}

fn write(socket: &mut Box<dyn Socket>, rest: &mut Bytes, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
    while !rest.is_empty() {
        let written = ready!(Pin::new(&mut *socket).poll_write(cx, rest))?;
        rest.advance(written);
        if rest.is_empty() {
            return Pin::new(socket).poll_flush(cx);
        }
    }
    Poll::Ready(Ok(()))
}
