//! The bytes that all sessions of a node keep for replay, as one number.
//!
//! A session tells it only when it keeps another number of whole steps. So most publications change nothing that
//! sessions share. The number is at most one step for each session below the truth.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The size of a step, as a power of two: 1 KB.
const STEP: u32 = 10;

/// The bytes that all sessions of a node keep. A line that several sessions keep counts for each of them.
#[derive(Debug, Default)]
pub struct Kept(AtomicUsize);

impl Kept {
    /// Returns the bytes, in whole steps.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed) << STEP
    }

    /// Notes that one session keeps other bytes than before.
    #[inline]
    pub(super) fn changed(&self, before: usize, after: usize) {
        if (before ^ after) >> STEP != 0 {
            let (before, after) = (before >> STEP, after >> STEP);
            // It wraps around like the subtraction, so it falls if `after` is less.
            self.0.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_number_is_at_most_a_step_for_each_session_below_the_truth(
            changes in proptest::collection::vec((0_usize..4, 0_usize..5_000), 0..100),
        ) {
            let (kept, mut sessions) = (Kept::default(), [0; 4]);
            for (session, after) in changes {
                kept.changed(sessions[session], after);
                sessions[session] = after;
                let truth: usize = sessions.iter().sum();
                let known = kept.bytes();
                prop_assert!(known <= truth && truth < known + (sessions.len() << STEP), "{known} of {truth}");
            }
        }
    }
}
