//! Virtual time: a list of events with their times.

use std::collections::BTreeMap;

/// Events by time, then by the order in which they were planned.
pub(crate) struct Agenda<T, E> {
    events: BTreeMap<(T, u64), E>,
    planned: u64,
}

impl<T: Ord, E> Default for Agenda<T, E> {
    fn default() -> Self {
        Self { events: BTreeMap::new(), planned: 0 }
    }
}

impl<T: Ord, E> Agenda<T, E> {
    pub(crate) fn plan(&mut self, at: T, event: E) {
        self.planned += 1;
        self.events.insert((at, self.planned), event);
    }

    pub(crate) fn next(&mut self) -> Option<(T, E)> {
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }
}

#[test]
fn the_first_is_next_and_of_one_moment_what_was_planned_first() {
    let mut agenda = Agenda::default();
    for (at, event) in [(2, "c"), (1, "a"), (2, "d"), (1, "b")] {
        agenda.plan(at, event);
    }
    let order: Vec<_> = std::iter::from_fn(|| agenda.next()).collect();
    assert_eq!(order, [(1, "a"), (1, "b"), (2, "c"), (2, "d")]);
}
