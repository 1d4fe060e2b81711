//! `/metrics`: figures as Prometheus text, for loopback only.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::response::{IntoResponse, Response};

use super::gate::is_loopback;
use crate::driver::Driver;
use crate::protocol::Transport;
use crate::protocol::code::{Code, Refusal};
use crate::transport::refuse;

/// Who is at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

pub(super) async fn show(
    State(driver): State<Arc<Driver>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Response {
    // A proxy on this machine that passes everything on calls us by the name the world knows.
    let by_name = headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(is_loopback);
    if !by_name || !peer.is_some_and(|Extension(Peer(address))| address.ip().to_canonical().is_loopback()) {
        return refuse(None, &Refusal::new(Code::Forbidden, "figures are told to this machine only"));
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text(&driver)).into_response()
}

fn text(driver: &Driver) -> String {
    let counters = &driver.counters;
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let mut text = String::new();
    let mut row = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
        let _ = write!(text, "# HELP throughline_{name} {help}\n# TYPE throughline_{name} {kind}\n");
        for (labels, value) in values {
            let _ = writeln!(text, "throughline_{name}{labels} {value}");
        }
    };
    row("sessions", "gauge", "Sessions that live.", &[("", driver.sessions() as u64)]);
    row("channels", "gauge", "Channels that are remembered.", &[("", driver.hub().channels() as u64)]);
    row("sessions_created_total", "counter", "Sessions made.", &[("", read(&counters.sessions_created))]);
    let labels = Transport::ALL.map(|transport| format!("{{transport=\"{transport}\"}}"));
    let attaches: Vec<(&str, u64)> =
        labels.iter().zip(&counters.attaches).map(|(label, counter)| (label.as_str(), read(counter))).collect();
    row("attaches_total", "counter", "Legs attached, and polls.", &attaches);
    row("refusals_total", "counter", "Requests and sockets refused.", &[("", read(&counters.refusals))]);
    row("publications_total", "counter", "Publications of clients.", &[("", read(&counters.publications))]);
    row("overruns_total", "counter", "Times that a session dropped frames.", &[("", read(&counters.overruns))]);
    text
}
