//! Composition: configuration, limits at the door, the router, pages, figures, and the stop.
//!
//! # Layout
//! - [`config`]: what an operator may set, checked once
//! - [`gate`]: who may come in: origins and hosts
//! - `routes`: which path leads where, and the headers every answer has
//! - `pages`: the start page, the doctor's, and the client's files
//! - `metrics`: `/metrics`
//! - [`serve`]: accepting connections, and stopping gracefully
//! - `stall`: peers that stop reading

pub mod config;
pub mod gate;
mod metrics;
mod pages;
mod routes;
pub mod serve;
mod stall;

use std::sync::Arc;

use axum::Router;

use self::config::Config;
use self::gate::Gate;
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
        routes::router(&self.driver, &self.gate, self.start.clone())
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }
}
