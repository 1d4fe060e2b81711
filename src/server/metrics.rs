//! `/metrics`: metrics for Prometheus, for this machine only.
//!
//! The code that handles an event counts it (`node::counters`). This module looks up the current state when a request
//! asks for it.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, FORWARDED, HOST, VIA};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::gate::is_loopback;
use super::process;
use crate::node::Node;
use crate::protocol::code::Mistake;
use crate::transport::{Arrival, refuse};

/// The type that a request for OpenMetrics accepts.
const OPEN_METRICS: &str = "application/openmetrics-text";

/// The metrics of one gateway, and the node that they describe.
pub(super) struct Metrics {
    registry: Registry,
    node: Arc<Node>,
    sessions: Gauge,
    replay_bytes: Gauge,
    channels: Gauge,
    /// The open connections.
    pub(super) connections: Gauge,
    /// The maximum number of connections.
    pub(super) connections_limit: Gauge,
    resident_memory: Gauge,
    open_files: Gauge,
    most_files: Gauge,
}

impl Metrics {
    /// Returns the metrics of a gateway. `node` makes its node, and gets the gateway's own part of the registry.
    pub(super) fn new(sessions: usize, connections: usize, node: impl FnOnce(&mut Registry) -> Arc<Node>) -> Self {
        let mut registry = Registry::default();
        let own = registry.sub_registry_with_prefix("throughline");
        own.register("build", "The version", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let node = node(own);
        let most = gauge(own, "sessions_limit", "How many sessions there may be");
        most.set(count(sessions));
        let connections_limit = gauge(own, "connections_limit", "How many connections there may be");
        connections_limit.set(count(connections));
        Self {
            node,
            sessions: gauge(own, "sessions", "Live sessions"),
            replay_bytes: gauge(
                own,
                "replay_bytes",
                "Bytes that sessions keep for readers that have not acknowledged them",
            ),
            channels: gauge(own, "channels", "Channels that are remembered"),
            connections: gauge(own, "connections", "Open connections"),
            connections_limit,
            // These have the names that every program uses.
            resident_memory: gauge(&mut registry, "process_resident_memory_bytes", "Resident memory"),
            open_files: gauge(&mut registry, "process_open_fds", "Open files, connections among them"),
            most_files: gauge(&mut registry, "process_max_fds", "How many files may be open"),
            registry,
        }
    }

    pub(super) const fn node(&self) -> &Arc<Node> {
        &self.node
    }

    fn look(&self) {
        self.sessions.set(count(self.node.sessions()));
        self.replay_bytes.set(count(self.node.replay_bytes()));
        self.channels.set(count(self.node.channels()));
        let known = [
            (&self.resident_memory, process::resident_memory()),
            (&self.open_files, process::open()),
            (&self.most_files, process::most()),
        ];
        for (gauge, value) in known {
            gauge.set(value.and_then(|value| i64::try_from(value).ok()).unwrap_or_default());
        }
    }

    /// Returns the metrics in the form that the request accepts.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let accepts =
            |kind| headers.get_all(ACCEPT).iter().any(|accept| accept.to_str().is_ok_and(|it| it.contains(kind)));
        let (kind, text) = self.text(accepts(OPEN_METRICS));
        ([(CONTENT_TYPE, kind)], text).into_response()
    }

    /// Returns the type of the text, and the text.
    fn text(&self, open: bool) -> (&'static str, String) {
        self.look();
        let mut text = String::new();
        let (kind, written) = if open {
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", text::encode(&mut text, &self.registry))
        } else {
            (prometheus_text::CONTENT_TYPE, prometheus_text::encode(&mut text, &self.registry))
        };
        // A string accepts every write.
        debug_assert!(written.is_ok());
        (kind, text)
    }
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) async fn show(
    State(metrics): State<Arc<Metrics>>,
    Extension(arrival): Extension<Arrival>,
    headers: HeaderMap,
) -> Response {
    match check_is_local(&arrival, &headers) {
        Ok(()) => metrics.answer(&headers),
        Err(mistake) => refuse(None, &mistake.into()),
    }
}

/// Checks that this machine asks.
pub(super) fn check_is_local(arrival: &Arrival, headers: &HeaderMap) -> Result<(), Mistake> {
    // A proxy on this machine that passes all requests on calls us by our public name.
    let by_name = headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(is_loopback);
    if !by_name || !arrival.peer.is_some_and(|peer| peer.connection.to_canonical().is_loopback()) {
        return Err(Mistake::Remote);
    }
    proxied(headers).map_or(Ok(()), |header| Err(Mistake::Proxied(header.to_owned())))
}

/// Returns a header that shows a proxy.
fn proxied(headers: &HeaderMap) -> Option<&str> {
    let shows = |name: &str| {
        [FORWARDED.as_str(), VIA.as_str(), "x-real-ip"].contains(&name) || name.starts_with("x-forwarded-")
    };
    headers.keys().map(HeaderName::as_str).find(|name| shows(name))
}
