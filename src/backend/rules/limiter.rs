//! The numbers of one limit for many: users, channels, addresses.

use std::collections::HashMap;
use std::time::Duration;

use super::gcra::{Rate, Spent};

/// A bounded map of numbers, each under a key. The caller makes the keys: a hash of whatever is limited.
///
/// It keeps only numbers with something spent. If it is full of these, it drops the quarter that has the least spent.
/// The limits of these hold less strictly for a moment, and no client is refused for lack of room.
#[derive(Debug)]
pub struct Limiter {
    spent: HashMap<u64, Spent>,
    most: usize,
}

impl Limiter {
    /// Returns a limiter without numbers, for at most this many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { spent: HashMap::new(), most: most.max(1) }
    }

    /// Spends `count` of the limit of this key.
    ///
    /// # Errors
    /// The limit is reached, and nothing was spent. Another try is welcome after the returned time.
    pub fn spend(&mut self, key: u64, rate: Rate, now: Duration, count: u32) -> Result<(), Duration> {
        let after = self.after(key, rate, now, count)?;
        self.put(key, after, now);
        Ok(())
    }

    /// Returns what [`Self::spend`] would keep.
    ///
    /// # Errors
    /// As those of [`Self::spend`].
    pub fn after(&self, key: u64, rate: Rate, now: Duration, count: u32) -> Result<Spent, Duration> {
        rate.spend(self.spent.get(&key).copied().unwrap_or_default(), now, count)
    }

    /// Keeps a number that [`Self::after`] returned.
    pub fn put(&mut self, key: u64, spent: Spent, now: Duration) {
        if self.spent.len() >= self.most && !self.spent.contains_key(&key) {
            self.make_room(now);
        }
        self.spent.insert(key, spent);
    }

    /// Returns the count of numbers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spent.len()
    }

    /// Returns true without any number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spent.is_empty()
    }

    /// Frees at least a quarter, so that this happens once in many calls.
    fn make_room(&mut self, now: Duration) {
        self.spent.retain(|_, spent| !spent.is_nothing(now));
        if self.spent.len() * 4 > self.most * 3 {
            let mut all: Vec<Spent> = self.spent.values().copied().collect();
            let quarter = all.len() / 4;
            let (_, least, _) = all.select_nth_unstable(quarter);
            let least = *least;
            self.spent.retain(|_, spent| *spent > least);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_key_has_a_limit_of_its_own() {
        let (mut limiter, rate) = (Limiter::new(9), Rate::new(1, 2));
        for key in [1, 2] {
            assert_eq!(limiter.spend(key, rate, SECOND, 2), Ok(()));
            assert_eq!(limiter.spend(key, rate, SECOND, 1), Err(SECOND), "{key}");
        }
        assert_eq!(limiter.spend(1, rate, SECOND * 2, 1), Ok(()));
    }

    #[test]
    fn a_full_limiter_drops_numbers_with_nothing_spent_before_others() {
        let (mut limiter, rate) = (Limiter::new(100), Rate::new(1, 5));
        for key in 0..100 {
            // The even ones are at rest after a second, and the odd ones after five.
            limiter.spend(key, rate, Duration::ZERO, if key % 2 == 0 { 1 } else { 5 }).unwrap();
        }
        assert_eq!(limiter.spend(200, rate, SECOND * 2, 1), Ok(()));
        assert_eq!(limiter.len(), 51);
        assert!((1..100).step_by(2).all(|key| limiter.spend(key, rate, SECOND * 2, 4).is_err()));
    }

    #[test]
    fn a_limiter_of_busy_keys_stays_within_its_bound() {
        let (mut limiter, rate) = (Limiter::new(100), Rate::new(1, 1_000));
        for key in 0..10_000 {
            let now = SECOND * u32::try_from(key / 100).unwrap();
            limiter.spend(key, rate, now, 999).unwrap();
            limiter.spend(u64::MAX, rate, now, 1).unwrap();
            assert!(limiter.len() <= 100);
        }
    }
}
