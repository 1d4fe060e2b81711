//! An application with routes of its own beside the gateway's, or one that serves the gateway by its own server.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router, middleware};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde_json::json;
use throughline::protocol::Transport;
use throughline::transport::ConnectionPermit;
use throughline::{Arrival, Auth, Code, Config, Gateway, Handle, Peer, Stopped};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::client::{Client, Seen, secret};
use crate::gateway::{Running, within_patience};
use crate::identity::{refused, token};
use crate::{http, on_every_transport};

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
    gateway.site().oneshot(request).await.unwrap().status()
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
    let router = Gateway::new(Config::default()).site().layer(middleware::map_request(arrives));
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

/// An application of axum with a gateway nested at `/rt`.
struct Application {
    address: SocketAddr,
    handle: Handle,
    served: JoinHandle<std::io::Result<()>>,
}

impl Application {
    async fn start(config: Config) -> Self {
        let gateway = Gateway::new(config);
        let app = Router::new().route("/", get(|| async { "home" })).nest("/rt", gateway.router());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        Self { address, handle: gateway.handle(), served: tokio::spawn(axum::serve(listener, service).into_future()) }
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.served.abort();
    }
}

on_every_transport! {
    async fn an_application_carries_sessions_by_its_own_server(transport) {
        let application = Application::start(Config::default()).await;
        let mut client = Client::at(application.address, &secret());
        let leg = client.attach(transport).await;
        client.subscribe(leg, "news").await;
        for at in 1..=2 {
            assert_eq!(application.handle.publish("news", json!({ "number": at })).await, Ok(at));
            let seen = client.next(leg).await;
            assert_eq!(seen.line(), format!(r#"{{"pub":"news","at":{at},"data":{{"number":{at}}}}}"#));
        }
        drop(client);
        assert_eq!(application.handle.drain(Duration::from_secs(20)).await, Stopped::Drained);
    }

    async fn behind_another_server_a_gateway_without_its_keys_refuses_each_client(transport) {
        let application = Application::start(without_keys()).await;
        for says in [json!({}), json!({ "token": token("42", Duration::from_secs(60)) })] {
            let mut client = Client::at(application.address, &secret());
            client.says = says;
            let leg = client.open(transport, true).await;
            assert_eq!(refused(&mut client, leg).await, "unavailable");
        }
    }
}

/// A configuration whose `[auth]` names keys that cannot be read.
fn without_keys() -> Config {
    let mut auth = Auth::default();
    auth.secret_file = Some("no-such-file".into());
    auth.anonymous = true;
    let mut config = Config::default();
    config.auth = Some(auth);
    config
}

#[tokio::test]
async fn behind_another_server_a_gateway_without_its_keys_refuses_plain_streams() {
    let application = Application::start(without_keys()).await;
    for bearer in [None, Some(token("42", Duration::from_secs(60)))] {
        let mut request = http::request(axum::http::Method::GET, "/rt/stream?channel=c", "");
        if let Some(token) = bearer {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        within_patience(http::exchange(application.address, request)).await.is_error(503, "unavailable");
    }
}

#[tokio::test]
async fn a_gateway_without_its_keys_does_not_serve_and_says_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let served = within_patience(Gateway::new(without_keys()).serve(listener, std::future::pending())).await;
    let why = served.expect_err("no client could be checked").to_string();
    assert!(why.starts_with("no-such-file: "), "{why}");
}

#[tokio::test]
async fn the_timers_run_behind_the_server_of_an_application() {
    let mut config = Config::default();
    config.session.poll_hold = Duration::from_secs(1);
    let application = Application::start(config).await;
    let mut client = Client::at(application.address, &secret());
    let leg = client.attach(Transport::Poll).await;
    // Without timers the gateway holds one of these polls for ever.
    for _ in 0..3 {
        let seen = within_patience(client.see(leg)).await;
        assert!(matches!(seen, Seen::Welcome(_)), "{seen:?}");
    }
}

#[tokio::test]
async fn two_gateways_in_one_process_share_no_state() {
    let (mut few, many) = (Config::default(), Config::default());
    few.limits.sessions = 1;
    let (one, other) = (Application::start(few).await, Application::start(many).await);
    let same = secret();
    for application in [&one, &other] {
        let mut client = Client::at(application.address, &same);
        let leg = client.attach(Transport::WebSocket).await;
        client.subscribe(leg, "news").await;
        assert_eq!(application.handle.publish("news", json!(1)).await, Ok(1), "the other's channel is not this one's");
        assert_eq!(client.next(leg).await.value()["at"], 1);
    }
    one.handle.set_transports(&[Transport::Poll], Duration::ZERO).unwrap();
    assert_eq!((one.handle.transports().len(), other.handle.transports().len()), (1, 3));
}

#[tokio::test]
async fn an_application_publishes_within_the_bounds_of_a_client() {
    let handle = Gateway::new(Config::default()).handle();
    assert_eq!(handle.publish("", json!(1)).await.unwrap_err().code(), Code::UnknownChannel);
    let long = json!("x".repeat(throughline::protocol::limits::LINE_BYTES));
    assert_eq!(handle.publish("news", long).await.unwrap_err().code(), Code::TooLarge);
    assert_eq!(handle.publish("news", vec![1, 2, 3]).await, Ok(1));
}
