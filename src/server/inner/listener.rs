//! Accepts the connections of the inner listener, and answers their requests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, Request};
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use tracing::{error, warn};

use super::fault::Fault;
use super::refused::Refused;
use super::{Inner, router};
use crate::protocol::code::Refusal;
use crate::transport::{Arrival, Peer};

/// The most connections. Further ones wait.
const CONNECTIONS: usize = 1_024;
/// The time for the head of a request, and for the pause before it.
const IDLE: Duration = Duration::from_secs(60);
/// The pause after a failure to accept a connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Serves until it is dropped. It never ends by itself.
pub(in crate::server) async fn serve(listener: TcpListener, inner: Arc<Inner>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let router = router(Arc::clone(&inner));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((socket, peer)) => {
                let connection = connection(socket, peer, Arc::clone(&inner), router.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(why) => {
                warn!(%why, "the inner listener could not accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection(socket: TcpStream, peer: SocketAddr, inner: Arc<Inner>, router: Router) {
    let arrival = Arrival { peer: Some(Peer { connection: peer.ip(), client: peer.ip() }), ..Arrival::default() };
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(arrival.clone());
        let (inner, router) = (Arc::clone(&inner), router.clone());
        async move { Ok::<_, Infallible>(answer(&inner, router, request.map(Body::new)).await) }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(socket), service);
    // A peer that is too slow, or breaks off, gets no answer.
    let _ = http.await;
}

/// Answers a request.
async fn answer(inner: &Inner, router: Router, request: Request<Body>) -> Response {
    let path = request.uri().path().to_owned();
    let answered = async move { router.oneshot(request).await.unwrap_or_else(|never| match never {}) };
    let mut response = caught(&path, answered).await;
    if let Some(refusal) = response.extensions().get::<Refusal>() {
        inner.node.note(refusal);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Answers for a route that panics as for one that failed.
async fn caught(path: &str, answered: impl Future<Output = Response>) -> Response {
    AssertUnwindSafe(answered).catch_unwind().await.unwrap_or_else(|_| {
        error!(path, "a route of the inner listener panicked");
        Refused::from(Fault::Failed).into_response()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_route_that_panics_answers_as_one_that_failed() {
        let response = caught("/a", async { panic!("it does on purpose") }).await;
        assert_eq!(response.status(), 500);
        let refusal = response.extensions().get::<Refusal>().map(Refusal::code);
        assert_eq!(refusal.map(crate::protocol::code::Code::name), Some("internal"));
        assert_eq!(caught("/a", async { Response::default() }).await.status(), 200);
    }
}
