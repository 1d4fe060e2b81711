//! The inner listener: the API for the application's servers, `/metrics` and `/readyz`.
//!
//! Clients never reach it. A route never trusts that: each one but `/readyz` needs a key, and `/metrics` needs one
//! beyond this machine.
//!
//! # Layout
//! - [`key`]: a key, as the configuration states it; `keys`: the keys in use
//! - `ask`: who asks, and what for; `fault`: why a route refuses; `refused`: the form of a refusal
//! - `listener`: accepts connections; `open`: the routes outside of the API
//! - one file for each route of the API; `description`: the description of all of them

mod ask;
mod fault;
pub mod key;
mod keys;
pub(super) mod listener;
mod open;
mod publish;
mod refused;

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use axum::Router;
use axum::routing::{get, post};

use self::keys::Keys;
use super::config::Config;
use super::metrics::Metrics;
use crate::node::Node;

/// All that the routes share.
pub(super) struct Inner {
    node: Arc<Node>,
    metrics: Arc<Metrics>,
    keys: ArcSwap<Keys>,
    begun: Instant,
}

impl Inner {
    pub(super) fn new(node: Arc<Node>, metrics: Arc<Metrics>, config: &Config) -> Arc<Self> {
        let keys = ArcSwap::from_pointee(Keys::new(&config.keys, &Keys::default()));
        Arc::new(Self { node, metrics, keys, begun: Instant::now() })
    }

    /// Applies what can change at run time.
    pub(super) fn apply(&self, config: &Config) {
        self.keys.rcu(|before| Keys::new(&config.keys, before));
    }
}

/// Returns all routes of the listener.
pub(super) fn router(inner: Arc<Inner>) -> Router {
    let api = Router::new().route("/publish", post(publish::answer));
    Router::new()
        .nest("/api/v1", api)
        .route("/metrics", get(open::metrics))
        .route("/readyz", get(open::ready))
        .fallback(refused::not_found)
        .method_not_allowed_fallback(refused::method_not_allowed)
        .with_state(inner)
}
