//! WebSocket: `GET /rt/ws`. One frame, one message.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use bytes::Bytes;
use futures::SinkExt as _;
use futures::StreamExt as _;

use super::answer::refuse;
use super::{Held, Peer};
use crate::driver::Driver;
use crate::driver::link::{Link, Progress};
use crate::protocol::code::{Code, Refusal};
use crate::protocol::frame::RawFrame;
use crate::protocol::limits::{BODY_BYTES, HELLO_DEADLINE};
use crate::protocol::{Line, SUBPROTOCOL};

/// The library zero-fills this much before every read attempt, and keeps it per connection (its default of
/// 128 KiB made an idle connection cost 138 KB).
const READ_BUFFER: usize = 512;
/// A message with a line and raw bytes; base64 of the bytes must still fit a body.
const LONGEST_MESSAGE: usize = BODY_BYTES;
/// A socket that was sent too much is kept so long before it is closed with all that was not read: that resets it, and a reset
/// takes away what the client has not read yet.
const LINGER: Duration = Duration::from_secs(1);
/// After `end` the client's late lines are read for this long (rule 5), unless it closes first.
const LATE_LINES: Duration = Duration::from_secs(5);

/// Upgrades, and serves the socket in the task of its connection.
pub async fn upgrade(
    State(driver): State<Arc<Driver>>,
    held: Option<Extension<Held>>,
    peer: Option<Extension<Peer>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(why) => {
            return refuse(None, &Refusal::bad_frame(format!("not a WebSocket upgrade: {why}")));
        }
    };
    upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * BODY_BYTES)
        .max_message_size(LONGEST_MESSAGE)
        .max_frame_size(LONGEST_MESSAGE)
        .on_upgrade(move |socket| {
            Box::pin(async move {
                serve(socket, driver.socket(peer.map(|peer| peer.client))).await;
                drop(held);
            })
        })
}

enum Event {
    Message(Option<Result<Message, axum::Error>>),
    Lines(Progress),
    NoHello,
}

async fn serve(mut socket: WebSocket, mut link: Link) {
    let no_hello = tokio::time::sleep(HELLO_DEADLINE);
    tokio::pin!(no_hello);
    let mut out = Vec::new();
    loop {
        let event = tokio::select! {
            message = socket.recv() => Event::Message(message),
            progress = poll_fn(|cx| link.poll_lines(cx, &mut out)) => Event::Lines(progress),
            () = &mut no_hello, if link.is_silent() => Event::NoHello,
        };
        match event {
            Event::Message(Some(Ok(message))) => receive(&mut link, message),
            Event::Message(Some(Err(error))) => {
                if let Some((code, refusal)) = fault(&error) {
                    turn_away(socket, link, code, refusal).await;
                }
                return;
            }
            Event::Message(None) => return,
            Event::NoHello => {
                link.refuse(&Refusal::new(Code::Timeout, "no hello came within 10 s"));
            }
            Event::Lines(progress) => {
                if write(&mut socket, &mut out).await.is_err() {
                    return;
                }
                if progress == Progress::End {
                    return finish(socket, link).await;
                }
            }
        }
    }
}

/// A message could not be read at all, nor can anything after it.
async fn turn_away(mut socket: WebSocket, mut link: Link, code: u16, refusal: Refusal) {
    let reason = Utf8Bytes::from_static(refusal.code.name());
    link.receive(Err(refusal));
    let mut out = Vec::new();
    poll_fn(|cx| link.poll_lines(cx, &mut out)).await;
    drop(link);
    let _ = write(&mut socket, &mut out).await;
    let frame = CloseFrame { code, reason };
    let _ = socket.send(Message::Close(Some(frame))).await;
    tokio::time::sleep(LINGER).await;
}

fn receive(link: &mut Link, message: Message) {
    match message {
        Message::Text(text) => link.receive(Ok(RawFrame::text(Bytes::from(text)))),
        Message::Binary(bytes) => link.receive(RawFrame::from_binary_message(&bytes)),
        // The library answers pings; a close ends the stream of messages.
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
    }
}

/// Feeds all lines and flushes once. An error if the socket is dead, which it also is when it takes nothing for long: that is seen
/// to below us, for every transport.
async fn write(socket: &mut WebSocket, lines: &mut Vec<Line>) -> Result<(), axum::Error> {
    for line in lines.drain(..) {
        socket.feed(message(&line)?).await?;
    }
    socket.flush().await
}

fn message(line: &Line) -> Result<Message, axum::Error> {
    match line.binary_message() {
        Some(bytes) => Ok(Message::Binary(bytes.clone())),
        None => Utf8Bytes::try_from(line.json()).map(Message::Text).map_err(axum::Error::new),
    }
}

/// `end` was written: close, and take the lines that are still on their way.
async fn finish(mut socket: WebSocket, mut link: Link) {
    if socket.send(Message::Close(None)).await.is_err() {
        return;
    }
    let late = async {
        while let Some(Ok(message)) = socket.next().await {
            receive(&mut link, message);
        }
    };
    let _ = tokio::time::timeout(LATE_LINES, late).await;
}

/// What the peer did wrong, where the connection did not simply break. The library tells its errors apart by their words only,
/// seen through axum.
fn fault(error: &axum::Error) -> Option<(u16, Refusal)> {
    let cause = std::error::Error::source(error)?.to_string();
    if cause.contains("too long") {
        let message = format!("a message may be {LONGEST_MESSAGE} bytes long");
        return Some((close_code::SIZE, Refusal::new(Code::TooLarge, message)));
    }
    let refusal = || Refusal::bad_frame("a frame must be UTF-8");
    cause.contains("UTF-8").then(|| (close_code::INVALID, refusal()))
}
