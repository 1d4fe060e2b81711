//! How large the bodies that carry lines up may be. A proxy may refuse large ones in many ways, and a line may be
//! slow. So the size follows from what passes and what fails. It never decides when a body goes.
//!
//! Its twin is `client-js/src/session/bodies.js`. Where JavaScript halves to a fraction, this rounds up: the same
//! lines fit.

use crate::session::Time;

/// The size of the first body. The slowest line that is supported, 2,500 B/s, takes 7 s for it.
const FIRST_BYTES: usize = 16_384;
/// A body that takes longer is large enough for its line.
const QUICK: Time = Time::from_secs(2);
/// A size that failed is tried again after this, since another path may take it.
const FORGET: Time = Time::from_secs(30);
/// The time of one byte on the slowest line that is supported, 2,500 B/s, with a margin: 2,000 B/s.
const SLOWEST_BYTE: Time = Time::from_micros(500);
/// The shortest and the longest time in which the answer to a small body may come.
const SHORTEST: Time = Time::from_secs(3);
const LONGEST: Time = Time::from_secs(20);
/// No size: none failed, and no line is stuck.
const NEVER: usize = usize::MAX;

/// The size of bodies, and what is known about sizes that failed.
#[derive(Debug)]
pub(super) struct Bodies {
    /// The greatest size of a body.
    pub(super) bytes: usize,
    /// The size of the last body whose one line was stuck, until one as large passes.
    pub(super) stuck: usize,
    /// The smallest size that failed.
    failed: usize,
    forget_at: Time,
}

impl Default for Bodies {
    fn default() -> Self {
        Self { bytes: FIRST_BYTES, stuck: NEVER, failed: NEVER, forget_at: Time::ZERO }
    }
}

impl Bodies {
    /// Counts a body that arrived.
    pub(super) fn passed(&mut self, size: usize, took: Time, now: Time) {
        if now >= self.forget_at {
            self.failed = NEVER;
        }
        if size >= self.stuck {
            self.stuck = NEVER;
        }
        if took < QUICK {
            self.bytes = self.bytes.max((2 * size).min(self.failed.div_ceil(2)));
        }
    }

    /// Forgets the size that failed: something else was to blame.
    pub(super) fn clear(&mut self) {
        self.failed = NEVER;
        self.bytes = self.bytes.max(FIRST_BYTES);
    }

    /// Halves the size of later bodies: those of this size fail.
    pub(super) fn failed(&mut self, size: usize, now: Time) {
        self.failed = size;
        self.forget_at = now + FORGET;
        self.bytes = self.bytes.min(size).div_ceil(2);
    }
}

/// Returns how long the answer to a body may take, on a leg with this round trip.
pub(super) fn answer_time(size: usize, round_trip: Time) -> Time {
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    (4 * round_trip).clamp(SHORTEST, LONGEST) + size * SLOWEST_BYTE
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn bodies_double_with_each_that_passes_quickly_up_to_half_of_what_failed() {
        let mut bodies = Bodies::default();
        bodies.passed(16_000, at(100), at(1_000));
        assert_eq!(bodies.bytes, 32_000);
        bodies.passed(32_000, at(2_000), at(4_000));
        assert_eq!(bodies.bytes, 32_000, "a slow body is no reason for a larger one");
        bodies.failed(30_001, at(5_000));
        assert_eq!(bodies.bytes, 15_001);
        bodies.passed(15_000, at(100), at(34_999));
        assert_eq!(bodies.bytes, 15_001);
        bodies.passed(15_000, at(100), at(35_000));
        assert_eq!(bodies.bytes, 30_000);
    }

    #[test]
    fn a_size_that_was_not_to_blame_is_forgotten() {
        let mut bodies = Bodies::default();
        for _ in 0..9 {
            bodies.failed(bodies.bytes, at(0));
        }
        assert_eq!(bodies.bytes, 32);
        bodies.clear();
        bodies.passed(16_000, at(100), at(1));
        assert_eq!(bodies.bytes, 32_000);
    }

    #[test]
    fn an_answer_may_take_as_long_as_the_slowest_line_takes_for_its_body() {
        assert_eq!(answer_time(1_000, at(10)), at(3_500));
        assert_eq!(answer_time(1_000, at(2_000)), at(8_500));
        assert_eq!(answer_time(60_000, at(60_000)), at(50_000));
    }
}
