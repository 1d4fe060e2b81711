//! The way of a request: the gate, the session's own routes, and a router for the rest.
//!
//! The session's routes are looked up here, not in the router: cloning and boxing its layers for each request cost as much as
//! everything else that a poll does, and what they held while it waited more than the session.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Query;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, ORIGIN,
    RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use tower::ServiceExt as _;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::config::Config;
use super::files::takes_gzip;
use super::forwarded::{self, Prefix};
use super::gate::Gate;
use crate::driver::Driver;
use crate::protocol::Nonce;
use crate::transport::{Bare, Held, Peer, echo, poll, refuse, send, stream, websocket};

/// An answer to come.
type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Answers `ok`, to anybody: who watches over a gateway asks by whatever address it has, and is told nothing that is not known.
pub(super) const HEALTH: &str = "/healthz";

/// See the module. Cloning shares it.
#[derive(Clone)]
pub(super) struct Front(Arc<Shared>);

struct Shared {
    driver: Arc<Driver>,
    gate: Arc<Gate>,
    /// Proxies whose word on whose request it is is believed.
    trusted: Box<[Prefix]>,
    /// WebSocket messages and answers of polls are compressed for clients that take that.
    compression: bool,
    rest: Router,
}

impl Front {
    pub(super) fn new(driver: Arc<Driver>, gate: Arc<Gate>, config: &Config, rest: Router) -> Self {
        let rest = rest.layer(cors(&gate));
        let (trusted, compression) = (config.trusted_proxies.as_slice().into(), config.compression);
        Self(Arc::new(Shared { driver, gate, trusted, compression, rest }))
    }

    /// Answers a request that came from `peer`, with `held` as its connection's place among those allowed, and `bare` where the
    /// connection can be handed over. A refusal echoes the nonce of the query, whatever the path: so a client that has the wrong path,
    /// or comes from where it may not, can tell the gateway's own refusal from a stranger's answer.
    pub(super) fn answer<B>(
        &self,
        request: Request<B>,
        peer: Option<Peer>,
        held: Option<Held>,
        bare: Option<Bare>,
    ) -> Answer
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + Unpin + 'static,
    {
        let Some(nonce) = nonce_of(request.uri()) else { return self.lead(request, peer, held, bare) };
        let answer = self.lead(request, peer, held, bare);
        Box::pin(async move { echo(answer.await, &nonce) })
    }

    /// Leads a request to its route. What the future holds is held for as long as a poll waits: it is no larger than its route needs.
    fn lead<B>(&self, request: Request<B>, peer: Option<Peer>, held: Option<Held>, bare: Option<Bare>) -> Answer
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + Unpin + 'static,
    {
        if request.uri().path() != HEALTH
            && let Err(refusal) = self.0.gate.check(request.headers())
        {
            return Box::pin(ready(refuse(None, &refusal)));
        }
        let peer = peer.map(|peer| forwarded::unwrap(peer, request.headers(), &self.0.trusted));
        let (driver, origin) = (Arc::clone(&self.0.driver), request.headers().get(ORIGIN).cloned());
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/rt/ws") => {
                let response = websocket::upgrade(&driver, request, self.0.compression, peer, held, bare.as_ref());
                Box::pin(ready(open_answer(response, origin)))
            }
            (&Method::POST, "/rt/send") => {
                let body = request.into_body();
                Box::pin(async move { whole_answer(send::send(&driver, body).await, origin) })
            }
            (&Method::POST, "/rt/poll") => {
                let bare = bare.filter(|_| stays_open(&request));
                let gzip = self.0.compression && takes_gzip(request.headers());
                let body = request.into_body();
                let finish = |response| whole_answer(response, origin);
                Box::pin(async move { poll::poll(&driver, peer, body, bare, gzip, finish).await })
            }
            (&Method::POST, "/rt/stream") => {
                let bare = bare.filter(|_| stays_open(&request));
                let body = request.into_body();
                Box::pin(async move { open_answer(stream::open(&driver, peer, body, bare).await, origin) })
            }
            _ => Box::pin(self.clone().rest(request.map(Body::new), peer)),
        }
    }

    async fn rest(self, mut request: Request<Body>, peer: Option<Peer>) -> Response {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        self.0.rest.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
    }
}

/// The nonce in a query, if it is one.
pub(super) fn nonce_of(uri: &Uri) -> Option<Nonce> {
    #[derive(Deserialize)]
    struct Asked {
        nonce: Nonce,
    }
    uri.query()?;
    Query::try_from_uri(uri).ok().map(|Query(Asked { nonce })| nonce)
}

/// Whether a request's connection is one of HTTP/1.1 that may have others after it: a body has chunks there, and an answer its length.
fn stays_open<B>(request: &Request<B>) -> bool {
    let mut wishes = request.headers().get_all(CONNECTION).iter();
    request.version() == Version::HTTP_11 && wishes.all(|wish| wish.as_bytes().eq_ignore_ascii_case(b"keep-alive"))
}

/// A poll's or a send's answer: whole and short, so nothing has to be kept from buffering it, and each header counts, since a poll
/// that waits for a single line is answered by little else.
fn whole_answer(mut response: Response, origin: Option<HeaderValue>) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    readable(response, origin)
}

/// A stream's or a socket's answer.
fn open_answer(response: Response, origin: Option<HeaderValue>) -> Response {
    readable(with_headers(response), origin)
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
