//! A hundred thousand schedules of faults, in virtual time, on the real machine of a channel.
//!
//! A seed makes a schedule. It says when a node publishes, which subscribers come, go and fall behind, and which requests and
//! messages the broker delays, repeats, loses or refuses. `THROUGHLINE_SEED=n` replays one; `THROUGHLINE_SEEDS=n` runs so many.
//!
//! The invariants: each subscriber gets each offset at most once, in order, and is told of every hole; nothing is told
//! without need; each publication and each subscription has one true answer; memory stays within its bounds; when the faults
//! stop, every subscriber is current within a bounded time.

mod agenda;
mod counts;
mod reader;
mod schedule;
mod truth;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use self::counts::Counts;
use self::schedule::Schedule;
use super::mutant::Mutant;

const SEEDS: u64 = 100_000;
/// Every fault strikes a subscriber in every state that often.
const LEAST_OF_A_PAIR: u64 = 100;
/// A mistake must show within so many schedules.
const SEEDS_FOR_A_MUTANT: u64 = 20_000;

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The first seed that was found whose schedule breaks an invariant; or the faults of all schedules.
fn first_failure(seeds: Range<u64>, mutant: Option<Mutant>) -> Result<Counts, (u64, String)> {
    let next = AtomicU64::new(seeds.start);
    let failure = Mutex::new(None);
    let counts = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut seen = Counts::default();
                while failure.lock().unwrap().is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let mut schedule = Schedule::new(seed, mutant);
                    if let Err(why) = schedule.run() {
                        failure.lock().unwrap().get_or_insert((seed, why));
                    }
                    seen.add(&schedule.counts);
                }
                counts.lock().unwrap().add(&seen);
            });
        }
    });
    failure.into_inner().unwrap().map_or_else(|| Ok(counts.into_inner().unwrap()), Err)
}

#[test]
fn every_schedule_of_a_channel_keeps_the_invariants() {
    let seeds = match environment("THROUGHLINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..environment("THROUGHLINE_SEEDS").unwrap_or(SEEDS),
    };
    let is_whole = seeds == (0..SEEDS);
    match first_failure(seeds, None) {
        Err((seed, why)) => {
            panic!("seed {seed}: {why}\nreplay: THROUGHLINE_SEED={seed} cargo test --lib every_schedule_of_a_channel")
        }
        Ok(counts) => {
            println!("{counts}");
            assert!(!is_whole || counts.least() >= LEAST_OF_A_PAIR, "a fault hardly occurs: {counts}");
        }
    }
}

/// Shows that the simulation can fail: with this mistake, an invariant catches it.
fn is_caught(mutant: Mutant) {
    match first_failure(1_000_000..1_000_000 + SEEDS_FOR_A_MUTANT, Some(mutant)) {
        Err((seed, why)) => println!("{mutant:?} is caught by seed {seed}: {why}"),
        Ok(_) => panic!("{mutant:?} was not caught within {SEEDS_FOR_A_MUTANT} schedules"),
    }
}

macro_rules! caught {
    ($($name:ident: $mutant:ident;)*) => {
        $(#[test] fn $name() { is_caught(Mutant::$mutant); })*
    };
}

caught! {
    live_lines_that_are_not_held_for_history_are_caught: LinesNotHeld;
    history_joined_without_offsets_is_caught: MergedWithoutOffsets;
    a_new_epoch_that_is_not_told_is_caught: NewEpochUntold;
    a_place_that_moves_back_is_caught: PlaceMovedBack;
    lines_held_without_bound_are_caught: HeldWithoutBound;
    a_gap_that_is_ignored_is_caught: GapIgnored;
    a_repetition_that_is_delivered_is_caught: RepeatDelivered;
    an_epoch_that_is_ignored_is_caught: EpochIgnored;
    an_answer_to_an_earlier_fetch_is_caught: OldAnswerTaken;
    a_position_that_is_taken_for_proven_is_caught: ProofAssumed;
    a_fetch_before_the_watch_is_caught: FetchBeforeWatch;
    a_failed_fetch_that_is_not_tried_again_is_caught: NoRetry;
    a_fetch_that_is_waited_for_without_end_is_caught: NoPatience;
    a_position_that_is_never_checked_is_caught: NoCheck;
    an_interruption_that_is_ignored_is_caught: InterruptionIgnored;
    an_append_that_is_answered_twice_is_caught: AnsweredTwice;
    a_leaver_that_is_started_is_caught: LeaverStarted;
    a_subscriber_that_joins_an_earlier_fetch_is_caught: OldFetchJoined;
    appends_without_bound_are_caught: AppendsWithoutBound;
}
