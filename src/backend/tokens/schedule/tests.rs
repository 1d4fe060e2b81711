//! The schedule against the figures of its rules, after arbitrary sequences of inputs.

use proptest::prelude::*;

use super::*;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn the_first_fetch_is_due_at_once_and_repeated_with_back_off() {
    let start = Instant::now();
    let mut schedule = Schedule::new(start);
    let mut now = start;
    for wait in [1, 2, 4, 8, 16, 30, 30, 30] {
        assert!(schedule.begin(now) && !schedule.begin(now));
        assert_eq!(schedule.failed(now), seconds(wait));
        assert!(!schedule.is_valid(now) && !schedule.is_deciding(now));
        now += seconds(wait);
    }
    assert!(schedule.begin(now));
    schedule.fetched(now, None);
    assert!(schedule.is_valid(now));
    assert_eq!(schedule.due(), now + seconds(300));
}

#[test]
fn the_age_of_a_set_is_clamped_and_the_last_good_one_holds_for_a_day() {
    for (max_age, due) in [(None, 300), (Some(1), 300), (Some(3600), 3600), (Some(u64::MAX), 86_400)] {
        let now = Instant::now();
        let mut schedule = Schedule::new(now);
        assert!(schedule.begin(now));
        schedule.fetched(now, max_age.map(seconds));
        assert_eq!(schedule.due(), now + seconds(due));
        assert!(schedule.is_valid(now + seconds(86_399)) && !schedule.is_valid(now + seconds(86_400)));
    }
}

#[test]
fn a_fetch_that_was_dropped_is_due_again() {
    let now = Instant::now();
    let mut schedule = Schedule::new(now);
    assert!(schedule.begin(now));
    let later = now + seconds(2);
    schedule.abandoned(later);
    assert!(schedule.is_deciding(later) && schedule.begin(later));
}

/// What happens to a schedule.
#[derive(Debug, Clone)]
enum Step {
    /// This many milliseconds pass.
    Pass(u64),
    /// Tokens with unknown keys come.
    Unknown(u8),
    /// The shell looks whether a fetch is due.
    Begin,
    Fetched(Option<u64>),
    Failed,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..20_000u64).prop_map(Step::Pass),
        1 => (1..90_000_000u64).prop_map(Step::Pass),
        6 => (1..50u8).prop_map(Step::Unknown),
        8 => Just(Step::Begin),
        4 => proptest::option::of(0..200_000u64).prop_map(Step::Fetched),
        3 => Just(Step::Failed),
    ]
}

proptest! {
    /// A naive model: it keeps the times of all that happened, and judges by them.
    #[test]
    fn every_schedule_keeps_its_bounds(steps in prop::collection::vec(step(), 1..200)) {
        let mut now = Instant::now();
        let mut schedule = Schedule::new(now);
        // The end of the last fetch with its wait, the last good set, and the fetches that unknown keys caused.
        let (mut ended, mut good, mut asked) = (None, None::<Instant>, Vec::<Instant>::new());
        let (mut under_way, mut failures) = (false, 0_u32);
        for step in steps {
            match step {
                Step::Pass(millis) => now += Duration::from_millis(millis),
                Step::Unknown(times) if schedule.is_valid(now) => {
                    for _ in 0..times {
                        let was_deciding = schedule.is_deciding(now);
                        let may_come = schedule.wants_unknown(now);
                        prop_assert_eq!(may_come, schedule.is_deciding(now));
                        if may_come && !was_deciding {
                            asked.push(now);
                        }
                    }
                }
                Step::Unknown(_) => {}
                Step::Begin => {
                    let begins = schedule.begin(now);
                    prop_assert!(!(begins && under_way), "two fetches at once");
                    if begins && let Some((at, wait)) = ended {
                        prop_assert!(now >= at + wait || asked.last().is_some_and(|asked| *asked >= at), "too early");
                    }
                    let is_late = ended.is_none_or(|(at, wait)| now >= at + wait);
                    prop_assert!(under_way || begins || !is_late, "a due fetch did not begin");
                    under_way |= begins;
                }
                Step::Fetched(max_age) if under_way => {
                    schedule.fetched(now, max_age.map(seconds));
                    let wait = seconds(max_age.unwrap_or(0).clamp(300, 86_400));
                    (under_way, good, failures, ended) = (false, Some(now), 0, Some((now, wait)));
                }
                Step::Failed if under_way => {
                    let wait = schedule.failed(now);
                    prop_assert_eq!(wait, seconds(1 << failures.min(5)).min(seconds(30)));
                    (under_way, failures, ended) = (false, failures + 1, Some((now, wait)));
                }
                Step::Fetched(_) | Step::Failed => {}
            }
            prop_assert_eq!(schedule.is_valid(now), good.is_some_and(|good| now < good + seconds(86_400)));
            prop_assert!(!under_way || schedule.is_deciding(now));
        }
        for pair in asked.windows(2) {
            prop_assert!(pair[1] - pair[0] >= seconds(10), "two fetches for unknown keys within 10 s");
        }
    }
}
