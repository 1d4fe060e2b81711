//! A hundred thousand schedules of faults, in virtual time, on the real halves.
//!
//! A seed makes a schedule: when the applications speak, what the network cuts, delays, loses and duplicates, and
//! which legs are opened and request turns. `THROUGHLINE_SEED=n` replays one, and `THROUGHLINE_SEEDS=n` runs n of
//! them.

mod ledger;
mod network;
mod schedule;
mod switches;

use self::schedule::Schedule;
use self::switches::Counts;
use super::Time;
use super::mutant::Mutant;
use crate::simulation::{Simulation, caught};

/// Once the faults stop, everything must arrive within this time. It is several times the time that it takes to
/// notice a dead leg or request, about 5 s.
const LONGEST_QUIET: Time = Time::from_secs(60);
/// The same bound if the network refuses large bodies or is slow. Then bodies fail one by one in each size, down to
/// a stuck line.
const LONGEST_HARD_QUIET: Time = Time::from_secs(240);
/// The interval at which each application speaks after the faults, until everything has arrived.
const PROBE_EVERY: Time = Time::from_secs(4);

const SIMULATION: Simulation<Mutant, Counts> = Simulation {
    test: "every_schedule_keeps",
    seeds: 100_000,
    // The least number of each combination: of two transports, the step at which the old leg dies, and lines under
    // way.
    least: 10,
    seeds_for_a_mutant: 30_000,
    run: |seed, mutant| {
        let mut schedule = Schedule::new(seed, mutant);
        schedule.run().map(|()| schedule.switches.counts)
    },
};

#[test]
fn every_schedule_keeps_the_invariants() {
    SIMULATION.holds();
}

caught! { SIMULATION:
    activation_by_the_servers_belief_is_caught: ActivationByBelief;
    not_asking_again_is_caught: NotAskingAgain;
    no_end_for_the_loser_is_caught: NoEndForLoser;
    no_confirming_welcome_is_caught: NoConfirmingWelcome;
    a_hello_without_the_id_is_caught: HelloWithoutId;
    lines_with_a_creating_hello_are_caught: LinesWithCreatingHello;
    a_poll_answered_from_what_was_sent_is_caught: PollFromSent;
    an_overrun_that_is_not_stated_is_caught: OverrunUnstated;
    a_second_hello_that_restarts_the_count_is_caught: HelloRestartsCount;
    a_sends_welcome_taken_for_the_legs_is_caught: SendWelcomeForLeg;
    a_repeated_turn_answered_again_is_caught: RepeatedTurnAnswered;
    a_plain_send_that_demotes_is_caught: PlainSendDemotes;
    lines_behind_a_brief_welcome_that_are_counted_from_the_last_one_are_caught: BriefWithLastNext;
    gone_that_is_not_believed_is_caught: GoneNotBelieved;
    a_filler_with_a_new_number_is_caught: FillerWithNewNumber;
    a_filler_that_is_dropped_is_caught: FillerDropped;
    telling_that_a_line_is_too_large_before_the_gateway_says_so_is_caught: TooLargeForArrived;
    an_unreadable_line_that_is_repeated_is_caught: UnreadableRepeated;
    bodies_that_never_become_smaller_are_caught: BodiesNeverSmaller;
    link_frames_that_wait_for_lines_are_caught: LinksWaitForLines;
    a_pong_that_is_not_padded_though_asked_is_caught: PongNotPadded;
    a_short_pong_that_is_taken_for_a_long_one_is_caught: ShortPongProves;
    another_user_that_joins_is_caught: UsersIgnored;
    lines_that_are_taken_without_a_right_are_caught: LinesWithoutRight;
    an_expiry_that_ends_the_session_is_caught: ExpiryEndsSession;
    a_refresh_that_is_ignored_is_caught: RefreshIgnored;
    a_bye_that_ends_the_session_before_its_lines_are_taken_is_caught: ByeBeforeLines;
    a_return_that_is_ignored_is_caught: ReturnIgnored;
    a_bye_that_is_ignored_is_caught: ByeIgnored;
    a_wait_that_is_taken_for_a_failure_is_caught: WaitIsFailure;
}
