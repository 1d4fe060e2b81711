//! A WebSocket by itself. The upgrade is an ordinary request, so any other answer can be read whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{SinkExt as _, StreamExt as _};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::http::{self, Shared};
use super::leg::{Leg, Reader, Up};
use super::speak::{Arrivals, Begun, Event, FRAME, Inbox, OPEN, Session, Stop};
use crate::protocol::SUBPROTOCOL;
use crate::protocol::limits::BODY_BYTES;

/// Lines that wait for the socket. A probe has one under way.
const WAITING: usize = 8;

pub(super) async fn open(target: &Shared) -> Result<Leg, Stop> {
    let begun = Begun::now();
    let socket = timeout(OPEN, upgrade(target)).await.unwrap_or_else(|_| Err(begun.stop("no_answer")))?;
    let (lines, waiting) = mpsc::channel(WAITING);
    let (arrivals, mut inbox) = Inbox::new("mute");
    let reader = Reader(tokio::spawn(carry(socket, waiting, arrivals)));
    let up = Up::Socket(lines);
    let mut session = Session::new(target);
    let hello = session.attach();
    up.send(&hello.line).await?;
    session.welcome(&inbox.next(FRAME, "mute").await?, &hello.nonce)?;
    up.send(r#"{"ack":0,"next":1}"#).await?;
    Ok(Leg {
        inbox,
        up,
        open_ms: begun.ms(),
        opened: Begun::now(),
        late: "mute_later",
        user: session.user,
        lost: 0,
        _reader: reader,
    })
}

async fn upgrade(target: &Shared) -> Result<WebSocketStream<TokioIo<Upgraded>>, Stop> {
    let begun = Begun::now();
    let request = Request::get(target.route("ws"))
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", STANDARD.encode(uuid::Uuid::new_v4().as_bytes()))
        .header("sec-websocket-protocol", SUBPROTOCOL);
    let response = http::begin(target, request, String::new()).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let answer = http::read(response, begun).await?;
        // The gateway itself saw a plain GET.
        if answer.first()["code"] == "bad_frame" {
            return Err(Stop::new("stripped").with("status", answer.status));
        }
        return Err(answer.wrong());
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(|_| begun.stop("refused"))?;
    let config = WebSocketConfig::default().max_message_size(Some(BODY_BYTES)).max_frame_size(Some(BODY_BYTES));
    Ok(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await)
}

/// Carries lines both ways until the socket ends, or its leg.
async fn carry(socket: WebSocketStream<TokioIo<Upgraded>>, mut lines: mpsc::Receiver<String>, arrivals: Arrivals) {
    let opened = Begun::now();
    let (mut sink, mut messages) = socket.split();
    loop {
        let gone = tokio::select! {
            line = lines.recv() => match line {
                Some(line) => sink.send(Message::text(line)).await.is_err(),
                None => true,
            },
            message = messages.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text).unwrap_or_default();
                    arrivals.send(Event::Frame(frame)).await.is_err()
                }
                Some(Ok(message)) => message.is_close(),
                Some(Err(_)) | None => true,
            },
        };
        if gone {
            // The probe may be over.
            let _ = arrivals.send(Event::End(opened.stop("cut"), Begun::now())).await;
            return;
        }
    }
}
