//! The messages of one sender at one receiver: delivered, duplicated, reordered, lost. Pure.

use std::collections::BTreeSet;

/// The maximum number of missing numbers that are kept until they come after all. Numbers above this count as lost.
const MISSING: usize = 10_000;

/// The numbers that one receiver got from one sender.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    highest: u64,
    missing: BTreeSet<u64>,
    delivered: u64,
    duplicated: u64,
    reordered: u64,
}

/// The sums of one ledger, or of many.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sums {
    /// Different messages that came.
    pub(super) delivered: u64,
    /// Messages that never came.
    pub(super) lost: u64,
    /// Messages that came again.
    pub(super) duplicated: u64,
    /// Messages that came after one that was sent later.
    pub(super) reordered: u64,
}

impl Ledger {
    /// Enters the message with this number, from 1. Returns whether it came for the first time.
    pub(super) fn enter(&mut self, number: u64) -> bool {
        if number > self.highest {
            let left_out = self.highest + 1..number;
            self.missing.extend(left_out.take(MISSING.saturating_sub(self.missing.len())));
            self.highest = number;
        } else if self.missing.remove(&number) {
            self.reordered += 1;
        } else {
            self.duplicated += 1;
            return false;
        }
        self.delivered += 1;
        true
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Returns the sums, if so many messages were sent to this receiver.
    pub(super) fn sums(&self, sent: u64) -> Sums {
        let Self { delivered, duplicated, reordered, .. } = *self;
        Sums { delivered, duplicated, reordered, lost: sent.saturating_sub(delivered) }
    }
}

impl std::ops::AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_told_by_its_name() {
        let mut ledger = Ledger::default();
        let first: Vec<bool> = [1, 2, 4, 4, 3, 7, 2].into_iter().map(|number| ledger.enter(number)).collect();
        assert_eq!(first, [true, true, true, false, true, true, false]);
        assert_eq!(ledger.sums(8), Sums { delivered: 5, lost: 3, duplicated: 2, reordered: 1 });
    }

    #[test]
    fn a_hole_of_any_size_costs_bounded_memory() {
        let mut ledger = Ledger::default();
        ledger.enter(1 << 40);
        assert_eq!((ledger.missing.len(), ledger.sums(1 << 40).lost), (MISSING, (1 << 40) - 1));
    }
}
