//! Numbers from a seed, by a generator of our own (SplitMix64): a seed means the same everywhere.

use std::time::Duration;

/// See the module.
pub(crate) struct Random {
    state: u64,
    /// What a fuzzer chose. It comes first.
    choices: std::vec::IntoIter<u8>,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, choices: Vec::new().into_iter() }
    }

    /// The numbers that a fuzzer chose by these bytes, then those of the seed 0.
    pub(crate) fn of(choices: &[u8]) -> Self {
        Self { state: 0, choices: Vec::from(choices).into_iter() }
    }

    /// Whether the fuzzer chose more.
    pub(crate) fn has_choices(&self) -> bool {
        self.choices.len() > 0
    }

    /// As many bytes of the fuzzer's as a number below `bound` needs, the lowest first.
    fn chosen(&mut self, bound: u64) -> Option<u64> {
        let first = self.choices.next().map(u64::from)?;
        let mut rest = std::iter::from_fn(|| self.choices.next()).take(bytes_below(bound) - 1);
        let number = (1..).zip(&mut rest).map(|(place, byte)| u64::from(byte) << (8 * place)).sum::<u64>();
        Some(first + number)
    }

    const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is small.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.chosen(bound).unwrap_or_else(|| self.next()) % bound
    }

    /// True in so many of a hundred.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn milliseconds(&mut self, below: u64) -> Duration {
        Duration::from_millis(self.below(below))
    }

    /// A place in a list of this length.
    pub(crate) fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    pub(crate) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.place(among.len())]
    }
}

/// How many bytes a number below `bound` takes.
pub(crate) const fn bytes_below(bound: u64) -> usize {
    match bound {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 7,
    }
}

#[test]
fn what_a_fuzzer_chose_comes_before_what_the_seed_says() {
    let mut random = Random::of(&[200, 7, 1, 9]);
    assert_eq!((random.below(256), random.below(1_000), random.has_choices()), (200, 263, true));
    assert_eq!((random.below(1_000), random.has_choices()), (9, false));
    assert_eq!(random.next(), Random::new(0).next());
}

#[test]
fn a_seed_means_what_splitmix64_says() {
    let mut random = Random::new(1_234_567);
    let numbers = [random.next(), random.next(), random.next()];
    assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
}
