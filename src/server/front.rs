//! The way of a request: the gate, the session's own routes, and a router for the rest.
//!
//! The session's routes are looked up here, not in the router: cloning and boxing its layers for each request cost as much as
//! everything else that a poll does, and what they held while it waited more than the session.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, ORIGIN,
    RETRY_AFTER, TRANSFER_ENCODING, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::config::Config;
use super::files::takes_gzip;
use super::forwarded::{self, Prefix};
use super::gate::{self, Gate};
use crate::node::Node;
use crate::protocol::Nonce;
use crate::protocol::code::Refusal;
use crate::protocol::limits::BODY_BYTES;
use crate::transport::http::query;
use crate::transport::{Arrival, echo, poll, refuse, sse, websocket};

/// An answer to come.
type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Answers `ok`, to anybody: who watches over a gateway asks by whatever address it has, and is told nothing that is not known.
pub(super) const HEALTH: &str = "/healthz";

/// See the module. Cloning shares it.
#[derive(Clone)]
pub(super) struct Front(Arc<Shared>);

struct Shared {
    node: Arc<Node>,
    gate: Arc<Gate>,
    /// Proxies whose word on whose request it is is believed.
    trusted: Box<[Prefix]>,
    /// WebSocket messages and answers of polls are compressed for clients that take that.
    compression: bool,
    /// The path before the session's routes: `/rt`, or nothing in a router that another one nests.
    mount: &'static str,
    rest: Router,
}

impl Front {
    pub(super) fn new(node: Arc<Node>, gate: Arc<Gate>, config: &Config, mount: &'static str, rest: Router) -> Self {
        let rest = rest.layer(cors(&gate));
        let (trusted, compression) = (config.server.trusted_proxies.as_slice().into(), config.server.compression);
        Self(Arc::new(Shared { node, gate, trusted, compression, mount, rest }))
    }

    /// Answers a request. A refusal echoes the nonce of the query, on each path. So a client with the wrong path or origin can tell a
    /// refusal of the gateway from the answer of a stranger.
    pub(super) fn answer<B>(&self, request: Request<B>, arrival: Arrival) -> Answer
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + Unpin + 'static,
    {
        let Some(nonce) = nonce_of(request.uri()) else { return self.lead(request, arrival) };
        let answer = self.lead(request, arrival);
        Box::pin(async move { echo(answer.await, &nonce) })
    }

    /// Leads a request to its route. A poll's future lives for as long as the poll waits: it is no larger than its route needs.
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
        arrival.peer = arrival.peer.map(|peer| forwarded::unwrap(peer, request.headers(), &self.0.trusted));
        let (node, origin) = (Arc::clone(&self.0.node), request.headers().get(ORIGIN).cloned());
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

    async fn rest(self, mut request: Request<Body>, arrival: Arrival) -> Response {
        request.extensions_mut().insert(arrival);
        let response = self.0.rest.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        noted(&self.0.node, response)
    }

    /// Answers a request for which there is no room: `full`, or that the gateway is well.
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
        let origin = request.headers().get(ORIGIN).cloned();
        // It is read to its end, or the answer could be lost to a reset; and a client believes an answer by its own nonce.
        let body = http_body_util::Limited::new(request.into_body(), BODY_BYTES).collect().await;
        let hello = body.ok().and_then(|body| crate::protocol::body::read(&body.to_bytes()).ok());
        let nonce = hello.map(|body| body.hello.nonce);
        whole_answer(&self.0.node, refuse(nonce.as_ref(), full), origin)
    }
}

/// Counts what was refused.
fn noted(node: &Node, response: Response) -> Response {
    if let Some(refusal) = response.extensions().get() {
        node.note(refusal);
    }
    response
}

/// The nonce in a query, if it is one.
pub(super) fn nonce_of(uri: &Uri) -> Option<Nonce> {
    let nonce = query::parameter(uri.query()?, "nonce").ok()??;
    Nonce::try_from(nonce.into_owned()).ok()
}

/// A carrier may take the connection over only if other requests may follow this one.
fn for_request<B>(arrival: Arrival, request: &Request<B>) -> Arrival {
    if stays_open(request) { arrival } else { arrival.without_takeover() }
}

/// Whether a request's connection is one of HTTP/1.1 that may have others after it: a body has chunks there, and an answer its length.
/// A request in chunks may have stated a length as well. Then nothing may follow it, and only HTTP knows that.
fn stays_open<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let mut wishes = headers.get_all(CONNECTION).iter();
    request.version() == Version::HTTP_11
        && !headers.contains_key(TRANSFER_ENCODING)
        && wishes.all(|wish| wish.as_bytes().eq_ignore_ascii_case(b"keep-alive"))
}

/// A poll's or a send's answer: whole and short, so nothing has to be kept from buffering it, and each header counts, since a poll
/// that waits for a single line is answered by little else.
fn whole_answer(node: &Node, response: Response, origin: Option<HeaderValue>) -> Response {
    let mut response = noted(node, response);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    readable(response, origin)
}

/// A stream's or a socket's answer.
fn open_answer(node: &Node, response: Response, origin: Option<HeaderValue>) -> Response {
    readable(with_headers(noted(node, response)), origin)
}

/// The page that asked may read it: other origins have not come through the gate.
fn readable(mut response: Response, origin: Option<HeaderValue>) -> Response {
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("origin"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    }
    response
}

/// The headers of what must come through as it is written (they took a default nginx from 0 of 10 events to 10 of 10).
pub(super) fn with_headers(mut response: Response) -> Response {
    const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    response
}

/// Bodies are `text/plain`, so that a call from another origin needs no preflight; the answer still says who may read it.
fn cors(gate: &Arc<Gate>) -> CorsLayer {
    let gate = Arc::clone(gate);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| gate.allows_origin(origin)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([CONTENT_TYPE, HeaderName::from_static("last-event-id"), CACHE_CONTROL])
        .expose_headers([RETRY_AFTER])
}
