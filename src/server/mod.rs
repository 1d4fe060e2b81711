//! Puts a gateway together: configuration, limits at the door, the router, pages, figures, and the stop.
//!
//! # Layout
//! - [`config`]: the settings of an operator, checked once
//! - `credentials`: the token of a request
//! - [`gate`]: the origins and hosts that may come in
//! - [`forwarded`]: the address of a client behind proxies
//! - `proxied`: the header that some proxies send before a request
//! - `front`: the way of a request
//! - [`handle`]: the control of a running gateway
//! - `routes`: the paths that carry no session
//! - `pages`: the start page, a chat, the doctor's page, and the client's files
//! - `page`: the frame of a page, and the answer to an unknown path
//! - `files`: the answer with an embedded file
//! - `metrics`: `/metrics`
//! - [`inner`]: the listener for the operator and for the application's servers
//! - [`process`]: open files and memory of this process
//! - `door`: accepts as many connections as there is room for; `shares`: how many of them one address may have
//! - `timers`: the task that hands sessions the time, if another server serves the gateway
//! - `signing_in`: the check of tokens and the rules, by the configuration
//! - [`serve`]: serves until the stop; `drain`: stops gracefully

pub mod config;
mod credentials;
mod door;
mod drain;
mod files;
pub mod forwarded;
mod front;
pub mod gate;
pub mod handle;
pub mod inner;
mod metrics;
mod page;
mod pages;
pub mod process;
mod proxied;
mod routes;
pub mod serve;
mod shares;
mod signing_in;
mod timers;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::Extensions;
use futures::FutureExt as _;
use tokio::net::TcpListener;
use tower::service_fn;

use self::config::Config;
use self::front::Front;
use self::gate::Gate;
use self::handle::{Handle, Histories};
use self::inner::Inner;
use self::metrics::Metrics;
use self::timers::Timers;
use crate::backend::Backend;
use crate::backend::open::Open;
use crate::backend::tokens::bad_auth::BadAuth;
use crate::broker::{Broker, Retentions};
use crate::hub::Hub;
use crate::node::Node;
use crate::transport::{Arrival, Peer};

pub use self::drain::Stopped;
pub use self::files::Files;
pub use self::page::{missing, page};
pub use self::pages::{DOCTORS_WORDS, SHARED};

/// A gateway. [`Gateway::serve`] serves it with a listener of its own, and [`Gateway::router`] inside another server.
pub struct Gateway {
    node: Arc<Node>,
    gate: Arc<Gate>,
    metrics: Arc<Metrics>,
    config: Config,
    histories: Histories,
    start: Router,
    inner: Arc<Inner>,
    inner_listener: Option<TcpListener>,
    /// Why no token can be checked, if that is so.
    unfit: Option<BadAuth>,
}

