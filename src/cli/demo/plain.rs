//! `/demo/plain`: a channel over a plain WebSocket, as many applications have it. It has no session, and sends nothing
//! again.
//!
//! The page shows it beside Throughline. It must never get anything that a reader of the same channel over Throughline
//! does not get.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::node::reader::Reader;
use crate::protocol::code::{Code, Refusal};
use crate::server::handle::Handle;
use crate::transport::http::query;
use crate::transport::{Arrival, Connection, refuse, websocket};

pub(super) fn routes(handle: Handle) -> Router {
    Router::new().route("/demo/plain", get(open)).with_state(handle)
}

async fn open(
    State(handle): State<Handle>,
    Extension(arrival): Extension<Arrival>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let channel = query::parameter(uri.query().unwrap_or_default(), "channel");
    match channel {
        Ok(channel) => accept(&handle, arrival, &channel.unwrap_or_default(), &headers).await,
        Err(mistake) => Err(mistake.into()),
    }
    .unwrap_or_else(|refusal| refuse(None, &refusal))
}

async fn accept(handle: &Handle, arrival: Arrival, channel: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    let response = websocket::accept(headers)?;
    let takeover =
        arrival.takeover.ok_or_else(|| Refusal::new(Code::Internal, "this server cannot hand a connection over"))?;
    let reader = handle.read_channel(channel).await?;
    takeover.upgrade_to(Box::new(move |io, early| Box::pin(carry(io, early, reader))));
    Ok(response)
}

/// Sends each publication as a text message, until one of the two sides is gone.
async fn carry(io: Connection, early: Vec<u8>, mut reader: Reader) {
    let mut socket = WebSocketStream::from_partially_read(io, early, Role::Server, None).await;
    loop {
        let sent = tokio::select! {
            line = reader.next() => match line {
                None => break,
                Some(line) => match Utf8Bytes::try_from(line.json().to_vec()) {
                    Ok(text) => socket.send(Message::Text(text)).await,
                    Err(_) => Ok(()),
                },
            },
            // Reading answers pings and closes. The page's own messages do not matter.
            heard = socket.next() => match heard {
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => break,
            },
        };
        if sent.is_err() {
            break;
        }
    }
    let _ = socket.close(None).await;
}
