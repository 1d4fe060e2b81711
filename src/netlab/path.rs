//! One exchange's way through the network: the rule that holds on it *now*, its age, and its end.
//!
//! Everything that outlives the beginning of a request asks here, so a switch of the network reaches it. An exchange
//! counts as open while any clone of its path lives.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    select,
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    faults::Silence,
    network::{Network, Route, Rule},
    registry::Opened,
    wire::Fate,
};

#[derive(Debug, Clone)]
pub(super) struct Path {
    route: Route,
    network: watch::Receiver<Arc<Network>>,
    fate: Arc<Fate>,
    clock: Arc<Clock>,
    seed: u64,
    opened: Arc<Opened>,
}

/// How age or silence ends an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Cut,
    Reset,
}

impl Path {
    pub(super) fn new(
        route: Route,
        network: watch::Receiver<Arc<Network>>,
        fate: Arc<Fate>,
        seed: u64,
        opened: Opened,
    ) -> Self {
        Self { route, network, fate, clock: Arc::new(Clock::new()), seed, opened: Arc::new(opened) }
    }

    /// Returns the same path, with its age counted from now.
    pub(super) fn renewed(&self) -> Self {
        Self { clock: Arc::new(Clock::new()), ..self.clone() }
    }

    /// Changes to another route: its rule holds from now on, and the exchange counts there.
    pub(super) fn turn(&mut self, route: Route) {
        self.route = route;
        self.opened.turn(route);
    }

    pub(super) fn fate(&self) -> &Arc<Fate> {
        &self.fate
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// Asks the rule that holds at this moment.
    pub(super) fn rule<T>(&self, ask: impl FnOnce(&Rule) -> T) -> T {
        ask(self.network.borrow().rule(self.route).1)
    }

    /// Returns when the network has been switched since the last call. Cancel-safe.
    pub(super) async fn changed(&mut self) {
        if self.network.changed().await.is_err() {
            // The front is gone. It resets what was open, so this path need not notice.
            pending::<()>().await;
        }
    }

    /// Notes that bytes moved. Returns false if the path has been forgotten, silently: because it was idle for too
    /// long, or by request. It then stays forgotten.
    pub(super) fn moves(&self) -> bool {
        let forgets = self.rule(|rule| rule.idle.filter(|idle| idle.then == Silence::Drop));
        if forgets.is_some_and(|idle| self.clock.idle_since() + idle.after <= Instant::now()) {
            self.clock.forgotten.store(true, Ordering::Relaxed);
        }
        self.clock.touch();
        !self.clock.forgotten.load(Ordering::Relaxed) && !self.fate.is_forgotten()
    }

    /// Resets the exchange when a rule says so; returns when a rule ends it cleanly.
    pub(super) async fn expiry(mut self) {
        loop {
            let Some((due, ending)) = self.rule(|rule| self.end(rule)) else {
                self.changed().await;
                continue;
            };
            if due > Instant::now() {
                select! {
                    () = self.changed() => {}
                    () = sleep_until(due) => {}
                }
            } else if ending == Ending::Cut {
                return;
            } else {
                self.fate.reset();
                pending::<()>().await;
            }
        }
    }

    fn end(&self, rule: &Rule) -> Option<(Instant, Ending)> {
        let born = self.clock.born;
        let killed = rule.kill_after.map(|age| (born + age, Ending::Reset));
        let cut = rule.cut_after.map(|age| (born + age, Ending::Cut));
        let idle = rule.idle.and_then(|idle| {
            let due = self.clock.idle_since() + idle.after;
            match idle.then {
                Silence::Drop => None,
                Silence::Cut => Some((due, Ending::Cut)),
                Silence::Reset => Some((due, Ending::Reset)),
            }
        });
        [killed, cut, idle].into_iter().flatten().min_by_key(|(due, _)| *due)
    }
}

/// The times of an exchange, shared by its directions.
#[derive(Debug)]
struct Clock {
    born: Instant,
    /// When bytes last moved, in milliseconds after `born`.
    moved: AtomicU64,
    forgotten: AtomicBool,
}

impl Clock {
    fn new() -> Self {
        Self { born: Instant::now(), moved: AtomicU64::new(0), forgotten: AtomicBool::new(false) }
    }

    fn touch(&self) {
        let age = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(age, Ordering::Relaxed);
    }

    fn idle_since(&self) -> Instant {
        self.born + Duration::from_millis(self.moved.load(Ordering::Relaxed))
    }
}