impl Gateway {
    /// Returns a gateway in open mode: every client may do everything. It does not listen yet.
    ///
    /// # Examples
    /// ```
    /// use throughline::{Config, Gateway};
    ///
    /// let gateway = Gateway::new(Config::default());
    /// ```
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_backend(config, Arc::new(Open))
    }

    /// Returns a gateway whose backend decides for the application. It does not listen yet.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use throughline::{Asker, Backend, ChannelName, Code, Config, Decision, Gateway, Refusal};
    ///
    /// struct MembersOnly;
    ///
    /// impl Backend for MembersOnly {
    ///     fn subscribe(&self, who: Asker<'_>, _: &ChannelName) -> Decision<Result<(), Refusal>> {
    ///         Decision::Now(match who.identity.user {
    ///             Some(_) => Ok(()),
    ///             None => Err(Refusal::new(Code::Forbidden, "sign in first")),
    ///         })
    ///     }
    /// }
    ///
    /// let gateway = Gateway::with_backend(Config::default(), Arc::new(MembersOnly));
    /// ```
    #[must_use]
    pub fn with_backend(config: Config, backend: Arc<dyn Backend>) -> Self {
        let histories = histories(&config);
        let hub = Hub::with_retentions(config.bounds(), Arc::clone(&histories.retentions));
        Self::with_hub(config, backend, hub, histories)
    }

    /// Returns a gateway with a backend and a broker. The broker keeps the logs of the channels, within its own bounds.
    // Hidden, because the trait of a broker is in a hidden module. The tests need it.
    #[doc(hidden)]
    #[must_use]
    pub fn with_broker(config: Config, backend: Arc<dyn Backend>, broker: Box<dyn Broker>) -> Self {
        let hub = Hub::with_broker(config.limits.channels, broker);
        let histories = histories(&config);
        Self::with_hub(config, backend, hub, histories)
    }

    fn with_hub(config: Config, backend: Arc<dyn Backend>, hub: Hub, histories: Histories) -> Self {
        let (settings, limits) = (config.session.settings(), &config.limits);
        let (access, unfit) = signing_in::access(&config, backend);
        let access = Arc::new(access);
        let of_node = limits.of_node(&config.server.trusted_proxies);
        let node = |registry: &mut _| Node::new(settings, hub, access, of_node, registry);
        let metrics = Metrics::new(limits.sessions, limits.connections, node);
        let node = Arc::clone(metrics.node());
        let gate = Arc::new(Gate::new(config.server.origins.clone()));
        let start = pages::start(config.auth.as_ref());
        let metrics = Arc::new(metrics);
        let inner = Inner::new(Arc::clone(&node), Arc::clone(&metrics), &config);
        Self { node, gate, metrics, config, histories, start, inner, inner_listener: None, unfit }
    }

    /// Replaces the start page with a router. The router is behind the same gate.
    ///
    /// # Examples
    /// ```
    /// use axum::Router;
    /// use axum::response::Html;
    /// use axum::routing::get;
    /// use throughline::{Config, Gateway};
    ///
    /// let start = Router::new().route("/", get(|| async { Html("<h1>News</h1>") }));
    /// let gateway = Gateway::new(Config::default()).start_page(start);
    /// ```
    #[must_use]
    pub fn start_page(mut self, router: Router) -> Self {
        self.start = router;
        self
    }

    /// Serves the API, `/metrics` and `/readyz` with this listener, while [`Gateway::serve`] runs. Without this call it
    /// listens at the address of the configuration, if there is one.
    ///
    /// # Examples
    /// ```no_run
    /// use throughline::{Config, Gateway};
    /// use tokio::net::TcpListener;
    ///
    /// # async fn run() -> std::io::Result<()> {
    /// let inner = TcpListener::bind("127.0.0.1:0").await?;
    /// println!("the inner listener has the port {}", inner.local_addr()?.port());
    /// let gateway = Gateway::new(Config::default()).inner_listener(inner);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn inner_listener(mut self, listener: TcpListener) -> Self {
        self.inner_listener = Some(listener);
        self
    }

    /// Returns the address of the listener that [`Gateway::inner_listener`] got.
    #[cfg(feature = "cli")]
    pub(crate) fn inner_address(&self) -> Option<SocketAddr> {
        self.inner_listener.as_ref()?.local_addr().ok()
    }

    /// Returns the session's routes, for the router of an application that nests them: at `/rt`, or at another path.
    ///
    /// The URL of a client is that path. The gateway answers a request only if its host is loopback, or belongs to an
    /// origin in the configuration. It learns the address of a client from an [`Arrival`] or an
    /// [`axum::extract::ConnectInfo`] among the extensions of the request.
    ///
    /// An idle stream or poll needs more memory here than behind [`Gateway::serve`], because the connection stays with
    /// the application's server.
    ///
    /// # Panics
    /// The first request panics if a runtime other than Tokio's answers it.
    ///
    /// # Examples
    /// ```
    /// use throughline::{Config, Gateway};
    ///
    /// let gateway = Gateway::new(Config::default());
    /// let app: axum::Router = axum::Router::new().nest("/rt", gateway.router());
    /// ```
    pub fn router(&self) -> Router {
        self.behind_another_server("", routes::nested(&self.node))
    }

    /// Returns all public routes of [`Gateway::serve`], for another server: the session's routes at `/rt`, the pages and
    /// `/healthz`. It also has `/metrics`, for this machine only. The gateway handles requests and panics as with [`Gateway::router`].
    ///
    /// # Examples
    /// ```no_run
    /// use std::net::SocketAddr;
    /// use throughline::{Config, Gateway};
    /// use tokio::net::TcpListener;
    ///
    /// # async fn run() -> std::io::Result<()> {
    /// let gateway = Gateway::new(Config::default());
    /// let listener = TcpListener::bind("127.0.0.1:3000").await?;
    /// axum::serve(listener, gateway.site().into_make_service_with_connect_info::<SocketAddr>()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn site(&self) -> Router {
        self.behind_another_server(routes::MOUNT, routes::site(&self.node, &self.metrics, self.start.clone()))
    }

    fn behind_another_server(&self, mount: &'static str, rest: Router) -> Router {
        let (front, timers) = (self.front(mount, rest), Timers::new(Arc::clone(&self.node)));
        let answer = service_fn(move |request: Request| {
            timers.start();
            let arrival = arrival_of(request.extensions());
            front.answer(request, arrival).map(Ok)
        });
        Router::new().fallback_service(answer)
    }

    fn front(&self, mount: &'static str, rest: Router) -> Front {
        Front::new(Arc::clone(&self.node), Arc::clone(&self.gate), &self.config, mount, rest)
    }

    /// Returns a handle that publishes, changes settings and drains while the gateway is served.
    ///
    /// # Examples
    /// ```
    /// use axum::Router;
    /// use axum::extract::State;
    /// use axum::routing::post;
    /// use throughline::{Config, Gateway, Handle};
    ///
    /// async fn publish(State(gateway): State<Handle>, text: String) {
    ///     let _ = gateway.publish("news", text.into_bytes()).await;
    /// }
    ///
    /// let gateway = Gateway::new(Config::default());
    /// let app: Router = Router::new().route("/news", post(publish)).with_state(gateway.handle());
    /// ```
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.node), self.histories.clone(), Arc::clone(&self.inner))
    }

    /// Returns the configuration.
    ///
    /// # Examples
    /// ```
    /// use throughline::{Config, Gateway};
    ///
    /// let gateway = Gateway::new(Config::default());
    /// assert_eq!(gateway.config().limits.sessions, 100_000);
    /// ```
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }
}

/// Returns the facts that another server passes on about the connection of a request. The connection stays with that
/// server.
fn arrival_of(extensions: &Extensions) -> Arrival {
    let arrival: Arrival = extensions.get().cloned().unwrap_or_default();
    let connected = || extensions.get().map(|ConnectInfo(address): &ConnectInfo<SocketAddr>| address.ip());
    let peer = arrival.peer.or_else(|| connected().map(|connection| Peer { connection, client: connection }));
    Arrival { peer, takeover: None, ..arrival }
}

/// Returns the histories of a memory broker.
fn histories(config: &Config) -> Histories {
    let usual = config.bounds().retention;
    Histories { retentions: Arc::new(Retentions::new(config.retentions(usual))), usual }
}
