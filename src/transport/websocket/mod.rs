//! WebSocket: `GET /rt/ws`. One frame, one message.
//!
//! The upgraded socket is ours: one task, which holds no buffer while nothing is under way, and writes all lines that wait at once.
//!
//! # Layout
//! - `handshake`: whether a request is an upgrade, and its answer
//! - `framing`: bytes to messages and back
//! - `socket`: a socket and its leg

mod framing;
#[cfg(test)]
mod framing_tests;
mod handshake;
mod socket;

use std::sync::Arc;

use axum::http::Request;
use axum::response::Response;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use self::socket::Serving;
use super::answer::refuse;
use super::stall::Stalling;
use super::{Held, Peer};
use crate::driver::Driver;
use crate::driver::link::Link;
use crate::protocol::code::Refusal;

/// Upgrades, and serves the socket in a task of its own. `held` is given back when it is gone.
pub fn upgrade<B>(driver: &Arc<Driver>, mut request: Request<B>, peer: Option<Peer>, held: Option<Held>) -> Response {
    let response = match handshake::answer(request.headers()) {
        Ok(response) => response,
        Err(why) => return refuse(None, &Refusal::bad_frame(format!("not a WebSocket upgrade: {why}"))),
    };
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return refuse(None, &Refusal::bad_frame("not a WebSocket upgrade: this connection cannot become a socket"));
    };
    let link = driver.socket(peer.map(|peer| peer.client));
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            serve(upgraded, link, held);
        }
    });
    response
}

/// In a task of its own: what it took to get here is freed.
fn serve(upgraded: Upgraded, link: Link, held: Option<Held>) {
    match upgraded.downcast::<TokioIo<Stalling<TcpStream>>>() {
        Ok(parts) => tokio::spawn(Serving::new(parts.io.into_inner(), &parts.read_buf, link, held)),
        // Behind a server other than ours.
        Err(upgraded) => tokio::spawn(Serving::new(TokioIo::new(upgraded), &[], link, held)),
    };
}
