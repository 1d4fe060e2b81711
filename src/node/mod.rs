//! All that the sessions of this node share. Only this layer connects backend, hub and driver.
//!
//! Each part is a type of its own, and [`Node`] puts them together. No part may hold a reference to the node, and no lock is
//! held across an await. The order of locks is channel before session, never the other way round.
//!
//! # Layout
//! - [`link`]: what a transport holds: lines in, lines out
//! - `join`: from a hello to its session; `judgements`: the hellos that wait for the backend
//! - `owner`: what the driver asks of the node: deadlines, commands, the end of a session
//! - `pump`: the commands of sessions, after the backend decided
//! - `operations`: publish, subscribe and so on, for clients and for others
//! - `session`, `sessions`: one of them, and all by their secret
//! - [`reader`]: a channel without a session, for plain EventSource
//! - `drain`: the end of it all
//! - `settings`, `clock`, `network`: what sessions are made with
//! - `counters`: what has happened, for figures; `refusals`: counted and logged; [`seldom`]: what is logged once a minute

mod clock;
mod counters;
mod drain;
mod join;
mod judgements;
pub mod link;
mod network;
mod operations;
mod owner;
mod pump;
pub mod reader;
mod refusals;
pub mod seldom;
mod session;
mod sessions;
mod settings;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use prometheus_client::registry::Registry as Metrics;
use tokio::sync::watch;

use self::clock::Clock;
use self::counters::Counters;
use self::judgements::Judgements;
use self::network::Networks;
use self::operations::Operations;
use self::pump::Pump;
use self::session::Session;
use self::sessions::Sessions;
use self::settings::Shared;
use crate::backend::Backend;
use crate::driver::timers::Timers;
use crate::hub::Hub;
use crate::protocol::Transport;
use crate::protocol::code::Refusal;
use crate::session::server::{Carrier, Settings};

/// See the module.
pub struct Node {
    clock: Clock,
    settings: Shared,
    networks: Networks,
    sessions: Sessions,
    judgements: Judgements,
    timers: Timers<Session>,
    operations: Arc<Operations>,
    backend: Arc<dyn Backend>,
    pump: Arc<Pump>,
    carriers: AtomicU64,
    links: AtomicUsize,
    leaving: watch::Sender<bool>,
    counters: Arc<Counters>,
}

impl Node {
    /// A node without sessions. `sessions` bounds how many there may be; what is counted stands in `metrics`.
    #[must_use]
    pub fn new(
        settings: Settings,
        hub: Hub,
        backend: Arc<dyn Backend>,
        sessions: usize,
        metrics: &mut Metrics,
    ) -> Arc<Self> {
        let clock = Clock::new();
        let counters = Arc::new(Counters::new(metrics, clock));
        let operations = Arc::new(Operations::new(hub, clock, Arc::clone(&counters)));
        Arc::new_cyclic(|node: &Weak<Self>| Self {
            clock,
            settings: Shared::new(settings),
            networks: Networks::default(),
            sessions: Sessions::new(sessions),
            judgements: Judgements::new(clock),
            timers: Timers::default(),
            pump: Pump::new(Arc::clone(&operations), Arc::clone(&backend), Arc::clone(&counters), {
                let node = Weak::clone(node);
                Box::new(move |session| node.upgrade().into_iter().for_each(|node| node.end_failed(session)))
            }),
            operations,
            backend,
            carriers: AtomicU64::new(0),
            links: AtomicUsize::new(0),
            leaving: watch::Sender::new(false),
            counters,
        })
    }

    /// Other times hold for the sessions that are made from now on: what a client was told is not taken back.
    pub fn set_times(&self, heartbeat: Duration, hold: Duration) {
        self.settings.change(|settings| (settings.heartbeat, settings.hold) = (heartbeat, hold));
    }

    /// The transports offered, best first.
    #[must_use]
    pub fn transports(&self) -> Arc<[Transport]> {
        Arc::clone(&self.settings.get().transports)
    }

    /// Sessions that live.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Channels that are remembered.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.operations.channels()
    }

    /// Sockets, streams and polls that are open.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.load(Ordering::Relaxed)
    }

    /// Counts a refusal, and logs it if it is the first of its kind in a minute.
    pub fn note(&self, refusal: &Refusal) {
        self.counters.note(refusal);
    }

    fn next_carrier(&self) -> Carrier {
        Carrier(self.carriers.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
