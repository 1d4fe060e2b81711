//! Chance, from a seed: the same seed and the same order of questions give the same answers.

use std::time::Duration;

/// A splitmix64 generator: good enough to lose packets, never for secrets.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns true with this probability: never at 0, always from 1 on.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// Returns a duration from nothing to `most`.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        if most.is_zero() { most } else { most.mul_f64(self.share()) }
    }

    /// Returns at least 0, and less than 1.
    fn share(&mut self) -> f64 {
        // An f64 holds 53 bits exactly.
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_seed_others() {
        let numbers = |seed| {
            std::iter::repeat_with({
                let mut random = Random::new(seed);
                move || random.number()
            })
            .take(8)
            .collect::<Vec<_>>()
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
    }

    #[test]
    fn a_chance_of_a_third_comes_true_about_a_third_of_the_time() {
        let mut random = Random::new(1);
        let hits = (0..30_000).filter(|_| random.chance(1.0 / 3.0)).count();
        assert!((9_500..10_500).contains(&hits), "{hits}");
        assert!(!random.chance(0.0));
        assert!(random.chance(1.0));
    }
}
