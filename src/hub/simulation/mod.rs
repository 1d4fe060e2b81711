//! A hundred thousand schedules of faults, in virtual time, on the real machine of a channel.
//!
//! A seed makes a schedule. It says when a node publishes, which subscribers come, go and fall behind, and which
//! requests and messages the broker delays, repeats, loses or refuses. `THROUGHLINE_SEED=n` replays one, and
//! `THROUGHLINE_SEEDS=n` runs n of them.
//!
//! The invariants:
//! - Each subscriber gets each offset at most once and in order. It learns of every hole, and of nothing else.
//! - Each publication and each subscription has one true answer.
//! - Memory stays within its bounds.
//! - When the faults stop, every subscriber is current within a bounded time.

mod counts;
mod reader;
mod schedule;
mod truth;

#[cfg(test)]
use self::counts::Counts;
use self::schedule::Schedule;
#[cfg(test)]
use super::mutant::Mutant;
use super::mutant::Mutation;
use crate::simulation::Random;
#[cfg(test)]
use crate::simulation::{Simulation, caught};

/// Runs the schedule whose choices are these bytes. Panics if it breaks an invariant.
pub(crate) fn fuzz(bytes: &[u8]) {
    let run = Schedule::new(Random::of(bytes), Mutation::default()).run();
    assert_eq!(run, Ok(()));
}

#[cfg(test)]
const SIMULATION: Simulation<Mutant, Counts> = Simulation {
    test: "every_schedule_of_a_channel",
    seeds: 100_000,
    // The least number of each fault, for a subscriber in each state.
    least: 100,
    seeds_for_a_mutant: 20_000,
    run: |seed, mutant| {
        let mut schedule = Schedule::new(Random::new(seed), Mutation::of(mutant));
        schedule.run().map(|()| schedule.counts)
    },
};

#[test]
fn every_schedule_of_a_channel_keeps_the_invariants() {
    SIMULATION.holds();
}

#[cfg(test)]
caught! { SIMULATION:
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
