//! All that the sessions of this node share. Only this layer connects backend, hub and driver.
//!
//! Each part is a type of its own, and [`Node`] puts them together. No part may hold a reference to the node, and
//! no lock is held across an await. A channel's lock comes before a session's, never the other way round.
//!
//! # Layout
//! - [`link`]: the handle of a transport: lines in, lines out
//! - `join`: from a hello to its session; `judgements`: the hellos that wait for the backend
//! - `renewal`: fresh tokens, and the rights that they change
//! - `owner`: the node as the driver's owner of sessions: deadlines, commands, the end of a session
//! - `pump`: the commands of sessions, after the backend has decided
//! - `operations`: publishing, subscribing and so on, for clients and for others
//! - [`limits`]: the limits by user and address; [`tally`]: what each of them holds
//! - `session`, `sessions`: one session, and all sessions by their secret
//! - [`reader`]: a channel without a session, for plain EventSource
//! - `relief`: the bound of the bytes that all sessions keep for replay
//! - `drain`: the end of the node; [`manage`]: what an operator and the application's servers ask of it
//! - `settings`, `clock`, `network`: the data that a new session needs
//! - `counters`: counts of events, for `/metrics`; `refusals`: refusals, counted and logged; [`seldom`]: logs once
//!   a minute

mod clock;
mod counters;
mod drain;
mod join;
mod judgements;
pub mod limits;
pub mod link;
pub mod manage;
mod network;
mod operations;
mod owner;
mod pump;
pub mod reader;
mod refusals;
mod relief;
mod renewal;
pub mod seldom;
mod session;
mod sessions;
mod settings;
pub mod tally;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use prometheus_client::registry::Registry as Metrics;
use tokio::sync::watch;

use self::clock::Clock;
use self::counters::Counters;
use self::judgements::Judgements;
use self::limits::{Attaches, Limits};
use self::network::Networks;
use self::operations::Operations;
use self::pump::Pump;
use self::relief::Relief;
use self::session::Session;
use self::sessions::Sessions;
use self::settings::Shared;
use crate::backend::access::Access;
use crate::driver::timers::Timers;
use crate::hub::Hub;
use crate::protocol::Transport;
use crate::protocol::code::Refusal;
use crate::session::server::{Carrier, Settings};

/// The sessions of one gateway, and all that they share.
pub struct Node {
    clock: Clock,
    settings: Shared,
    networks: Networks,
    sessions: Sessions,
    attaches: Attaches,
    relief: Relief,
    judgements: Judgements,
    timers: Timers<Session>,
    operations: Arc<Operations>,
    access: Arc<Access>,
    pump: Arc<Pump>,
    carriers: AtomicU64,
    links: AtomicUsize,
    leaving: watch::Sender<bool>,
    /// Counts the changes of the rules.
    changes: watch::Sender<u64>,
    counters: Arc<Counters>,
    /// For the tasks that must not keep the node alive.
    myself: Weak<Self>,
}

impl Node {
    /// Returns a node without sessions. The counters are registered in `metrics`.
    #[must_use]
    pub fn new(settings: Settings, hub: Hub, access: Arc<Access>, limits: Limits, metrics: &mut Metrics) -> Arc<Self> {
        let clock = Clock::new();
        let counters = Arc::new(Counters::new(metrics, clock));
        let operations = Arc::new(Operations::new(hub, clock, Arc::clone(&counters)));
        Arc::new_cyclic(|node: &Weak<Self>| Self {
            clock,
            settings: Shared::new(settings),
            networks: Networks::default(),
            relief: Relief::new(limits.replay_bytes),
            attaches: Attaches::default(),
            judgements: Judgements::new(clock),
            timers: Timers::default(),
            pump: Pump::new(
                Arc::clone(&operations),
                (Arc::clone(&access), limits.subscribes),
                Arc::clone(&counters),
                {
                    let node = Weak::clone(node);
                    Box::new(move |session| node.upgrade().into_iter().for_each(|node| node.end_failed(session)))
                },
            ),
            sessions: Sessions::new(limits),
            operations,
            access,
            carriers: AtomicU64::new(0),
            links: AtomicUsize::new(0),
            leaving: watch::Sender::new(false),
            changes: watch::Sender::new(0),
            counters,
            myself: Weak::clone(node),
        })
    }

    /// Sets the times of the sessions to come. A session that exists keeps its times, because its client knows
    /// them.
    pub fn set_times(&self, heartbeat: Duration, hold: Duration) {
        self.settings.change(|settings| (settings.heartbeat, settings.hold) = (heartbeat, hold));
    }

    /// Returns the transports offered, best first.
    #[must_use]
    pub fn transports(&self) -> Arc<[Transport]> {
        Arc::clone(&self.settings.get().transports)
    }

    /// Returns the number of sessions that live.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Returns the bytes that all sessions keep for replay. A line that several keep counts for each of them.
    #[must_use]
    pub fn replay_bytes(&self) -> usize {
        self.relief.kept.bytes()
    }

    /// Returns the number of channels that are remembered.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.operations.channels()
    }

    /// Returns the number of open sockets, streams and polls.
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
