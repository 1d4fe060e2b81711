//! The route `GET /rt/ws`, and upgrades that carry no session.

use std::sync::Arc;

use axum::http::{HeaderMap, Request};
use axum::response::Response;
use http_body::Body;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::carrier::Serving;
use super::handshake;
use crate::node::Node;
use crate::protocol::code::{BadUpgrade, Mistake, Refusal};
use crate::transport::http::answer::refuse;
use crate::transport::takeover::state::{Bare, Wanted};
use crate::transport::{Held, Peer};

/// Answers an upgrade. The socket is served in a task of its own, by [`Bare`] where the server brings that; `held` is given back when
/// it is gone. `deflate`: messages may be compressed, if the client wants that.
pub fn upgrade<B: Body>(
    node: &Arc<Node>,
    mut request: Request<B>,
    deflate: bool,
    peer: Option<Peer>,
    held: Option<Held>,
    bare: Option<&Bare>,
) -> Response {
    let (response, deflate) = match handshake::answer(request.headers(), deflate) {
        Ok(answer) => answer,
        Err(mistake) => return refuse(None, &mistake.into()),
    };
    if !request.body().is_end_stream() {
        // Who stands between might take the body for frames.
        return refuse(None, &Mistake::from(BadUpgrade::Body).into());
    }
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return refuse(None, &Mistake::from(BadUpgrade::Fixed).into());
    };
    let link = node.socket(peer.map(|peer| peer.client));
    if let Some(bare) = bare {
        bare.want(Wanted::Socket(link, deflate));
    } else {
        tokio::spawn(async move {
            if let Ok(upgraded) = upgrade.await {
                Serving::new(TokioIo::new(upgraded), &[], link, deflate, held).await;
            }
        });
    }
    response
}

/// Answers the upgrade of a WebSocket that carries no session. Who asks for this serves the socket.
///
/// # Errors
/// If the request is no upgrade.
pub fn accept(headers: &HeaderMap) -> Result<Response, Refusal> {
    let (response, _) = handshake::answer(headers, false)?;
    Ok(response)
}
