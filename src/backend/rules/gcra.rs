//! GCRA, a rate limit that keeps one number: the time at which nothing is spent any more.

use std::time::Duration;

/// A limit: so many a second, of which a burst may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    a_second: u32,
    /// The nanoseconds that one costs.
    each: u64,
    burst: u64,
}

/// The number: the nanosecond at which nothing is spent any more. The default has spent nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Spent(u64);

impl Rate {
    /// Returns a limit. A rate or burst of 0 counts as 1.
    #[must_use]
    pub fn new(a_second: u32, burst: u32) -> Self {
        let a_second = a_second.max(1);
        Self { a_second, each: 1_000_000_000_u64.div_ceil(a_second.into()), burst: burst.max(1).into() }
    }

    /// Returns how many pass in a second.
    #[must_use]
    pub const fn a_second(self) -> u32 {
        self.a_second
    }

    /// Returns the number after `count` more at the time `now`. More at once than the burst pass if nothing is spent.
    /// They cost their full price, so the rate holds.
    ///
    /// # Errors
    /// The limit is reached. The same count passes after the returned time, if nothing else is spent meanwhile.
    pub fn spend(self, spent: Spent, now: Duration, count: u32) -> Result<Spent, Duration> {
        let (now, count) = (nanoseconds(now), u64::from(count));
        let until = spent.0.max(now).saturating_add(self.each.saturating_mul(count));
        let room = self.each.saturating_mul(self.burst.max(count));
        match (until - now).saturating_sub(room) {
            0 => Ok(Spent(until)),
            wait => Err(Duration::from_nanos(wait)),
        }
    }
}

impl Spent {
    /// Returns true if nothing is spent at this time. Such a number need not be kept.
    #[must_use]
    pub fn is_nothing(self, now: Duration) -> bool {
        self.0 <= nanoseconds(now)
    }
}

/// Rounds a wait up, because the wire states milliseconds: the client must not try again too early.
#[must_use]
pub fn whole_milliseconds(wait: Duration) -> Duration {
    Duration::from_millis(u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

/// A gateway that runs for 584 years stays at the last of these.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The naive model: it remembers the time of each that passed, and counts from the beginning each time.
    struct Model {
        each: u128,
        burst: u128,
        passed: Vec<u128>,
    }

    impl Model {
        /// Returns what is spent at this time, in nanoseconds: each adds its price, and time takes it off.
        fn spent(&self, now: u128) -> u128 {
            let (mut spent, mut at) = (0_u128, 0);
            for time in &self.passed {
                spent = spent.saturating_sub(time - at) + self.each;
                at = *time;
            }
            spent.saturating_sub(now - at)
        }

        fn spend(&mut self, now: u128, count: u32) -> bool {
            let (spent, count) = (self.spent(now), u128::from(count));
            let passes = spent == 0 || spent + count * self.each <= self.burst * self.each;
            if passes {
                self.passed.extend((0..count).map(|_| now));
            }
            passes
        }

        /// Returns the most that passed within any second.
        fn most_in_a_second(&self) -> usize {
            let ends = self.passed.iter().enumerate();
            ends.map(|(place, end)| self.passed[..=place].iter().filter(|time| **time + 1_000_000_000 > *end).count())
                .max()
                .unwrap_or(0)
        }
    }

    proptest! {
        #[test]
        fn the_number_agrees_with_a_list_of_times(
            a_second in 1_u32..2_000,
            burst in 1_u32..40,
            steps in proptest::collection::vec((0_u64..2_000_000_000, 0_u32..60), 1..80),
            single in proptest::bool::ANY,
        ) {
            let rate = Rate::new(a_second, burst);
            let mut model = Model { each: rate.each.into(), burst: burst.into(), passed: Vec::new() };
            let (mut spent, mut now) = (Spent::default(), Duration::ZERO);
            for (pause, count) in steps {
                let count = if single { 1 } else { count };
                // Most pauses are near to what one costs, and some are long.
                let pause = if pause.is_multiple_of(7) { pause } else { pause % (3 * rate.each) };
                now += Duration::from_nanos(pause);
                let spend = rate.spend(spent, now, count);
                prop_assert_eq!(spend.is_ok(), model.spend(now.as_nanos(), count));
                match spend {
                    Ok(after) => spent = after,
                    Err(wait) => {
                        prop_assert!(rate.spend(spent, now + wait, count).is_ok(), "after the wait it passes");
                        let early = now + wait - Duration::from_nanos(1);
                        prop_assert!(rate.spend(spent, early, count).is_err(), "the wait is the shortest");
                    }
                }
            }
            prop_assert_eq!(spent.is_nothing(now), model.spent(now.as_nanos()) == 0);
            if single {
                prop_assert!(model.most_in_a_second() <= (a_second + burst) as usize);
            }
        }
    }

    #[test]
    fn no_number_overflows() {
        let rate = Rate::new(0, 0);
        assert_eq!(rate, Rate::new(1, 1));
        let spent = rate.spend(Spent::default(), Duration::MAX, u32::MAX).unwrap();
        assert_eq!(spent, Spent(u64::MAX));
        assert!(rate.spend(spent, Duration::ZERO, 1).is_err());
        assert!(Rate::new(u32::MAX, u32::MAX).spend(Spent::default(), Duration::ZERO, u32::MAX).is_ok());
    }
}
