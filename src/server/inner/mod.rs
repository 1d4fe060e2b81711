//! The inner listener: the API for the application's servers, `/metrics` and `/readyz`.
//!
//! Clients never reach it. A route never trusts that: each one but `/readyz` needs a key, and `/metrics` needs one
//! beyond this machine.
//!
//! # Layout
//! - [`key`]: a key, as the configuration states it; `keys`: the keys in use
//! - `ask`: the key and the body of a request; `fault`: why a route refuses; `refused`: the form of a refusal
//! - `listener`: accepts connections; `open`: the routes outside of the API
//! - one file for each route of the API; `description`: the description of all of them

mod ask;
mod batch;
mod description;
mod disconnect;
mod fault;
pub mod key;
mod keys;
pub(super) mod listener;
mod open;
mod publish;
mod refused;
mod revoke;
mod sessions;
mod token;
mod transports;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::Router;
use axum::routing::{get, post};

use self::keys::Keys;
use self::token::Signer;
use super::config::Config;
use super::metrics::Metrics;
use crate::node::Node;

/// All that the routes share.
pub(super) struct Inner {
    node: Arc<Node>,
    metrics: Arc<Metrics>,
    keys: ArcSwap<Keys>,
    /// Makes tokens, if the configuration has a secret.
    signer: Option<Signer>,
    /// The time in which clients leave a transport that is withdrawn.
    jitter: Mutex<Duration>,
    begun: Instant,
}

impl Inner {
    pub(super) fn new(node: Arc<Node>, metrics: Arc<Metrics>, config: &Config) -> Arc<Self> {
        let keys = ArcSwap::from_pointee(Keys::new(&config.keys, &Keys::default()));
        let signer = config.auth.as_ref().and_then(Signer::new);
        let jitter = Mutex::new(config.session.switch_jitter);
        Arc::new(Self { node, metrics, keys, signer, jitter, begun: Instant::now() })
    }

    /// Applies what can change at run time.
    pub(super) fn apply(&self, config: &Config) {
        self.keys.rcu(|before| Keys::new(&config.keys, before));
        *self.jitter.lock().unwrap_or_else(PoisonError::into_inner) = config.session.switch_jitter;
    }
}

/// Returns all routes of the listener.
pub(super) fn router(inner: Arc<Inner>) -> Router {
    let api = Router::new()
        .route("/publish", post(publish::answer))
        .route("/publish/batch", post(batch::answer))
        .route("/token", post(token::answer))
        .route("/revoke", post(revoke::answer))
        .route("/sessions", get(sessions::answer))
        .route("/disconnect", post(disconnect::answer))
        .route("/transports", post(transports::answer))
        .route("/openapi.json", get(description::answer));
    Router::new()
        .nest("/api/v1", api)
        .route("/metrics", get(open::metrics))
        .route("/readyz", get(open::ready))
        .fallback(refused::not_found)
        .method_not_allowed_fallback(refused::method_not_allowed)
        .with_state(inner)
}
