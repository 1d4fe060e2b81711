//! Composition: configuration, limits at the door, the router, pages, figures, and the stop.
//!
//! # Layout
//! - [`config`]: what an operator may set, checked once
//! - [`gate`]: who may come in: origins and hosts
//! - [`forwarded`]: whose address a request comes from, behind proxies
//! - [`handle`]: what may be changed while the gateway runs
//! - `routes`: which path leads where, and the headers every answer has
//! - `pages`: the start page, the doctor's, and the client's files
//! - `metrics`: `/metrics`
//! - [`serve`]: accepting connections, and stopping gracefully

pub mod config;
pub mod forwarded;
pub mod gate;
pub mod handle;
mod metrics;
mod pages;
mod routes;
pub mod serve;

use std::sync::Arc;

use axum::{Router, middleware};

use self::config::Config;
use self::gate::Gate;
use self::handle::Handle;
use crate::driver::Driver;
use crate::hub::Hub;

pub use self::pages::{DOCTORS_WORDS, file};

/// A gateway, ready to be served.
pub struct Gateway {
    driver: Arc<Driver>,
    gate: Arc<Gate>,
    config: Config,
    start: Router,
}

impl Gateway {
    /// A gateway with this configuration. Nothing is opened yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let driver = Driver::new(config.session.clone(), Hub::new(config.channels), config.sessions);
        let gate = Arc::new(Gate::new(config.origins.clone()));
        Self { driver, gate, config, start: pages::start() }
    }

    /// The same with another router in place of the start page. It is behind the same gate.
    #[must_use]
    pub fn start_page(mut self, router: Router) -> Self {
        self.start = router;
        self
    }

    /// Everything the gateway answers.
    pub fn router(&self) -> Router {
        let router = routes::router(&self.driver, &self.gate, self.start.clone());
        if self.config.trusted_proxies.is_empty() {
            return router;
        }
        let trusted = self.config.trusted_proxies.as_slice().into();
        router.layer(middleware::from_fn_with_state(trusted, forwarded::unwrap))
    }

    /// A hold on it, for while it is served.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.driver))
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }
}
