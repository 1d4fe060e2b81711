//! The carrier of a leg: a WebSocket, a stream with sends beside it, or polls with sends. Lines go up, frames come
//! down; it decides nothing.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};

use super::arrival::{Arrival, Failed};
use super::exchange::{Exchange, Reply};
use super::socket::Traffic;
use super::websocket::WebSocket;
use crate::cli::target::Target;
use crate::protocol::frame::RawFrame;
use crate::protocol::{Line, Transport};
use crate::session::client::Route;

/// The longest answer that is read: several times the gateway's longest.
const ANSWER: usize = 1 << 20;

/// The connections that carry one leg.
pub(super) enum Carrier {
    Socket(WebSocket),
    Requests(Box<Requests>),
}

/// Three connections: one for what comes down, one for sends with lines, one for sends with link frames.
pub(super) struct Requests {
    target: Arc<Target>,
    down: Down,
    send: Answers,
    links: Answers,
}

pub(super) enum Down {
    Stream(Events),
    Poll(Answers),
}

impl Carrier {
    pub(super) fn new(transport: Transport, target: &Arc<Target>, traffic: &Arc<Traffic>) -> Self {
        let exchange = || Exchange::new(Arc::clone(target), Arc::clone(traffic));
        let down = match transport {
            Transport::WebSocket => return Self::Socket(WebSocket::dial(Arc::clone(target), Arc::clone(traffic))),
            Transport::Sse => Down::Stream(Events { exchange: exchange(), text: BytesMut::new(), refused: None }),
            Transport::Poll => Down::Poll(Answers::new(exchange())),
        };
        let [send, links] = [Answers::new(exchange()), Answers::new(exchange())];
        Self::Requests(Box::new(Requests { target: Arc::clone(target), down, send, links }))
    }

    /// Writes messages to a socket.
    pub(super) fn write(&mut self, lines: &[Line]) {
        if let Self::Socket(socket) = self {
            socket.write(lines);
        }
    }

    /// Issues a POST.
    pub(super) fn request(&mut self, route: Route, lines: &[Line]) {
        let Self::Requests(requests) = self else { return };
        let Requests { target, down, send, links } = &mut **requests;
        match (route, down) {
            (Route::Send, _) => send.exchange.send(post(target, "send", lines)),
            (Route::Links, _) => links.exchange.send(post(target, "send", lines)),
            (Route::Stream, Down::Stream(events)) => events.exchange.send(post(target, "stream", lines)),
            (Route::Poll, Down::Poll(poll)) => {
                // The rest of a replaced poll's answer is not read.
                poll.body.clear();
                poll.exchange.send(post(target, "poll", lines));
            }
            (Route::Stream | Route::Poll, _) => {}
        }
    }

    /// Gives up the request of a route, whose answer did not come in time.
    pub(super) fn give_up(&mut self, route: Route) {
        let Self::Requests(requests) = self else { return };
        match (route, &mut requests.down) {
            (Route::Send, _) => requests.send.exchange.give_up(),
            (Route::Links, _) => requests.links.exchange.give_up(),
            (Route::Stream, Down::Stream(events)) => events.exchange.give_up(),
            (Route::Poll, Down::Poll(poll)) => poll.exchange.give_up(),
            (Route::Stream | Route::Poll, _) => {}
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Arrival> {
        match self {
            Self::Socket(socket) => socket.poll(cx),
            Self::Requests(requests) => {
                let Requests { down, send, links, .. } = &mut **requests;
                for (route, answers) in [(Route::Send, send), (Route::Links, links)] {
                    if let Poll::Ready(arrival) = answers.poll(route, cx) {
                        return Poll::Ready(arrival);
                    }
                }
                match down {
                    Down::Poll(poll) => poll.poll(Route::Poll, cx),
                    Down::Stream(events) => events.poll(cx),
                }
            }
        }
    }
}

/// Writes a request as a lean client does: a browser's headers come to about 500 bytes more.
fn post(target: &Target, route: &str, lines: &[Line]) -> Bytes {
    let length: usize = lines.iter().map(|line| line.cost() + 1).sum();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: {length}\r\n\r\n",
        target.route(route),
        target.authority(),
    );
    let mut request = BytesMut::with_capacity(head.len() + length);
    request.put_slice(head.as_bytes());
    for line in lines {
        request.put_slice(line.record());
    }
    request.freeze()
}

/// A connection whose answers are read whole.
pub(super) struct Answers {
    exchange: Exchange,
    status: u16,
    body: BytesMut,
}

impl Answers {
    fn new(exchange: Exchange) -> Self {
        Self { exchange, status: 0, body: BytesMut::new() }
    }

    fn poll(&mut self, route: Route, cx: &mut Context<'_>) -> Poll<Arrival> {
        loop {
            match std::task::ready!(self.exchange.poll(cx)) {
                Reply::Status(status) => {
                    self.status = status;
                    self.body.clear();
                }
                Reply::Piece(piece) if self.body.len() + piece.len() > ANSWER => {
                    self.exchange.give_up();
                    let failed = Failed::unanswered("an answer that never ends".to_owned());
                    return Poll::Ready(Arrival::Failed(route, failed));
                }
                Reply::Piece(piece) => self.body.extend_from_slice(&piece),
                Reply::End if self.status == 200 => {
                    return Poll::Ready(Arrival::Answer(route, lines(&self.body.split().freeze())));
                }
                Reply::End => {
                    let failed = Failed::answered(self.status, self.body.split().freeze());
                    return Poll::Ready(Arrival::Failed(route, failed));
                }
                Reply::Failed(why) => return Poll::Ready(Arrival::Failed(route, Failed::unanswered(why))),
            }
        }
    }
}

fn lines(body: &Bytes) -> Vec<RawFrame> {
    let mut frames = Vec::new();
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', body).chain([body.len()]) {
        if end > from {
            frames.push(RawFrame::text(body.slice(from..end)));
        }
        from = end + 1;
    }
    frames
}

/// A connection that reads a stream of events.
pub(super) struct Events {
    exchange: Exchange,
    text: BytesMut,
    /// The status of an answer that is not a stream.
    refused: Option<u16>,
}

impl Events {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Arrival> {
        loop {
            if self.refused.is_none()
                && let Some(frame) = self.event()
            {
                return Poll::Ready(Arrival::Frame(frame));
            }
            let failed = match std::task::ready!(self.exchange.poll(cx)) {
                Reply::Status(200) => continue,
                Reply::Status(status) => {
                    self.refused = Some(status);
                    continue;
                }
                Reply::Piece(piece) if self.text.len() + piece.len() > ANSWER => {
                    self.exchange.give_up();
                    Failed::unanswered("an event that never ends".to_owned())
                }
                Reply::Piece(piece) => {
                    self.text.extend_from_slice(&piece);
                    continue;
                }
                Reply::End => match self.refused {
                    Some(status) => Failed::answered(status, self.text.split().freeze()),
                    None => Failed::unanswered("closed".to_owned()),
                },
                Reply::Failed(why) => Failed { status: self.refused, ..Failed::unanswered(why) },
            };
            return Poll::Ready(Arrival::Failed(Route::Stream, failed));
        }
    }

    /// Returns the next event with data. Comments and other fields are skipped.
    fn event(&mut self) -> Option<RawFrame> {
        loop {
            let end = memchr::memchr(b'\n', &self.text)?;
            let line = self.text.split_to(end + 1).freeze();
            if line.starts_with(b"data: ") {
                return Some(RawFrame::text(line.slice(6..end)));
            }
        }
    }
}
