//! The exchanges that are open on a front, by route: to count them, to wait for a count, and to reset them.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::watch;

use super::{network::Route, wire::Fate};

/// The exchanges of one front.
#[derive(Debug, Default)]
pub(super) struct Registry(watch::Sender<Table>);

#[derive(Debug, Default)]
struct Table {
    open: HashMap<u64, (Route, Arc<Fate>)>,
    begun: HashMap<Route, usize>,
    next: u64,
}

impl Registry {
    /// Enters an exchange, until the returned value is dropped.
    pub(super) fn enter(self: &Arc<Self>, route: Route, fate: Arc<Fate>) -> Opened {
        let mut number = 0;
        self.0.send_modify(|table| {
            number = table.next;
            table.next += 1;
            table.open.insert(number, (route, fate));
            *table.begun.entry(route).or_default() += 1;
        });
        Opened { registry: Arc::clone(self), number }
    }

    /// Resets the exchanges on the chosen routes, which then no longer count as open. Returns how many they were.
    pub(super) fn reset(&self, chosen: impl Fn(Route) -> bool) -> usize {
        let mut count = 0;
        self.0.send_modify(|table| {
            for (_, (_, fate)) in table.open.extract_if(|_, (route, _)| chosen(*route)) {
                fate.reset();
                count += 1;
            }
        });
        count
    }

    /// Forgets what is open on a route; it stays open. Returns how many exchanges these are.
    pub(super) fn forget(&self, route: Route) -> usize {
        let table = self.0.borrow();
        let chosen = table.open.values().filter(|(of, _)| route.covers(*of));
        chosen.map(|(_, fate)| fate.forget()).count()
    }

    pub(super) fn open(&self, route: Route) -> usize {
        self.0.borrow().open(route)
    }

    pub(super) fn begun(&self, route: Route) -> usize {
        self.0.borrow().begun(route)
    }

    /// Waits until exactly this many are open. Cancel-safe.
    pub(super) async fn until_open(&self, route: Route, count: usize) {
        // The sender lives in `self`, so this cannot fail while a caller waits. The same holds below.
        let _ = self.0.subscribe().wait_for(|table| table.open(route) == count).await;
    }

    /// Waits until at least this many have begun. Cancel-safe.
    pub(super) async fn until_begun(&self, route: Route, count: usize) {
        let _ = self.0.subscribe().wait_for(|table| table.begun(route) >= count).await;
    }
}

impl Table {
    fn open(&self, route: Route) -> usize {
        self.open.values().filter(|(of, _)| route.covers(*of)).count()
    }

    fn begun(&self, route: Route) -> usize {
        self.begun.iter().filter(|(of, _)| route.covers(**of)).map(|(_, count)| count).sum()
    }
}

/// Keeps one exchange in the registry.
#[derive(Debug)]
pub(super) struct Opened {
    registry: Arc<Registry>,
    number: u64,
}

impl Opened {
    /// Counts the exchange as open on another route. Where it began does not change.
    pub(super) fn turn(&self, route: Route) {
        self.registry.0.send_modify(|table| {
            if let Some((of, _)) = table.open.get_mut(&self.number) {
                *of = route;
            }
        });
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.registry.0.send_modify(|table| {
            table.open.remove(&self.number);
        });
    }
}
