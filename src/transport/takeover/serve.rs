//! The loop of one connection: HTTP serves it, and carriers take it over in between.
//!
//! hyper's HTTP/1 builder serves it, since `axum::serve` keeps buffers that make an idle stream three times as large.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use axum::http::Request;
use axum::response::Response;
use futures::FutureExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::debug;

use super::connection::Connection;
use super::permit::ConnectionPermit;
use super::state::Takeover;
use crate::transport::arrival::{Arrival, Peer};

/// The time for the head of a request. An idle keep-alive connection stays as long.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// The cap of bytes that are kept of a request's head, or of an unwritten response. The library's own cap is 400 KB.
pub const BUFFER: usize = 32 * 1024;

/// Serves a connection to its end. `answer` answers each request. Once `leave` is true, the connection takes no further
/// requests.
pub async fn serve<F, A>(
    socket: TcpStream,
    peer: Peer,
    permit: ConnectionPermit,
    answer: F,
    leave: watch::Receiver<bool>,
) where
    F: Fn(Request<Incoming>, Arrival) -> A + Clone + Unpin,
    A: Future<Output = Response> + Unpin,
{
    // Lines are written whole, so Nagle's algorithm would only delay them.
    let _ = socket.set_nodelay(true);
    let takeover = Takeover::default();
    let mut next = Some(takeover.watch(socket));
    while let Some(io) = next.take() {
        let arrival =
            Arrival { peer: Some(peer), token: None, permit: Some(permit.clone()), takeover: Some(takeover.clone()) };
        // In a box, since a carrier is far smaller and has the connection for far longer.
        let left = Box::pin(http(io, takeover.clone(), arrival, answer.clone(), leave.clone())).await;
        let Some((io, early)) = left else { return };
        next = takeover.take_over(io, early, &permit).await;
        if next.is_some() {
            // As a rule many polls are answered at once. They all have their answers before the next requests are read.
            tokio::task::yield_now().await;
        }
    }
}

/// Reads requests and writes answers, until the connection ends or a carrier takes it over. The result is the
/// connection, and the bytes that were read from it already.
async fn http<F, A>(
    io: Connection,
    takeover: Takeover,
    arrival: Arrival,
    answer: F,
    mut leave: watch::Receiver<bool>,
) -> Option<(TokioIo<Connection>, Vec<u8>)>
where
    F: Fn(Request<Incoming>, Arrival) -> A + Unpin,
    A: Future<Output = Response> + Unpin,
{
    let service = service_fn(move |request| answer(request, arrival.clone()).map(Ok::<_, Infallible>));
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
    // A copy, since the library's buffer has 8 KB.
    Some((parts.io, parts.read_buf.to_vec()))
}
