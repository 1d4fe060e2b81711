//! An application with routes of its own beside the gateway's, or one that serves the gateway by its own server.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router, middleware};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use throughline::server::Gateway;
use throughline::server::config::Config;
use throughline::transport::{Arrival, ConnectionPermit, Peer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::gateway::{Running, within_patience};

/// Says when its client has shut its sending side, and ends.
async fn watching(Extension(arrival): Extension<Arrival>) -> Response {
    let half_closed =
        poll_fn(
            move |_| {
                if arrival.is_half_closed() { Poll::Ready(Bytes::from_static(b"half-closed")) } else { Poll::Pending }
            },
        );
    let pieces = stream::once(async { Bytes::from_static(b"open") }).chain(stream::once(half_closed));
    Response::new(Body::from_stream(pieces.map(Ok::<_, Infallible>)))
}

async fn until(socket: &mut TcpStream, wanted: &str) {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(wanted) {
        let length = within_patience(socket.read_buf(&mut seen)).await.unwrap();
        assert!(length > 0, "closed before {wanted:?}: {}", String::from_utf8_lossy(&seen));
    }
}

#[tokio::test]
async fn a_streaming_route_of_an_application_learns_that_its_client_has_shut_its_sending_side() {
    let routes = Router::new().route("/watching", get(watching));
    let gateway = Running::serving(|config| Gateway::new(config).start_page(routes), |_| {}).await;
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket.write_all(b"GET /watching HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    until(&mut socket, "open").await;
    socket.shutdown().await.unwrap();
    until(&mut socket, "half-closed").await;
}

async fn metrics(gateway: &Gateway, arrival: Option<Arrival>) -> StatusCode {
    let mut request = Request::get("/metrics").header("host", "localhost").body(Body::empty()).unwrap();
    if let Some(arrival) = arrival {
        request.extensions_mut().insert(arrival);
    }
    gateway.router().oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn another_server_says_by_an_arrival_where_a_request_comes_from() {
    let gateway = Gateway::new(Config::default());
    let from = |address: IpAddr| {
        let peer = Some(Peer { connection: address, client: address });
        Some(Arrival { peer, ..Arrival::default() })
    };
    assert_eq!(metrics(&gateway, None).await, StatusCode::FORBIDDEN);
    assert_eq!(metrics(&gateway, from(Ipv4Addr::new(192, 0, 2, 1).into())).await, StatusCode::FORBIDDEN);
    assert_eq!(metrics(&gateway, from(Ipv4Addr::LOCALHOST.into())).await, StatusCode::OK);
}

/// One of the connections that are counted here.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn new(taken: &Arc<AtomicUsize>) -> Self {
        taken.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(taken))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_socket_behind_another_server_keeps_the_permit_of_its_connection_to_its_end() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let arrives = move |mut request: Request<Body>| {
        let permit = Some(ConnectionPermit(Arc::new(Place::new(&counted))));
        request.extensions_mut().insert(Arrival { permit, ..Arrival::default() });
        std::future::ready(request)
    };
    let router = Gateway::new(Config::default()).router().layer(middleware::map_request(arrives));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let served = tokio::spawn(axum::serve(listener, router).into_future());
    let upgrade = b"GET /rt/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(upgrade).await.unwrap();
    until(&mut socket, "\r\n\r\n").await;
    // An empty ping, and its pong: HTTP is done with the connection.
    socket.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.unwrap();
    within_patience(socket.read_exact(&mut [0; 2])).await.unwrap();
    assert_eq!(taken.load(Ordering::SeqCst), 1);
    drop(socket);
    within_patience(async {
        while taken.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    served.abort();
}
