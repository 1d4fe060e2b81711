//! What has happened since the start, for `/metrics`. Numbers only go up here; nothing decides by them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::protocol::Transport;
use crate::protocol::report::{Reason, Report};

/// A counter for each transport, in the order of [`Transport::ALL`].
pub type PerTransport<T = AtomicU64> = [T; Transport::ALL.len()];

/// See the module.
#[derive(Debug, Default)]
pub struct Counters {
    /// Sessions made.
    pub sessions_created: AtomicU64,
    /// Attaches.
    pub attaches: PerTransport,
    /// Requests and sockets that were refused.
    pub refusals: AtomicU64,
    /// Publications of clients.
    pub publications: AtomicU64,
    /// Times a session dropped frames, since its client acknowledged too slowly.
    pub overruns: AtomicU64,
    /// What clients tell of their search for a connection.
    pub clients: Clients,
}

/// As clients tell it: a report that came twice counts twice, and who lies is believed.
#[derive(Debug, Default)]
pub struct Clients {
    /// Attempts: those that failed, and those that brought a report.
    pub attempts: PerTransport,
    /// Those that failed, by [`Reason::ALL`].
    pub failures: PerTransport<[AtomicU64; Reason::ALL.len()]>,
    /// From the start of the search until a leg came that asks for the turn.
    pub online: PerTransport<Histogram>,
}

/// Times, by how long they took.
#[derive(Debug, Default)]
pub struct Histogram {
    /// How many up to each bound and beyond the one before it; in the last, those above all.
    pub buckets: [AtomicU64; Self::BOUNDS.len() + 1],
    /// Their sum in milliseconds.
    pub sum_ms: AtomicU64,
}

impl Histogram {
    /// The upper bounds of the buckets, in seconds.
    pub const BOUNDS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

    fn observe(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = Self::BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(Self::BOUNDS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_ms.fetch_add(crate::session::milliseconds(time), Ordering::Relaxed);
    }
}

impl Clients {
    /// A report came with a leg of this transport; `asks` says whether for the turn.
    pub(super) fn told(&self, transport: Transport, report: &Report, asks: bool) {
        let one = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        one(&self.attempts[transport.place()]);
        for (tried, reason) in &report.tried {
            one(&self.attempts[tried.place()]);
            one(&self.failures[tried.place()][*reason as usize]);
        }
        if let Some(searched) = report.searched.filter(|_| asks) {
            self.online[transport.place()].observe(searched);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_its_failures_and_the_leg_that_brought_it() {
        let clients = Clients::default();
        let tried = vec![(Transport::WebSocket, Reason::Mute), (Transport::WebSocket, Reason::Mute)];
        let report = Report { searched: Some(Duration::from_millis(100)), tried };
        clients.told(Transport::Sse, &report, true);
        clients.told(Transport::Sse, &Report { searched: report.searched, tried: Vec::new() }, false);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        assert_eq!(clients.attempts.each_ref().map(read), [2, 2, 0]);
        assert_eq!(read(&clients.failures[0][Reason::Mute as usize]), 2);
        let online = &clients.online[Transport::Sse.place()];
        // A time that meets a bound is within it.
        assert_eq!(online.buckets.each_ref().map(read), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(read(&online.sum_ms), 100);
    }
}
