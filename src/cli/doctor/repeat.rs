//! From the tries of one question to one finding. If some tries pass and others fail, the finding is `unreliable`.
//!
//! Pure. Its twin is `src/pages/doctor/repeat.js`.

use serde_json::Value;

use super::speak::{Figures, Outcome, Stop};

/// How often each question is asked.
pub(super) const TIMES: usize = 3;

/// The codes of tries that pass.
const PASSES: [&str; 6] = ["ours", "works", "slow", "up_only", "lived", "ended"];

/// The result of one try: a code of `words.json`, and figures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Try {
    pub(super) code: &'static str,
    pub(super) figures: Figures,
}

impl From<Result<Outcome, Stop>> for Try {
    fn from(outcome: Result<Outcome, Stop>) -> Self {
        match outcome {
            Ok(outcome) => Self { code: outcome.code, figures: outcome.figures },
            Err(stop) => Self { code: stop.code, figures: stop.figures },
        }
    }
}

impl Try {
    fn passes(&self) -> bool {
        PASSES.contains(&self.code)
    }

    /// Returns the order of a try among those that pass.
    fn pace(&self) -> u64 {
        ["rtt_ms", "ms"].into_iter().find_map(|name| self.figures.get(name)?.as_u64()).unwrap_or_default()
    }
}

/// Returns the middle one of the tries if all pass, and the commonest failure if all fail. Returns `unreliable`
/// otherwise, and if requests got lost.
pub(super) fn together(tries: &[Try]) -> Try {
    let (passed, failed): (Vec<&Try>, Vec<&Try>) = tries.iter().partition(|one| one.passes());
    let Some(failure) = commonest(&failed) else {
        return middle(passed);
    };
    let loses = failed.iter().copied().find(|one| one.code == "loses");
    if passed.is_empty() && loses.is_none() {
        return failure.clone();
    }
    let example = loses.unwrap_or(failure);
    let mut figures = example.figures.clone();
    figures.insert("failed".to_owned(), failed.len().into());
    figures.insert("tries".to_owned(), tries.len().into());
    figures.insert("like".to_owned(), example.code.into());
    Try { code: "unreliable", figures }
}

/// Returns the first try with the most frequent code.
fn commonest<'a>(tries: &[&'a Try]) -> Option<&'a Try> {
    let count = |code| tries.iter().filter(|one| one.code == code).count();
    let most = tries.iter().map(|one| count(one.code)).max()?;
    tries.iter().copied().find(|one| count(one.code) == most)
}

/// Returns the try of middle pace, with the slowest round trip of all tries.
fn middle(mut tries: Vec<&Try>) -> Try {
    tries.sort_by_key(|one| one.pace());
    let worst = tries.iter().filter_map(|one| one.figures.get("worst_ms").and_then(Value::as_u64)).max();
    let Some(middle) = tries.get(tries.len() / 2) else { return Try { code: "works", figures: Figures::new() } };
    let mut middle = (*middle).clone();
    if let Some(worst) = worst {
        middle.figures.insert("worst_ms".to_owned(), worst.into());
    }
    middle
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::leg::figures;

    fn tried(code: &'static str, ms: u64) -> Try {
        Try { code, figures: figures([("rtt_ms", ms), ("worst_ms", ms)]) }
    }

    #[test]
    fn tries_that_pass_give_the_middle_one_and_the_slowest_round_trip() {
        let one = together(&[tried("slow", 900), tried("works", 5), tried("works", 7)]);
        assert_eq!((one.code, one.pace(), one.figures["worst_ms"].as_u64()), ("works", 7, Some(900)));
    }

    #[test]
    fn tries_that_all_fail_give_the_commonest_failure() {
        let all = [tried("cut", 1), tried("refused", 2), tried("refused", 3)];
        assert_eq!(together(&all), tried("refused", 2));
        assert_eq!(together(&all[..2]), tried("cut", 1));
    }

    #[test]
    fn tries_that_differ_are_unreliable_and_say_how_often_and_how_one_failed() {
        let one = together(&[tried("cut", 1), tried("works", 2), tried("cut", 3)]);
        assert_eq!(one.code, "unreliable");
        assert_eq!(
            (&one.figures["failed"], &one.figures["tries"], &one.figures["like"]),
            (&2.into(), &3.into(), &"cut".into())
        );
    }

    #[test]
    fn lost_requests_are_unreliable_even_if_each_try_has_some() {
        let one = together(&[tried("send_failed", 1), tried("loses", 2), tried("send_failed", 3)]);
        assert_eq!(
            (one.code, &one.figures["failed"], &one.figures["like"]),
            ("unreliable", &3.into(), &"loses".into())
        );
    }
}
