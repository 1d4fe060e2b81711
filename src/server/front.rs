//! The way of a request: the gate, the session's own routes, and a router for the rest.
//!
//! The front finds the session's routes itself, without the router. The router cloned and boxed its layers for each
//! request. That cost as much as everything else that a poll does. While the poll waited, those layers held more memory
//! than its session.

use std::future::ready;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION,
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, ORIGIN, RETRY_AFTER, TRANSFER_ENCODING, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use tower_http::cors::{AllowCredentials, AllowOrigin, CorsLayer};

use super::config::Config;
use super::credentials;
use super::files::takes_gzip;
use super::forwarded::{self, Prefix};
use super::gate::{self, Gate};
use crate::node::Node;
use crate::protocol::Nonce;
use crate::protocol::code::Refusal;
use crate::protocol::limits::BODY_BYTES;
use crate::transport::http::query;
use crate::transport::{Arrival, echo, poll, refuse, sse, websocket};

/// The future of an answer.
type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// The path that answers `ok` to any request. A monitor may ask by any address of the gateway. It learns only that the
/// gateway is there.
pub(super) const HEALTH: &str = "/healthz";

/// The entrance for all requests of a gateway. Cloning shares it.
#[derive(Clone)]
pub(super) struct Front(Arc<Shared>);

struct Shared {
    node: Arc<Node>,
    gate: Arc<Gate>,
    /// The proxies whose `X-Forwarded-For` the gateway believes.
    trusted: Box<[Prefix]>,
    /// True if their connections begin with a header of the PROXY protocol.
    proxy_protocol: bool,
    /// True if the gateway compresses WebSocket messages and answers of polls, for clients that accept it.
    compression: bool,
    /// The cookie that may hold a token.
    cookie: Option<Box<str>>,
    /// The path before the session's routes: `/rt`, or nothing in a router that another router nests.
    mount: &'static str,
    rest: Router,
}

impl Front {
    pub(super) fn new(node: Arc<Node>, gate: Arc<Gate>, config: &Config, mount: &'static str, rest: Router) -> Self {
        let rest = rest.layer(cors(&gate));
        let (trusted, compression) = (config.server.trusted_proxies.as_slice().into(), config.server.compression);
        let cookie = config.auth.as_ref().and_then(|auth| auth.cookie.as_deref()).map(Into::into);
        let proxy_protocol = config.server.proxy_protocol;
        Self(Arc::new(Shared { node, gate, trusted, proxy_protocol, compression, cookie, mount, rest }))
    }

    /// Returns true if a connection of this address begins with a header of the PROXY protocol.
    pub(super) fn begins_with_header(&self, address: IpAddr) -> bool {
        self.0.proxy_protocol && self.is_proxy(address)
    }

    /// Returns true if connections of this address are those of a listed proxy.
    pub(super) fn is_proxy(&self, address: IpAddr) -> bool {
        forwarded::is_trusted(address, &self.0.trusted)
    }

    /// Answers a request. A refusal echoes the nonce of the query, on each path. So a client with a wrong path or
    /// origin can distinguish a refusal of the gateway from an answer of another server.
    pub(super) fn answer<B>(&self, request: Request<B>, arrival: Arrival) -> Answer
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + Unpin + 'static,
    {
        let Some(nonce) = nonce_of(request.uri()) else { return self.lead(request, arrival) };
        let answer = self.lead(request, arrival);
        Box::pin(async move { echo(answer.await, &nonce) })
    }

    /// Leads a request to its route. A poll's future lives for as long as the poll waits. So it is no larger than its
    /// route needs.
    fn lead<B>(&self, request: Request<B>, mut arrival: Arrival) -> Answer
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + Unpin + 'static,
    {
        let is_health = request.uri().path() == HEALTH;
        let admitted = if is_health { gate::check_form(&request) } else { self.0.gate.check(&request) };
        if let Err(refusal) = admitted {
            self.0.node.note(&refusal);
            return Box::pin(ready(refuse(None, &refusal)));
        }
        if arrival.token.is_none() {
            match credentials::token(&request, self.0.cookie.as_deref(), &self.0.gate) {
                Ok(token) => arrival.token = token,
                Err(refusal) => return Box::pin(ready(whole_answer(&self.0.node, refuse(None, &refusal), None))),
            }
        }
        arrival.peer = arrival.peer.map(|peer| forwarded::unwrap(peer, request.headers(), &self.0.trusted));
        let (node, origin) = (Arc::clone(&self.0.node), self.origin(&request));
        match (request.method(), request.uri().path().strip_prefix(self.0.mount).unwrap_or_default()) {
            (&Method::GET, "/ws") => {
                let response = websocket::open(&node, arrival, request, self.0.compression);
                Box::pin(ready(open_answer(&node, response, origin)))
            }
            (&Method::POST, "/send") => {
                let body = request.into_body();
                Box::pin(async move { whole_answer(&node, sse::send(&node, body).await, origin) })
            }
            (&Method::POST, "/poll") => {
                let arrival = for_request(arrival, &request);
                let gzip = self.0.compression && takes_gzip(request.headers());
                let body = request.into_body();
                Box::pin(async move {
                    let finish = |response| whole_answer(&node, response, origin);
                    poll::open(&node, arrival, body, gzip, finish).await
                })
            }
            (&Method::POST, "/stream") => {
                let arrival = for_request(arrival, &request);
                let body = request.into_body();
                Box::pin(async move { open_answer(&node, sse::open(&node, arrival, body).await, origin) })
            }
            _ => Box::pin(self.clone().rest(request.map(Body::new), arrival)),
        }
    }

