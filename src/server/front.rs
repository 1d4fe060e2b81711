//! The way of a request: the gate, the headers that other origins need, the session's own routes, and a router for the rest.
//!
//! The session's routes are looked up here, not in the router: cloning and boxing its layers for each request cost as much as
//! everything else that a poll does.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method, Request};
use axum::response::Response;
use bytes::Bytes;
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::forwarded::{self, Prefix};
use super::gate::Gate;
use crate::driver::Driver;
use crate::transport::{Held, Peer, poll, refuse, send, stream, websocket};

/// See the module. Cloning shares it.
#[derive(Clone)]
pub(super) struct Front(Arc<Shared>);

struct Shared {
    driver: Arc<Driver>,
    gate: Arc<Gate>,
    cors: CorsLayer,
    /// Proxies whose word on whose request it is is believed.
    trusted: Box<[Prefix]>,
    rest: Router,
}

impl Front {
    pub(super) fn new(driver: Arc<Driver>, gate: Arc<Gate>, trusted: &[Prefix], rest: Router) -> Self {
        Self(Arc::new(Shared { driver, cors: cors(&gate), gate, trusted: trusted.into(), rest }))
    }

    /// Answers a request that came from `peer`, with `held` as its connection's place among those allowed.
    pub(super) async fn answer<B>(self, request: Request<B>, peer: Option<Peer>, held: Option<Held>) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + Unpin + 'static,
    {
        if let Err(refusal) = self.0.gate.check(request.headers()) {
            return refuse(None, &refusal);
        }
        let peer = peer.map(|peer| forwarded::unwrap(peer, request.headers(), &self.0.trusted));
        let routed = service_fn(|request| self.route(request, peer, held.clone()));
        match self.0.cors.layer(routed).call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    async fn route<B>(
        &self,
        mut request: Request<B>,
        peer: Option<Peer>,
        held: Option<Held>,
    ) -> Result<Response, Infallible>
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + Unpin + 'static,
    {
        let driver = &self.0.driver;
        let response = match request.uri().path() {
            "/rt/ws" if request.method() == Method::GET => websocket::upgrade(driver, &mut request, peer, held),
            "/rt/send" if request.method() == Method::POST => send::send(driver, request.into_body()).await,
            "/rt/poll" if request.method() == Method::POST => {
                Box::pin(poll::poll(driver, peer, request.into_body())).await
            }
            "/rt/stream" if request.method() == Method::POST => stream::open(driver, peer, request.into_body()).await,
            _ => return Box::pin(self.rest(request.map(Body::new), peer)).await,
        };
        Ok(with_headers(response))
    }

    async fn rest(&self, mut request: Request<Body>, peer: Option<Peer>) -> Result<Response, Infallible> {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        self.0.rest.clone().oneshot(request).await
    }
}

/// The headers every answer of the session's routes has (they took a default nginx from 0 of 10 events to 10 of 10).
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
