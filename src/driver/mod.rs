//! The only place where tasks, wakers and the clock meet a session.
//!
//! There is no task per session. A session sits behind one short lock; whatever serves its connection polls it for lines, the
//! hub pushes publications into it, one shared timer task tells it the time. No lock is held across an await, and the
//! order of locks is channel before session, never the other way round.
//!
//! # Layout
//! - [`link`]: what a transport holds: lines in, lines out
//! - `handle`: one session behind its lock
//! - `commands`: what a client's frames lead to
//! - [`counters`]: what has happened, for figures; `refusals`: counted and logged; [`seldom`]: what is logged once a minute
//! - `network`: which network a client is in
//! - `registry`: sessions by their secret
//! - `timers`: one deadline a session, one task for all
//! - [`reader`]: a channel without a session, for plain EventSource

mod commands;
pub mod counters;
mod handle;
pub mod link;
mod network;
pub mod reader;
mod refusals;
mod registry;
pub mod seldom;
mod timers;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::registry::Registry as Metrics;
use tokio::sync::watch;
use tokio::time::Instant;

use self::counters::Counters;
use self::network::Networks;
use self::registry::Registry;
use self::timers::Timers;
use crate::hub::Hub;
use crate::protocol::{Nonce, Transport, down};
use crate::session::Time;
use crate::session::server::{Carrier, Input, Settings};

pub use crate::protocol::code::Refusal;

/// How often channels that nobody uses are looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// A refusal of a request, with what its answer must echo.
#[derive(Debug)]
pub struct Refused {
    /// Of the request's hello, where it could be read.
    pub nonce: Option<Nonce>,
    /// Why.
    pub refusal: Refusal,
}

/// See the module.
pub struct Driver {
    /// For the sessions that are made from now on.
    settings: Mutex<Arc<Settings>>,
    /// Held by who changes what is offered, so that all sessions are told of changes in one order.
    changing: Mutex<()>,
    networks: Networks,
    hub: Hub,
    origin: Instant,
    registry: Registry,
    timers: Timers,
    carriers: AtomicU64,
    leaving: watch::Sender<bool>,
    links: AtomicUsize,
    /// What `/metrics` tells.
    pub counters: Counters,
}

impl Driver {
    /// A driver without sessions. `sessions` bounds how many there may be; what is counted stands in `metrics`.
    #[must_use]
    pub fn new(settings: Settings, hub: Hub, sessions: usize, metrics: &mut Metrics) -> Arc<Self> {
        Arc::new(Self {
            settings: Mutex::new(Arc::new(settings)),
            changing: Mutex::default(),
            networks: Networks::default(),
            hub,
            origin: Instant::now(),
            registry: Registry::new(sessions),
            timers: Timers::default(),
            carriers: AtomicU64::new(0),
            leaving: watch::Sender::new(false),
            links: AtomicUsize::new(0),
            counters: Counters::new(metrics),
        })
    }

    /// Tells sessions the time and forgets idle channels, until it is dropped. Run it once, beside the server.
    pub async fn run(self: Arc<Self>) {
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                () = self.timers.run(self.origin) => {}
                _ = sweep.tick() => self.hub.sweep(self.now()),
            }
        }
    }

    /// Other times hold for the sessions that are made from now on: what a client was told is not taken back.
    pub fn set_times(&self, heartbeat: Duration, hold: Duration) {
        self.change(|settings| (settings.heartbeat, settings.hold) = (heartbeat, hold));
    }

    /// Other transports are offered from now on, best first. All clients are told; those on one that is not among them have
    /// `jitter` to change over, and a little. Nothing happens if they are offered already.
    pub fn set_transports(&self, transports: &Arc<[Transport]>, jitter: Duration) {
        let _one_by_one = lock(&self.changing);
        if self.transports() == *transports {
            return;
        }
        // First for those to come, then for those there are: a session that is made meanwhile is told twice, and none is left out.
        self.change(|settings| settings.transports = Arc::clone(transports));
        for session in self.registry.all() {
            // An offer cannot be refused.
            let _ = session.input(Input::Offer(Arc::clone(transports), jitter));
        }
    }

    /// The transports offered, best first.
    #[must_use]
    pub fn transports(&self) -> Arc<[Transport]> {
        Arc::clone(&self.settings().transports)
    }

    fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(Arc::make_mut(&mut lock(&self.settings)));
    }

    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&lock(&self.settings))
    }

    /// Tells every client to leave within `jitter`, ends plain readers, and takes no new session and no new leg from now on.
    /// The legs there are go on meanwhile.
    pub fn drain(&self, jitter: Duration) {
        self.leaving.send_replace(true);
        let goaway = down::goaway(0, crate::session::milliseconds(jitter));
        for session in self.registry.all() {
            // A link frame cannot be refused.
            let _ = session.input(Input::Link(goaway.clone()));
        }
    }

    /// Ends every leg that is left, with `draining`.
    pub fn end_legs(&self) {
        for session in self.registry.all() {
            // Neither can this.
            let _ = session.input(Input::EndLegs(registry::going_away()));
        }
    }

    /// Sessions that live.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.registry.len()
    }

    /// Sockets, streams and polls that are open.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.load(Ordering::Relaxed)
    }

    /// The channels.
    #[must_use]
    pub const fn hub(&self) -> &Hub {
        &self.hub
    }

    fn now(&self) -> Time {
        self.origin.elapsed()
    }

    fn is_draining(&self) -> bool {
        *self.leaving.borrow()
    }

    fn next_carrier(&self) -> Carrier {
        Carrier(self.carriers.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Counts a refusal, and logs it if it is the first of its kind in a minute.
    pub fn note(&self, refusal: &Refusal) {
        self.counters.refusals.note(self.now(), refusal);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
