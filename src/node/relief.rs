//! Keeps the bytes that all sessions keep for replay within the node's bound. Above it, the sessions that keep the most
//! are cut first.
//!
//! A line that many sessions keep is in memory once. So the sum over the sessions only shows when to look closely: it is
//! never less than the truth by more than a step for each session. A closer look counts a line by its part in each
//! session.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::clock::Clock;
use super::counters::Counters;
use super::session::Session;
use super::sessions::Sessions;
use crate::driver::kept::Kept;
use crate::protocol::code::grouped;

/// The interval at which the node looks at the sum. Meanwhile it may grow by what comes in.
const LOOK: Duration = Duration::from_secs(1);
/// The most sessions between two turns of other tasks.
const AT_ONCE: usize = 256;

/// The bytes that all sessions keep, and their bound.
#[derive(Debug)]
pub(super) struct Relief {
    pub(super) kept: Arc<Kept>,
    bound: usize,
}

impl Relief {
    pub(super) fn new(bound: usize) -> Self {
        Self { kept: Arc::default(), bound }
    }

    /// Keeps the bytes of all sessions within the bound. It never ends.
    pub(super) async fn run(&self, sessions: &Sessions, counters: &Counters, clock: Clock) {
        loop {
            tokio::time::sleep(LOOK).await;
            let sum = self.kept.bytes();
            if sum <= self.bound {
                continue;
            }
            let cut = self.cut_largest(sessions).await;
            if let Some(untold) = counters.cuts(cut, clock.now()) {
                let (sum, bound) = (grouped(&sum), grouped(&self.bound));
                warn!(
                    sessions = cut,
                    untold,
                    "sessions keep {sum} bytes for slow readers, more than `limits.replay_bytes_total`, {bound}: those that keep the most lost their oldest frames; publish less, or raise the limit for a machine with more memory"
                );
            }
        }
    }

    /// Cuts the sessions that keep the most, if all keep too much. Returns how many it cut.
    async fn cut_largest(&self, sessions: &Sessions) -> u64 {
        let mut shares: Vec<(usize, Arc<Session>)> = Vec::new();
        for (place, session) in sessions.all().into_iter().enumerate() {
            if place % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            let own = session.cell.own_bytes();
            if own > 0 {
                shares.push((own, session));
            }
        }
        if shares.iter().map(|(own, _)| own).sum::<usize>() <= self.bound {
            return 0;
        }
        // A little below the bound, so that the next publication does not reach it again.
        let target = self.bound - self.bound / 8;
        let level = level(shares.iter().map(|(own, _)| *own).collect(), target);
        let mut cut = 0;
        for (place, (own, session)) in shares.into_iter().filter(|(own, _)| *own > level).enumerate() {
            if place % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            session.cut(level, own);
            cut += 1;
        }
        cut
    }
}

/// Returns the highest level for which all shares fit into the bound, if each above the level is cut down to it.
fn level(mut shares: Vec<usize>, bound: usize) -> usize {
    shares.sort_unstable();
    let mut left = bound;
    for (place, share) in shares.iter().enumerate() {
        let even = left / (shares.len() - place);
        if *share > even {
            return even;
        }
        left -= share;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The naive model: it takes one byte from the largest share, until all fit.
    fn naive(mut shares: Vec<usize>, bound: usize) -> usize {
        while shares.iter().sum::<usize>() > bound {
            let largest = shares.iter_mut().max().expect("more than the bound");
            *largest -= 1;
        }
        shares.into_iter().sum()
    }

    proptest! {
        #[test]
        fn the_largest_are_cut_first_and_no_deeper_than_the_bound_needs(
            shares in proptest::collection::vec(0_usize..200, 0..20),
            bound in 0_usize..2_000,
        ) {
            let level = level(shares.clone(), bound);
            let left: usize = shares.iter().map(|share| (*share).min(level)).sum();
            let cut = shares.iter().filter(|share| **share > level).count();
            prop_assert!(left <= bound);
            // The level is whole, so less than one byte of each that is cut stays unused.
            prop_assert!(naive(shares, bound) - left < cut.max(1));
        }
    }

    #[test]
    fn shares_that_fit_exactly_are_not_cut_and_one_byte_more_is() {
        assert_eq!(level(vec![3, 4, 5], 12), usize::MAX);
        assert_eq!(level(vec![3, 4, 5], 11), 4);
        assert_eq!(level(vec![3, 4, 5], 0), 0);
    }
}