    /// Returns the origin of a request that the gate has let in.
    fn origin<B>(&self, request: &Request<B>) -> Option<Origin> {
        let value = request.headers().get(ORIGIN)?.clone();
        let is_listed = self.0.gate.lists_origin(&value);
        Some(Origin { value, is_listed })
    }

    async fn rest(self, mut request: Request<Body>, arrival: Arrival) -> Response {
        request.extensions_mut().insert(arrival);
        let response = self.0.rest.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        noted(&self.0.node, response)
    }

    /// Answers a request for which there is no room: with `ok` for `/healthz`, and otherwise with `full`.
    pub(super) async fn turn_away<B>(self, request: Request<B>, full: Arc<Refusal>) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + Unpin + 'static,
    {
        if request.uri().path() == HEALTH && gate::check_form(&request).is_ok() {
            return "ok".into_response();
        }
        let asked = nonce_of(request.uri());
        let response = self.refuse_for_room(request, &full).await;
        if let Some(nonce) = asked { echo(response, &nonce) } else { response }
    }

    async fn refuse_for_room<B>(&self, request: Request<B>, full: &Refusal) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + Unpin + 'static,
    {
        if let Err(refusal) = self.0.gate.check(&request) {
            self.0.node.note(&refusal);
            return refuse(None, &refusal);
        }
        let origin = self.origin(&request);
        // The body is read to its end, because a reset of the connection could otherwise destroy the answer. A client
        // believes only an answer with its own nonce, which the body holds.
        let body = http_body_util::Limited::new(request.into_body(), BODY_BYTES).collect().await;
        let hello = body.ok().and_then(|body| crate::protocol::body::read(&body.to_bytes()).ok());
        let nonce = hello.map(|body| body.hello.nonce);
        whole_answer(&self.0.node, refuse(nonce.as_ref(), full), origin)
    }
}

/// The origin of the page that asks.
struct Origin {
    value: HeaderValue,
    /// The configuration lists it, so its pages may send cookies.
    is_listed: bool,
}

/// Counts a response that is a refusal.
fn noted(node: &Node, response: Response) -> Response {
    if let Some(refusal) = response.extensions().get() {
        node.note(refusal);
    }
    response
}

/// Returns the nonce in a query, if it is valid.
pub(super) fn nonce_of(uri: &Uri) -> Option<Nonce> {
    let nonce = query::parameter(uri.query()?, "nonce").ok()??;
    Nonce::try_from(nonce.into_owned()).ok()
}

/// Forbids the take-over if no other request may follow this one on its connection.
fn for_request<B>(arrival: Arrival, request: &Request<B>) -> Arrival {
    if stays_open(request) { arrival } else { arrival.without_takeover() }
}

/// Returns true if another request may follow this one on its connection. That needs HTTP/1.1, where chunks or a length
/// show the end of an answer.
///
/// It returns false for each request in chunks. Such a request may also state a length. Then none may follow it, and
/// only the HTTP library knows that.
fn stays_open<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let mut wishes = headers.get_all(CONNECTION).iter();
    request.version() == Version::HTTP_11
        && !headers.contains_key(TRANSFER_ENCODING)
        && wishes.all(|wish| wish.as_bytes().eq_ignore_ascii_case(b"keep-alive"))
}

/// Finishes the answer of a poll or of a send. It is whole and short, so a proxy may buffer it. Each header counts: an
/// answer with a single line consists of little else.
fn whole_answer(node: &Node, response: Response, origin: Option<Origin>) -> Response {
    let mut response = noted(node, response);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    readable(response, origin)
}

/// Finishes the answer of a stream or of a socket.
fn open_answer(node: &Node, response: Response, origin: Option<Origin>) -> Response {
    readable(with_headers(noted(node, response)), origin)
}

/// Allows the page that asked to read the answer. The gate has refused pages of other origins before.
fn readable(mut response: Response, origin: Option<Origin>) -> Response {
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("origin"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.value);
        if origin.is_listed {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    }
    response
}

/// Adds the headers that keep proxies from buffering an answer. With them a default nginx passed on 10 of 10 events as
/// they were written, and without them 0 of 10.
pub(super) fn with_headers(mut response: Response) -> Response {
    const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    response
}

/// Returns the layer that names the origins whose pages may read an answer. A call from another origin needs no
/// preflight, because bodies are `text/plain`.
fn cors(gate: &Arc<Gate>) -> CorsLayer {
    let (gate, listing) = (Arc::clone(gate), Arc::clone(gate));
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| gate.allows_origin(origin)))
        .allow_methods([Method::GET, Method::POST])
        .allow_credentials(AllowCredentials::predicate(move |origin, _| listing.lists_origin(origin)))
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, HeaderName::from_static("last-event-id"), CACHE_CONTROL])
        .expose_headers([RETRY_AFTER])
}
