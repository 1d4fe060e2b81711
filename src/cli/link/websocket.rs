//! A WebSocket of the client: dialled, written, read. The framing is the library's.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::answered;
use super::arrival::Arrival;
use super::socket::{Traffic, dial};
use crate::cli::target::{Socket, Target};
use crate::protocol::frame::RawFrame;
use crate::protocol::limits::BODY_BYTES;
use crate::protocol::{Line, SUBPROTOCOL};

/// The size of a read: room for several messages of 1 KB, but small enough that clearing it costs nothing.
const READ: usize = 16 * 1024;

type Stream = WebSocketStream<Box<dyn Socket>>;

/// A WebSocket, or the dial of one.
pub(super) enum WebSocket {
    Dialing(BoxFuture<'static, Result<Stream, String>>),
    Open { stream: Box<Stream>, unwritten: bool },
    Over,
}

impl WebSocket {
    pub(super) fn dial(target: Arc<Target>, traffic: Arc<Traffic>) -> Self {
        Self::Dialing(Box::pin(async move { open(&target, traffic).await }))
    }

    pub(super) fn write(&mut self, lines: &[Line]) {
        let Self::Open { stream, unwritten } = self else { return };
        for line in lines {
            let text = line.event().slice_ref(line.json());
            // The client's own lines are UTF-8. A failed write shows when the socket is read.
            let Ok(text) = Utf8Bytes::try_from(text) else { continue };
            let _ = stream.start_send_unpin(Message::Text(text));
            *unwritten = true;
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Arrival> {
        let closed = match self {
            Self::Dialing(dialing) => match ready!(dialing.as_mut().poll(cx)) {
                Ok(stream) => {
                    *self = Self::Open { stream: Box::new(stream), unwritten: false };
                    return Poll::Ready(Arrival::Opened);
                }
                Err(why) => why,
            },
            Self::Open { stream, unwritten } => match ready!(advance(stream, unwritten, cx)) {
                Ok(frame) => return Poll::Ready(Arrival::Frame(frame)),
                Err(why) => why,
            },
            Self::Over => return Poll::Pending,
        };
        *self = Self::Over;
        Poll::Ready(Arrival::Closed(closed))
    }
}

fn advance(stream: &mut Stream, unwritten: &mut bool, cx: &mut Context<'_>) -> Poll<Result<RawFrame, String>> {
    if *unwritten && stream.poll_flush_unpin(cx).is_ready() {
        *unwritten = false;
    }
    loop {
        return Poll::Ready(match ready!(stream.poll_next_unpin(cx)) {
            Some(Ok(Message::Text(text))) => Ok(RawFrame::text(text)),
            Some(Ok(Message::Binary(bytes))) => {
                RawFrame::from_binary_message(&bytes).map_err(|refusal| refusal.to_string())
            }
            Some(Ok(Message::Close(_))) | None => Err("closed".to_owned()),
            Some(Ok(_)) => continue,
            Some(Err(error)) => Err(error.to_string()),
        });
    }
}

/// Does a handshake, and returns its socket.
pub(in crate::cli) async fn open(target: &Target, traffic: Arc<Traffic>) -> Result<Stream, String> {
    let socket = dial(target, traffic).await?;
    let url = format!("ws://{}{}", target.authority(), target.route("ws"));
    let mut request = url.into_client_request().map_err(|error| error.to_string())?;
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
    let config = WebSocketConfig::default()
        .read_buffer_size(READ)
        .max_message_size(Some(BODY_BYTES))
        .max_frame_size(Some(BODY_BYTES));
    match client_async_with_config(request, socket, Some(config)).await {
        Ok((stream, _)) => Ok(stream),
        Err(tungstenite::Error::Http(response)) => Err(answered(response.status().as_u16())),
        Err(error) => Err(error.to_string()),
    }
}
