//! One interface to the three transports: it sends lines with the opening, and receives frames one by one. It counts
//! nothing and answers nothing.

use std::collections::VecDeque;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{SinkExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::Value;
use throughline::protocol::Transport;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::http::{self, Answer, Opened, Task};

/// One frame as it is on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    /// A binary WebSocket message.
    Binary(Vec<u8>),
}

impl Frame {
    /// Builds a frame with raw bytes, in the transport's form.
    pub(crate) fn with_bytes(transport: Transport, head: &str, bytes: &[u8]) -> Self {
        let open = head.strip_suffix('}').unwrap();
        if transport == Transport::WebSocket {
            Self::Binary([head.as_bytes(), b"\n", bytes].concat())
        } else {
            Self::Text(format!("{open},\"b64\":\"{}\"}}", STANDARD.encode(bytes)))
        }
    }

    /// Returns the frame's line.
    pub(crate) fn line(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Binary(bytes) => {
                let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
                std::str::from_utf8(&bytes[..end]).unwrap()
            }
        }
    }

    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(self.line()).unwrap_or_else(|error| panic!("{error}: {}", self.line()))
    }

    /// Returns the frame's bytes. The frame must have its transport's form.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(_) => STANDARD.decode(self.value()["b64"].as_str().unwrap()).unwrap(),
            Self::Binary(bytes) => bytes[self.line().len() + 1..].to_vec(),
        }
    }

    fn message(&self) -> Message {
        match self {
            Self::Text(text) => Message::Text(text.clone().into()),
            Self::Binary(bytes) => Message::Binary(bytes.clone().into()),
        }
    }
}

impl<T: Into<String>> From<T> for Frame {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

/// One event from the server.
#[derive(Debug)]
pub(crate) enum Down {
    Frame(Frame),
    /// An error in answer to the opening.
    Refused(Answer),
    /// The end of the connection, or of the answer to a poll.
    Closed,
}

/// Joins the lines of a body.
pub(crate) fn body(frames: &[Frame]) -> String {
    frames.iter().map(|frame| format!("{}\n", frame.line())).collect()
}

pub(crate) struct Wire {
    pub(crate) transport: Transport,
    address: SocketAddr,
    state: State,
}

enum State {
    Socket(Box<WebSocketStream<TcpStream>>),
    Stream(Box<Opened>, Events),
    Poll(Option<Task<Answer>>, VecDeque<String>),
    Refused(Answer),
    Closed,
}

impl Wire {
    /// Opens a leg with these frames, of which the first is a hello.
    pub(crate) async fn open(address: SocketAddr, transport: Transport, frames: &[Frame]) -> Self {
        Self::open_on(connect(address, None).await, transport, frames).await
    }

    /// Opens a leg with a small receive window.
    pub(crate) async fn open_narrow(address: SocketAddr, transport: Transport, frames: &[Frame]) -> Self {
        Self::open_on(connect(address, Some(4096)).await, transport, frames).await
    }

    async fn open_on(socket: TcpStream, transport: Transport, frames: &[Frame]) -> Self {
        let address = socket.peer_addr().unwrap();
        let post = |path| http::request(Method::POST, path, body(frames));
        let state = match transport {
            Transport::WebSocket => {
                let mut socket = upgrade(socket).await;
                // The frames that arrive show whether the server read all of these.
                for frame in frames {
                    let _ = socket.feed(frame.message()).await;
                }
                let _ = socket.flush().await;
                State::Socket(Box::new(socket))
            }
            Transport::Sse => {
                let opened = http::open_on(socket, post("/rt/stream")).await;
                if opened.response.status() == 200 {
                    State::Stream(Box::new(opened), Events::default())
                } else {
                    State::Refused(http::whole(opened.response).await)
                }
            }
            Transport::Poll => {
                let post = post("/rt/poll");
                let answer = Task::spawn(async move { http::whole(http::open_on(socket, post).await.response).await });
                State::Poll(Some(answer), VecDeque::new())
            }
        };
        Self { transport, address, state }
    }

    /// Returns a connection that has died.
    pub(crate) const fn dead(transport: Transport, address: SocketAddr) -> Self {
        Self { transport, address, state: State::Closed }
    }

