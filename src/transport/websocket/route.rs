//! The route `GET /rt/ws`, and upgrades that carry no session.

use std::sync::Arc;

use axum::http::{HeaderMap, Request};
use axum::response::Response;
use http_body::Body;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::carrier::Carrier;
use super::handshake;
use crate::node::Node;
use crate::protocol::code::{BadUpgrade, Mistake, Refusal};
use crate::transport::arrival::Arrival;
use crate::transport::http::answer::refuse;
use crate::transport::takeover::state::Taker;

/// Opens a leg by an upgrade. A carrier serves the socket in a task of its own, and keeps the connection's permit
/// meanwhile. `deflate`: messages may be compressed, if the client wants that.
pub fn open<B: Body>(node: &Arc<Node>, arrival: Arrival, mut request: Request<B>, deflate: bool) -> Response {
    let (response, deflate) = match handshake::answer(request.headers(), deflate) {
        Ok(answer) => answer,
        Err(mistake) => return refuse(None, &mistake.into()),
    };
    if !request.body().is_end_stream() {
        // A proxy could take the body for frames.
        return refuse(None, &Mistake::from(BadUpgrade::Body).into());
    }
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return refuse(None, &Mistake::from(BadUpgrade::Fixed).into());
    };
    let link = node.socket(arrival.caller());
    if let Some(takeover) = arrival.takeover {
        takeover.request(Taker::WebSocket(link, deflate));
    } else {
        tokio::spawn(async move {
            if let Ok(upgraded) = upgrade.await {
                Carrier::new(TokioIo::new(upgraded), &[], link, deflate, arrival.permit).await;
            }
        });
    }
    response
}

/// Answers the upgrade of a WebSocket without a session. The caller serves the socket.
///
/// # Errors
/// The request is not an upgrade.
pub fn accept(headers: &HeaderMap) -> Result<Response, Refusal> {
    let (response, _) = handshake::answer(headers, false)?;
    Ok(response)
}
