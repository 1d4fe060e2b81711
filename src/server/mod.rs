//! Composition: configuration, limits at the door, the router, pages, figures, and the stop.
//!
//! # Layout
//! - [`config`]: what an operator may set, checked once
//! - [`gate`]: who may come in: origins and hosts
//! - [`forwarded`]: whose address a request comes from, behind proxies
//! - `front`: the way of a request
//! - [`handle`]: what may be changed while the gateway runs
//! - `routes`: which path leads where, of those that carry no session
//! - `pages`: the start page, a chat, the doctor's page, and the client's files; `page`: the frame of a page, and the answer where nothing is
//! - `files`: how an embedded file is answered
//! - `metrics`: `/metrics`
//! - [`process`]: what the system lets this process have
//! - `door`: accepting connections, as many as there is room for
//! - [`serve`]: serving until the stop, and stopping gracefully

pub mod config;
mod door;
mod files;
pub mod forwarded;
mod front;
pub mod gate;
pub mod handle;
mod metrics;
mod page;
mod pages;
pub mod process;
mod routes;
pub mod serve;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use futures::FutureExt as _;
use tower::service_fn;

use self::config::Config;
use self::front::Front;
use self::gate::Gate;
use self::handle::Handle;
use self::metrics::Metrics;
use crate::backend::Backend;
use crate::backend::open::Open;
use crate::broker::Broker;
use crate::hub::Hub;
use crate::node::Node;
use crate::transport::Arrival;

pub use self::files::Files;
pub use self::page::{missing, page};
pub use self::pages::{DOCTORS_WORDS, SHARED};

/// A gateway, ready to be served.
pub struct Gateway {
    node: Arc<Node>,
    gate: Arc<Gate>,
    metrics: Arc<Metrics>,
    config: Config,
    start: Router,
}

impl Gateway {
    /// A gateway with this configuration, in open mode. Nothing is opened yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_backend(config, Arc::new(Open))
    }

    /// The same with an application that decides.
    #[must_use]
    pub fn with_backend(config: Config, backend: Arc<dyn Backend>) -> Self {
        let hub = Hub::new(config.channels);
        Self::with_hub(config, backend, hub)
    }

    /// The same with channels whose logs are at this broker. The bounds of histories are the broker's own.
    #[must_use]
    pub fn with_broker(config: Config, backend: Arc<dyn Backend>, broker: Box<dyn Broker>) -> Self {
        let hub = Hub::with_broker(config.channels.channels, broker);
        Self::with_hub(config, backend, hub)
    }

    fn with_hub(config: Config, backend: Arc<dyn Backend>, hub: Hub) -> Self {
        let node = |registry: &mut _| Node::new(config.session.clone(), hub, backend, config.sessions, registry);
        let metrics = Metrics::new(config.sessions, config.connections, node);
        let node = Arc::clone(metrics.node());
        let gate = Arc::new(Gate::new(config.origins.clone()));
        Self { node, gate, metrics: Arc::new(metrics), config, start: pages::start() }
    }

    /// The same with another router in place of the start page. It is behind the same gate.
    #[must_use]
    pub fn start_page(mut self, router: Router) -> Self {
        self.start = router;
        self
    }

    /// Everything the gateway answers, to be served by another server. That server may put an [`Arrival`] into the extensions of a
    /// request. Its connection stays with that server.
    pub fn router(&self) -> Router {
        let front = self.front();
        Router::new().fallback_service(service_fn(move |request: Request| {
            let arrival: Arrival = request.extensions().get().cloned().unwrap_or_default();
            front.answer(request, Arrival { takeover: None, ..arrival }).map(Ok)
        }))
    }

    fn front(&self) -> Front {
        let rest = routes::router(&self.node, &self.metrics, self.start.clone());
        Front::new(Arc::clone(&self.node), Arc::clone(&self.gate), &self.config, rest)
    }

    /// A hold on it, for while it is served.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.node))
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }
}
