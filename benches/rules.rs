//! The time that the look-up of a channel's rule needs, with 1 rule and with 1,000. Above 2 µs it fails.
//!
//!     cargo bench --bench rules

// Its figures are its output.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use throughline::ChannelName;
use throughline::backend::pattern::Pattern;
use throughline::backend::rules::Rules;
use throughline::backend::rules::decide::{Ask, Who};
use throughline::backend::rules::rule::{Rule, Word};

const BOUND: Duration = Duration::from_micros(2);
/// The look-ups of a round. The best of several rounds counts, because other programs disturb some.
const LOOKUPS: u32 = 100_000;
const ROUNDS: u32 = 9;

fn main() -> ExitCode {
    let mut is_within = true;
    for count in [1, 1_000] {
        let rules = rules(count);
        let names: Vec<ChannelName> =
            (0..64).map(|number| name(&format!("area-{}/room/{number}", number % count))).collect();
        let missing = name("area-0/rooms/1");
        let found = best(|round| {
            let _ = black_box(rules.find(&names[round as usize % names.len()]));
        });
        let decided = best(|round| {
            let found = rules.find(&names[round as usize % names.len()]).expect("a rule matches");
            let _ = black_box(found.decide(Ask::Publish, &Who { user: Some("42"), ..Who::default() }));
        });
        let missed = best(|_| {
            let _ = black_box(rules.find(&missing));
        });
        println!("{count:>5} rules: a look-up {found:?}, with its decision {decided:?}, without a rule {missed:?}");
        is_within &= [found, decided, missed].iter().all(|time| *time <= BOUND);
    }
    if is_within {
        return ExitCode::SUCCESS;
    }
    println!("above the bound of {BOUND:?}");
    ExitCode::FAILURE
}

/// Returns the time that each call took in the best round.
fn best(mut act: impl FnMut(u32)) -> Duration {
    let mut round = || {
        let start = Instant::now();
        (0..LOOKUPS).for_each(&mut act);
        start.elapsed() / LOOKUPS
    };
    (0..ROUNDS).map(|_| round()).min().unwrap_or_default()
}

fn rules(count: u32) -> Rules {
    let rule = |number| {
        let mut rule = Rule::new(Pattern::try_from(&*format!("area-{number}/room/{{room}}")).expect("a pattern"));
        rule.publish = vec![Word::Token, Word::User];
        rule
    };
    Rules::new(&(0..count).map(rule).collect::<Vec<_>>()).expect("no two rules meet")
}

fn name(text: &str) -> ChannelName {
    ChannelName::try_from(text).expect("a name")
}
