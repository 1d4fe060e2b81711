//! What the simulations share: chance, virtual time, and the loop over seeds. Only tests and fuzz builds are compiled with it.
//!
//! A seed makes a schedule, and the same seed makes the same schedule everywhere. `THROUGHLINE_SEED=n` replays one,
//! and `THROUGHLINE_SEEDS=n` runs n of them. This module must know no machine and no rule. A layer may name it, and
//! it names no layer.
//!
//! # Layout
//! - `random`: numbers from a seed
//! - `agenda`: what happens when

mod agenda;
mod random;

use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use self::agenda::Agenda;
pub(crate) use self::random::{Random, bytes_below};

/// The first seed for a mutant. Its schedules differ from those of the machine without a mistake.
const FIRST_FOR_A_MUTANT: u64 = 1_000_000;
/// How much of a mutant's failure is printed, in characters.
const SAID_OF_A_MUTANT: usize = 160;

/// How often each thing happened that the schedules are about. An invariant must never use it.
pub(crate) trait Counts: Default + fmt::Debug + Send {
    /// Returns all counts, always in the same order.
    fn each(&mut self) -> impl Iterator<Item = &mut u64>;
}

/// A simulation: what it runs, how often, and what must occur. `M` is a mistake, and `C` is what is counted.
pub(crate) struct Simulation<M, C> {
    /// The name of the test that runs all schedules, or the beginning of that name.
    pub(crate) test: &'static str,
    /// The number of all schedules.
    pub(crate) seeds: u64,
    /// How often each counted thing must happen in all schedules.
    pub(crate) least: u64,
    /// The number of schedules within which a mistake must show.
    pub(crate) seeds_for_a_mutant: u64,
    /// Runs the schedule of a seed. Returns an error if an invariant is broken.
    pub(crate) run: fn(u64, Option<M>) -> Result<C, String>,
}

impl<M: fmt::Debug + Copy + Sync, C: Counts> Simulation<M, C> {
    /// Fails if a schedule breaks an invariant, or if something that is counted hardly occurs.
    pub(crate) fn holds(&self) {
        self.holds_for(match environment("THROUGHLINE_SEED") {
            Some(seed) => seed..seed + 1,
            None => 0..environment("THROUGHLINE_SEEDS").unwrap_or(self.seeds),
        });
    }

    fn holds_for(&self, seeds: Range<u64>) {
        let is_whole = seeds == (0..self.seeds);
        match self.first_failure(seeds, None) {
            Err((seed, why)) => {
                panic!("seed {seed}: {why}\nreplay: THROUGHLINE_SEED={seed} cargo test --lib {}", self.test)
            }
            Ok(mut counts) => {
                let rarest = counts.each().map(|count| *count).min().unwrap_or(0);
                println!("{counts:?}\nthe rarest {rarest} times");
                assert!(!is_whole || rarest >= self.least, "something hardly occurs: {counts:?}");
            }
        }
    }

    /// Shows that the simulation can fail: with this mistake, an invariant is broken.
    pub(crate) fn catches(&self, mutant: M) {
        let most = self.seeds_for_a_mutant;
        match self.first_failure(FIRST_FOR_A_MUTANT..FIRST_FOR_A_MUTANT + most, Some(mutant)) {
            Err((seed, why)) => {
                let said: String = why.chars().take(SAID_OF_A_MUTANT).collect();
                println!("{mutant:?} is caught by seed {seed}: {said}");
            }
            Ok(_) => panic!("{mutant:?} was not caught within {most} schedules"),
        }
    }

    /// Returns a seed whose schedule breaks an invariant, or else the counts of all schedules.
    fn first_failure(&self, seeds: Range<u64>, mutant: Option<M>) -> Result<C, (u64, String)> {
        let next = AtomicU64::new(seeds.start);
        let failure = Mutex::new(None);
        let counts = Mutex::new(C::default());
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    let mut seen = C::default();
                    while failure.lock().unwrap().is_none() {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end {
                            break;
                        }
                        match (self.run)(seed, mutant) {
                            Ok(more) => add(&mut seen, more),
                            Err(why) => {
                                failure.lock().unwrap().get_or_insert((seed, why));
                            }
                        }
                    }
                    add(&mut *counts.lock().unwrap(), seen);
                });
            }
        });
        failure.into_inner().unwrap().map_or_else(|| Ok(counts.into_inner().unwrap()), Err)
    }
}

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn add<C: Counts>(counts: &mut C, mut more: C) {
    counts.each().zip(more.each()).for_each(|(count, more)| *count += *more);
}

/// A test for each mistake: the simulation catches it.
macro_rules! caught {
    ($simulation:ident: $($name:ident: $mutant:ident;)*) => {
        $(#[test] fn $name() { $simulation.catches(Mutant::$mutant); })*
    };
}
pub(crate) use caught;

/// A simulation of nothing. Its mistake breaks an invariant in each schedule whose seed ends with these digits.
#[derive(Debug, Default)]
struct Schedules(u64);

impl Counts for Schedules {
    fn each(&mut self) -> impl Iterator<Item = &mut u64> {
        std::iter::once(&mut self.0)
    }
}

const NOTHING: Simulation<u64, Schedules> = Simulation {
    test: "every_schedule_of_nothing",
    seeds: 50,
    least: 50,
    seeds_for_a_mutant: 100,
    run: |seed, mutant| match mutant {
        Some(digits) if seed % 1_000 == digits => Err("it is broken".to_owned()),
        _ => Ok(Schedules(1)),
    },
};

#[test]
fn a_failure_is_told_with_its_seed_and_without_one_all_schedules_are_counted() {
    assert_eq!(NOTHING.first_failure(0..100, Some(42)).unwrap_err(), (42, "it is broken".to_owned()));
    assert_eq!(NOTHING.first_failure(0..100, None).unwrap().0, 100);
    NOTHING.holds_for(0..50);
    NOTHING.catches(99);
}

#[test]
#[should_panic(expected = "100 was not caught within 100 schedules")]
fn a_mistake_that_shows_too_late_is_not_caught() {
    NOTHING.catches(100);
}

#[test]
#[should_panic(expected = "something hardly occurs")]
fn what_hardly_occurs_fails_a_simulation() {
    Simulation { least: 51, ..NOTHING }.holds_for(0..50);
}
