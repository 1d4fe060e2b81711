//! `/metrics`: figures as Prometheus text, for loopback only.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::response::{IntoResponse, Response};

use super::gate::is_loopback;
use crate::driver::Driver;
use crate::driver::counters::{Clients, Histogram, PerTransport};
use crate::protocol::Transport;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::report::Reason;
use crate::transport::{Peer, refuse};

pub(super) async fn show(
    State(driver): State<Arc<Driver>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Response {
    // A proxy on this machine that passes everything on calls us by the name the world knows.
    let by_name = headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(is_loopback);
    if !by_name || !peer.is_some_and(|Extension(peer)| peer.connection.to_canonical().is_loopback()) {
        return refuse(None, &Refusal::new(Code::Forbidden, "figures are told to this machine only"));
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text(&driver)).into_response()
}

fn text(driver: &Driver) -> String {
    let counters = &driver.counters;
    let mut text = String::new();
    let mut row = |name: &str, kind: &str, help: &str, values: &[(String, u64)]| {
        head(&mut text, name, kind, help);
        for (labels, value) in values {
            let _ = writeln!(text, "throughline_{name}{labels} {value}");
        }
    };
    let one = |value: u64| [(String::new(), value)];
    row("sessions", "gauge", "Sessions that live.", &one(driver.sessions() as u64));
    row("channels", "gauge", "Channels that are remembered.", &one(driver.hub().channels() as u64));
    row("sessions_created_total", "counter", "Sessions made.", &one(read(&counters.sessions_created)));
    row("attaches_total", "counter", "Legs attached, and polls.", &by_transport(&counters.attaches));
    row("refusals_total", "counter", "Requests and sockets refused.", &one(read(&counters.refusals)));
    row("publications_total", "counter", "Publications of clients.", &one(read(&counters.publications)));
    row("overruns_total", "counter", "Times that a session dropped frames.", &one(read(&counters.overruns)));
    let Clients { attempts, failures, online } = &counters.clients;
    row("client_attempts_total", "counter", "Attempts to connect, as clients tell.", &by_transport(attempts));
    let failures = Transport::ALL.into_iter().zip(failures).flat_map(|(transport, failures)| {
        let label = move |reason: Reason| format!("{{transport=\"{transport}\",reason=\"{}\"}}", reason.name());
        Reason::ALL.into_iter().zip(failures).map(move |(reason, counter)| (label(reason), read(counter)))
    });
    let failures: Vec<(String, u64)> = failures.collect();
    row("client_failures_total", "counter", "Attempts that failed, as clients tell.", &failures);
    head(
        &mut text,
        "client_online_seconds",
        "histogram",
        "From looking for a connection to having one, as clients tell.",
    );
    for (transport, times) in Transport::ALL.into_iter().zip(online) {
        let _ = histogram(&mut text, "client_online_seconds", transport, times);
    }
    text
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(text, "# HELP throughline_{name} {help}\n# TYPE throughline_{name} {kind}\n");
}

fn by_transport(counters: &PerTransport) -> Vec<(String, u64)> {
    let label = |transport| format!("{{transport=\"{transport}\"}}");
    Transport::ALL.into_iter().zip(counters).map(|(transport, counter)| (label(transport), read(counter))).collect()
}

/// Prometheus counts in each bucket what is in those below as well.
fn histogram(text: &mut String, name: &str, transport: Transport, times: &Histogram) -> fmt::Result {
    let bounds = Histogram::BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
    let mut count = 0;
    for (bound, bucket) in bounds.zip(&times.buckets) {
        count += read(bucket);
        writeln!(text, "throughline_{name}_bucket{{transport=\"{transport}\",le=\"{bound}\"}} {count}")?;
    }
    let sum = Duration::from_millis(read(&times.sum_ms)).as_secs_f64();
    writeln!(text, "throughline_{name}_sum{{transport=\"{transport}\"}} {sum}")?;
    writeln!(text, "throughline_{name}_count{{transport=\"{transport}\"}} {count}")
}
