//! Two runs of one plan beside each other: the figures that got better, and those that got worse. Pure.

use crate::cli::bench::figures::{Better, Figures, METRICS, Metric, median};
use crate::cli::bench::plan::Plan;
use crate::cli::bench::results::Results;

/// A figure that is worse by more than this has regressed. A machine that does other things varies by a third.
const MARGIN: f64 = 1.5;
/// Times that differ by less than this are alike, in milliseconds.
const ALIKE_MS: f64 = 1.0;

/// One figure on one transport, then and now.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli::bench) struct Change {
    pub(in crate::cli::bench) transport: String,
    pub(in crate::cli::bench) key: &'static str,
    pub(in crate::cli::bench) then: f64,
    pub(in crate::cli::bench) now: f64,
    pub(in crate::cli::bench) worse: bool,
}

/// The keys of a plan that may differ: more runs, or other chances, measure the same.
const MAY_DIFFER: [&str; 2] = ["repeats", "seed"];

/// Says why two runs cannot be compared, if so: it names each key of the plan that differs.
pub(in crate::cli::bench) fn differs(now: &Plan, then: &Plan) -> Option<String> {
    let keys = |plan: &Plan| serde_json::to_value(plan).unwrap_or_default();
    let (now, then) = (keys(now), keys(then));
    let differing: Vec<String> = now
        .as_object()?
        .iter()
        .filter(|(key, value)| !MAY_DIFFER.contains(&key.as_str()) && then.get(key) != Some(value))
        .map(|(key, value)| format!("{key} was {}, now it is {value}", then[key]))
        .collect();
    (!differing.is_empty()).then(|| format!("the baseline measured something else: {}", differing.join("; ")))
}

/// Returns every figure that both runs have.
pub(in crate::cli::bench) fn changes(results: &Results, baseline: &Results) -> Vec<Change> {
    let mut changes = Vec::new();
    for transport in &results.plan.transports {
        for metric in &METRICS {
            if let (Some(now), Some(then)) = (middle(metric, results, transport), middle(metric, baseline, transport)) {
                let worse = worse(metric, then, now);
                changes.push(Change { transport: transport.clone(), key: metric.key, then, now, worse });
            }
        }
    }
    changes
}

fn middle(metric: &Metric, results: &Results, transport: &str) -> Option<f64> {
    let runs: Vec<&Figures> = results.runs.iter().filter(|run| run.transport == transport).collect();
    median(metric, &runs).map(|(value, ..)| value)
}

fn worse(metric: &Metric, then: f64, now: f64) -> bool {
    use crate::cli::bench::figures::Unit;
    match (metric.better, metric.unit) {
        (None, _) => false,
        (Some(_), Unit::Percent) => now < then - 0.01,
        (Some(_), Unit::Count) => now > then,
        (Some(Better::Lower), Unit::Milliseconds) => now > then * MARGIN && now > then + ALIKE_MS,
        (Some(Better::Lower), _) => now > then * MARGIN,
        (Some(Better::Higher), _) => now * MARGIN < then,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::plan::Scenario;

    #[test]
    fn two_plans_are_compared_only_where_they_measure_the_same_and_the_difference_is_named() {
        let plan = Scenario::Compare.plan();
        assert_eq!(differs(&Plan { repeats: 3, seed: 9, ..plan.clone() }, &plan), None);
        let other = Plan { size: 64, transports: vec!["poll".to_owned()], ..plan.clone() };
        let why = differs(&other, &plan).unwrap();
        assert!(why.contains("size was 1024, now it is 64") && why.contains("transports was"), "{why}");
    }

    #[test]
    fn a_figure_worse_by_half_has_regressed_and_noise_has_not() {
        let is_worse =
            |key: &str, then, now| worse(METRICS.iter().find(|metric| metric.key == key).unwrap(), then, now);
        assert!(is_worse("latency_p95", 10.0, 16.0) && !is_worse("latency_p95", 10.0, 14.0));
        assert!(!is_worse("latency_p95", 0.2, 0.9) && !is_worse("latency_max", 1.0, 100.0));
        assert!(is_worse("throughput", 100.0, 60.0) && !is_worse("throughput", 100.0, 70.0));
        assert!(is_worse("delivered", 100.0, 99.9) && is_worse("lost", 0.0, 1.0) && !is_worse("lost", 1.0, 0.0));
    }
}
