//! One connection: served by HTTP, and by what takes it from there in between.
//!
//! hyper's HTTP/1 builder serves it, since `axum::serve` keeps buffers that make an idle stream three times as large.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::debug;

use super::front::Front;
use crate::transport::{Connection, ConnectionPermit, Peer, Takeover};

/// A request's head must have come by then; also how long an idle keep-alive connection stays.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// The most that is kept of a request's head, or of a response that waits to be written. The library's own is 400 KB.
pub(super) const BUFFER: usize = 32 * 1024;

/// Serves a connection until it ends: by HTTP, and by what takes it from there in between.
pub(super) async fn connection(socket: TcpStream, caller: Caller, leave: watch::Receiver<bool>) {
    // Lines are written whole; waiting for more of them only delays.
    let _ = socket.set_nodelay(true);
    let takeover = Takeover::default();
    let mut next = Some(takeover.watch(socket));
    while let Some(io) = next.take() {
        // Boxed, since what comes after it is far smaller and stays far longer.
        let taken = Box::pin(http(io, caller.clone(), takeover.clone(), leave.clone())).await;
        let Some((io, early)) = taken else { return };
        next = takeover.take_over(io, early, &caller.permit).await;
        if next.is_some() {
            // What was answered is answered to many at once, as a rule: they have their answers before the next requests are read.
            tokio::task::yield_now().await;
        }
    }
}

/// Whose connection it is.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) front: Front,
    pub(super) peer: Peer,
    pub(super) permit: ConnectionPermit,
}

/// Requests and answers, until the connection ends or is taken. What is left of it: itself, and what was read from it already.
async fn http(
    io: Connection,
    Caller { front, peer, permit }: Caller,
    takeover: Takeover,
    mut leave: watch::Receiver<bool>,
) -> Option<(TokioIo<Connection>, Vec<u8>)> {
    let for_requests = takeover.clone();
    let service = service_fn(move |request| {
        let answer = front.answer(request, Some(peer), Some(permit.clone()), Some(for_requests.clone()));
        answer.map(Ok::<_, Infallible>)
    });
    let mut http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        // A client that has shut its sending side may still read the answer.
        .half_close(true)
        .writev(false)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(io), service);
    let mut leave = pin!(leave.wait_for(|leave| *leave));
    let mut told = false;
    let outcome = poll_fn(|cx| {
        if !told && leave.as_mut().poll(cx).is_ready() {
            told = true;
            Pin::new(&mut http).graceful_shutdown();
        }
        match http.poll_without_shutdown(cx) {
            Poll::Pending if takeover.is_drained() => Poll::Ready(Ok(())),
            outcome => outcome,
        }
    })
    .await;
    if let Err(error) = outcome {
        debug!(%error, "a connection ended early");
        return None;
    }
    let parts = http.into_parts();
    // Not the buffer of 8 KB that it is in.
    Some((parts.io, parts.read_buf.to_vec()))
}