    /// Writes on a socket. Does nothing if the peer has closed it.
    pub(crate) async fn write(&mut self, frames: &[Frame]) {
        let State::Socket(socket) = &mut self.state else { panic!("only a socket is written to") };
        for frame in frames {
            let _ = socket.feed(frame.message()).await;
        }
        let _ = socket.flush().await;
    }

    /// Sends a poll. The client gives up an unanswered one, and the connection stays.
    pub(crate) fn poll(&mut self, frames: &[Frame]) {
        let (address, body) = (self.address, body(frames));
        let State::Poll(answer, _) = &mut self.state else { panic!("only a poll polls") };
        *answer = Some(Task::spawn(async move { http::post(address, "/rt/poll", body).await }));
    }

    /// Returns whether the test must poll before a frame can arrive.
    pub(crate) fn must_poll(&self) -> bool {
        matches!(&self.state, State::Poll(None, lines) if lines.is_empty())
    }

    /// Returns the next frame. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Down {
        loop {
            match &mut self.state {
                State::Closed => return Down::Closed,
                State::Refused(answer) => {
                    let answer = answer.clone();
                    self.state = State::Closed;
                    return Down::Refused(answer);
                }
                State::Socket(socket) => match socket.next().await {
                    Some(Ok(Message::Text(text))) => {
                        return Down::Frame(Frame::Text(text.to_string()));
                    }
                    Some(Ok(Message::Binary(bytes))) => {
                        return Down::Frame(Frame::Binary(bytes.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => self.state = State::Closed,
                },
                State::Stream(opened, events) => {
                    if let Some(event) = events.next() {
                        return Down::Frame(event.into());
                    }
                    match opened.response.frame().await {
                        Some(Ok(chunk)) => events.feed(&chunk.into_data().unwrap()),
                        Some(Err(_)) | None => self.state = State::Closed,
                    }
                }
                State::Poll(answer, lines) => {
                    if let Some(line) = lines.pop_front() {
                        return Down::Frame(line.into());
                    }
                    let Some(pending) = answer else {
                        return Down::Closed;
                    };
                    let answered = pending.join().await;
                    *answer = None;
                    if answered.status != 200 {
                        return Down::Refused(answered);
                    }
                    lines.extend(answered.body.lines().map(str::to_owned));
                }
            }
        }
    }

    /// Returns the chunks that a stream has brought so far. Each chunk holds whole writes.
    pub(crate) fn chunks(&self) -> &[String] {
        match &self.state {
            State::Stream(_, events) => &events.chunks,
            _ => &[],
        }
    }
}

/// Cuts a stream into events: their `data`, or whole blocks for the plain stream.
#[derive(Default)]
pub(crate) struct Events {
    unread: String,
    chunks: Vec<String>,
}

impl Events {
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        let chunk = std::str::from_utf8(chunk).unwrap();
        self.chunks.push(chunk.to_owned());
        self.unread.push_str(chunk);
    }

    /// Returns the next block with all its fields. Comments are blocks too.
    pub(crate) fn block(&mut self) -> Option<String> {
        let end = self.unread.find("\n\n")?;
        let block = self.unread[..end].to_owned();
        self.unread.drain(..end + 2);
        Some(block)
    }

    fn next(&mut self) -> Option<String> {
        loop {
            let block = self.block()?;
            if let Some(data) = block.strip_prefix("data: ") {
                return Some(data.to_owned());
            }
            assert_eq!(block, ":", "a session's stream has events and comments");
        }
    }
}

async fn connect(address: SocketAddr, window: Option<u32>) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(window) = window {
        socket.set_recv_buffer_size(window).unwrap();
    }
    let socket = socket.connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// Upgrades a connection to a socket that has sent nothing yet.
pub(crate) async fn upgrade(socket: TcpStream) -> WebSocketStream<TcpStream> {
    let url = format!("ws://{}/rt/ws", socket.peer_addr().unwrap());
    let mut request = url.into_client_request().unwrap();
    let wanted = "throughline.v1";
    request.headers_mut().insert("sec-websocket-protocol", wanted.parse().unwrap());
    let (socket, answer) = tokio_tungstenite::client_async(request, socket).await.unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], wanted);
    socket
}
