//! The loop of one connection: HTTP serves it, and carriers take it over in between.
//!
//! hyper's HTTP/1 builder serves it, since `axum::serve` keeps buffers that make an idle stream three times as large.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
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

/// The time for the head of the first request. A stranger who connects and stays silent has no more.
const FIRST_HEAD: Duration = Duration::from_secs(5);
/// The time for the head of a later request, so an idle keep-alive connection stays as long. Each costs 12 KB. The time
/// must be longer than that of clients, because a request on a connection that closes at that moment fails. Node closes
/// its own after 4 s, and later when it is busy: of 5,000 clients in Node, 4 % of all requests failed at 5 s.
pub const IDLE: Duration = Duration::from_secs(10);
/// The same for a proxy, which keeps few connections for many clients. Its clients would get 502. nginx and the load
/// balancers of clouds close theirs after 60 s.
pub const IDLE_OF_PROXY: Duration = Duration::from_secs(75);
/// The cap of bytes that are kept of a request's head, or of an unwritten response. The library's own cap is 400 KB.
pub const BUFFER: usize = 32 * 1024;

/// Serves a connection to its end. `answer` answers each request. The connection closes after being `idle` for so long.
/// Once `leave` is true, it takes no further requests.
pub async fn serve<F, A>(
    socket: TcpStream,
    peer: Peer,
    permit: ConnectionPermit,
    answer: F,
    idle: Duration,
    leave: watch::Receiver<bool>,
) where
    F: Fn(Request<Incoming>, Arrival) -> A + Clone + Unpin,
    A: Future<Output = Response> + Unpin,
{
    // Lines are written whole, so Nagle's algorithm would only delay them.
    let _ = socket.set_nodelay(true);
    let takeover = Takeover::default();
    let mut next = Some(takeover.watch(socket));
    let mut has_asked = false;
    while let Some(io) = next.take() {
        let arrival =
            Arrival { peer: Some(peer), token: None, permit: Some(permit.clone()), takeover: Some(takeover.clone()) };
        // In a box, since a carrier is far smaller and has the connection for far longer.
        let left =
            Box::pin(http(io, takeover.clone(), arrival, answer.clone(), leave.clone(), (has_asked, idle))).await;
        let Some((io, early)) = left else { return };
        has_asked = true;
        next = takeover.take_over(io, early, &permit).await;
        if next.is_some() {
            // As a rule many polls are answered at once. They all have their answers before the next requests are read.
            tokio::task::yield_now().await;
        }
    }
}

/// Reads requests and writes answers, until the connection ends or a carrier takes it over. The result is the
/// connection, and the bytes that were read from it already. A client that has asked before may be idle for so long.
async fn http<F, A>(
    io: Connection,
    takeover: Takeover,
    arrival: Arrival,
    answer: F,
    mut leave: watch::Receiver<bool>,
    (has_asked, idle): (bool, Duration),
) -> Option<(TokioIo<Connection>, Vec<u8>)>
where
    F: Fn(Request<Incoming>, Arrival) -> A + Unpin,
    A: Future<Output = Response> + Unpin,
{
    let is_asked = AtomicBool::new(has_asked);
    let mut first_head = pin!(tokio::time::sleep(FIRST_HEAD));
    let service = service_fn(|request| {
        is_asked.store(true, Ordering::Relaxed);
        answer(request, arrival.clone()).map(Ok::<_, Infallible>)
    });
    let mut http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
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
        let outcome = http.poll_without_shutdown(cx);
        match outcome {
            Poll::Pending if takeover.is_drained() => Poll::Ready(Ok(())),
            Poll::Pending if !is_asked.load(Ordering::Relaxed) && first_head.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Err("the first request has not come within 5 s".to_owned()))
            }
            outcome => outcome.map_err(|error| error.to_string()),
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

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use axum::body::Body;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;

    fn hello(_: Request<Incoming>, _: Arrival) -> Ready<Response> {
        ready(Response::new(Body::from("hello")))
    }

    /// Serves a connection on which these requests came. Returns how long it stays open.
    async fn lasts(requests: &str, idle: Duration) -> Duration {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(requests.as_bytes()).await.unwrap();
        let (socket, peer) = listener.accept().await.unwrap();
        let peer = Peer { connection: peer.ip(), client: peer.ip() };
        let begun = Instant::now();
        let (_stays, leave) = watch::channel(false);
        serve(socket, peer, ConnectionPermit(Arc::new(())), hello, idle, leave).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_closes_early_and_one_that_asked_stays_as_long_as_its_peer_may() {
        let whole = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        for idle in [IDLE, IDLE_OF_PROXY] {
            assert_eq!(lasts("", idle).await.as_secs(), FIRST_HEAD.as_secs());
            assert_eq!(lasts("GET / HT", idle).await.as_secs(), FIRST_HEAD.as_secs());
            assert_eq!(lasts(whole, idle).await.as_secs(), idle.as_secs());
            assert_eq!(lasts(&format!("{whole}GET / HT"), idle).await.as_secs(), idle.as_secs());
        }
    }
}
