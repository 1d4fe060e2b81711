//! Counters of events since the start, for `/metrics`. Their numbers only go up, and no decision depends on them.
//!
//! The counting code holds a handle, so that counting needs no look-up. Labels take their values from closed sets.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::clock::Clock;
use super::refusals::Refusals;
use super::seldom::Seldom;
use crate::protocol::Transport;
use crate::protocol::code::Refusal;
use crate::protocol::report::{Reason, Report};

/// One handle for each transport, in the order of [`Transport::ALL`].
pub(super) type PerTransport<T = Counter> = [T; Transport::ALL.len()];

type By<const LABELS: usize, M, C = fn() -> M> = Family<[(&'static str, &'static str); LABELS], M, C>;

/// The counters of a node.
pub(super) struct Counters {
    /// Sessions created.
    pub(super) sessions_created: Counter,
    /// Attaches.
    pub(super) attaches: PerTransport,
    clock: Clock,
    refusals: Refusals,
    /// Publications of clients.
    pub(super) publications: Counter,
    /// How often a session dropped frames because its client, which was there, acknowledged too slowly.
    pub(super) overruns: Counter,
    /// The sessions that were cut because all kept too much for replay.
    replay_cuts: Counter,
    replay_log: Seldom,
    /// The clients' reports about their search for a connection.
    pub(super) clients: Clients,
}

/// Counts of the clients' reports, which are believed. A report that came twice counts twice.
pub(super) struct Clients {
    /// The attempts: those that failed, and those that brought a report.
    pub(super) attempts: PerTransport,
    /// The failed attempts, by [`Reason::ALL`].
    pub(super) failures: PerTransport<[Counter; Reason::ALL.len()]>,
    /// The time from the start of the search to a leg that requests the turn.
    pub(super) online: PerTransport<Histogram>,
}

/// The upper bounds of the times to be online, in seconds.
const ONLINE: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

impl Counters {
    /// Returns counters that start at 0, and registers them.
    pub(super) fn new(registry: &mut Registry, clock: Clock) -> Self {
        Self {
            clock,
            sessions_created: counter(registry, "sessions_created", "Sessions created"),
            attaches: by_transport(registry, "attaches", "Legs attached, and polls"),
            refusals: Refusals::new(registry),
            publications: counter(registry, "publications", "Publications of clients"),
            overruns: counter(registry, "overruns", "Times that a session dropped frames while its client was there"),
            replay_cuts: counter(registry, "replay_cuts", "Sessions cut because all of them kept too much for replay"),
            replay_log: Seldom::default(),
            clients: Clients::new(registry),
        }
    }

    /// Counts a refusal, and logs it if it is the first of its kind in a minute.
    pub(super) fn note(&self, refusal: &Refusal) {
        self.refusals.note(self.clock.now(), refusal);
    }

    /// Counts sessions that were cut. If that must be logged, returns how many times before it were not.
    pub(super) fn cuts(&self, sessions: u64, now: Duration) -> Option<u64> {
        self.replay_cuts.inc_by(sessions);
        if sessions > 0 { self.replay_log.happened(now) } else { None }
    }
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn by_transport(registry: &mut Registry, name: &str, help: &str) -> PerTransport {
    let family = By::<1, Counter>::new_with_constructor(Counter::default);
    registry.register(name, help, family.clone());
    each(&family)
}

fn each<M: Clone, C: MetricConstructor<M>>(family: &By<1, M, C>) -> PerTransport<M> {
    Transport::ALL.map(|transport| family.get_or_create_owned(&[("transport", transport.name())]))
}

impl Clients {
    fn new(registry: &mut Registry) -> Self {
        let failures = By::<2, Counter>::new_with_constructor(Counter::default);
        let help = "Attempts that failed, as clients report";
        registry.register("client_failures", help, failures.clone());
        let online = By::<1, Histogram>::new_with_constructor(|| Histogram::new(ONLINE));
        let help = "From the search for a connection to having one, as clients report";
        registry.register("client_online_seconds", help, online.clone());
        Self {
            attempts: by_transport(registry, "client_attempts", "Attempts to connect, as clients report"),
            failures: Transport::ALL.map(|transport| {
                Reason::ALL.map(|reason| {
                    failures.get_or_create_owned(&[("transport", transport.name()), ("reason", reason.name())])
                })
            }),
            online: each(&online),
        }
    }

    /// Counts a report that came with a leg of this transport. `asks` is true if the leg requests the turn.
    pub(super) fn told(&self, transport: Transport, report: &Report, asks: bool) {
        self.attempts[transport.place()].inc();
        for (tried, reason) in &report.tried {
            self.attempts[tried.place()].inc();
            self.failures[tried.place()][*reason as usize].inc();
        }
        if let Some(searched) = report.searched.filter(|_| asks) {
            self.online[transport.place()].observe(Duration::as_secs_f64(&searched));
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::prometheus_text::encode;

    use super::*;

    #[test]
    fn a_report_counts_its_failures_and_the_leg_that_brought_it() {
        let mut registry = Registry::default();
        let clients = Clients::new(&mut registry);
        let tried = vec![(Transport::WebSocket, Reason::Mute), (Transport::WebSocket, Reason::Mute)];
        let report = Report { searched: Some(Duration::from_millis(100)), tried };
        clients.told(Transport::Sse, &report, true);
        clients.told(Transport::Sse, &Report { searched: report.searched, tried: Vec::new() }, false);
        assert_eq!(clients.attempts.each_ref().map(Counter::get), [2, 2, 0]);
        assert_eq!(clients.failures[0][Reason::Mute as usize].get(), 2);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        // A time equal to a bound is within it.
        for row in [
            r#"bucket{transport="sse",le="0.05"} 0"#,
            r#"bucket{transport="sse",le="0.1"} 1"#,
            r#"sum{transport="sse"} 0.1"#,
        ] {
            assert!(text.contains(&format!("client_online_seconds_{row}\n")), "{row} in {text}");
        }
    }
}
