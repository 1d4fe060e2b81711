//! The sentences of table and page: the result on top, the doubts below, and the reason for a missing figure. Pure.

use crate::cli::bench::figures::{Doubt, Figures, Metric, Unit, median_of, thousands};
use crate::cli::bench::plan::Scenario;
use crate::cli::bench::results::Results;

/// The mark beside a figure that is doubted.
pub(super) const MARK: &str = "*";

/// Returns a transport's name for people.
pub(super) fn name(transport: &str) -> &str {
    match transport {
        "websocket" => "WebSocket",
        "sse" => "SSE",
        "poll" => "long-poll",
        other => other,
    }
}

/// Returns the result in one sentence.
pub(super) fn result(results: &Results) -> String {
    let promise = promise(results);
    if results.nothing_connected() {
        return "Nothing connected, by any transport.".to_owned();
    }
    if !results.switches.is_empty() {
        let (done, asked) =
            results.switches.iter().fold((0, 0), |(done, asked), of| (done + of.done, asked + of.asked));
        return format!("{done} of {asked} switches of transport were done; {promise}.");
    }
    if !results.cuts.is_empty() {
        let (resumed, all) =
            results.cuts.iter().fold((0, 0), |(resumed, all), of| (resumed + of.resumed, all + of.sessions));
        return format!("{resumed} of {all} sessions were resumed after the cut; {promise}.");
    }
    let (key, did) = match results.plan.scenario {
        Scenario::Throughput => ("throughput", "Messages came through at"),
        _ => ("latency_p50", "Half of all messages came within"),
    };
    let told: Vec<String> = results
        .plan
        .transports
        .iter()
        .map(|transport| match median_of(key, &runs(results, transport)) {
            Some((value, unit)) => {
                let mark = if doubted(results, transport, key) { MARK } else { "" };
                format!("{}{mark} by {}", unit.show(value), name(transport))
            }
            None => format!("no time by {}", name(transport)),
        })
        .collect();
    format!("{did} {}; {promise}.", told.join(", "))
}

fn promise(results: &Results) -> String {
    let runs = results.runs.iter().map(|of| [of.lost, of.duplicated, of.reordered]);
    let switches = results.switches.iter().map(|of| [of.lost, of.duplicated, of.reordered]);
    let cuts = results.cuts.iter().map(|of| [of.lost, of.duplicated, of.reordered]);
    let [lost, twice, reordered] = runs
        .chain(switches)
        .chain(cuts)
        .fold([0; 3], |sum: [u64; 3], of| [sum[0] + of[0], sum[1] + of[1], sum[2] + of[2]]);
    if lost + twice + reordered == 0 {
        return "nothing was lost, duplicated or reordered".to_owned();
    }
    let [lost, twice, reordered] = [lost, twice, reordered].map(|count| thousands(count as f64));
    format!("{lost} messages were lost, {twice} duplicated, {reordered} reordered")
}

/// Returns whether a figure is doubted in some run.
pub(super) fn doubted(results: &Results, transport: &str, key: &str) -> bool {
    runs(results, transport).iter().flat_map(|run| &run.doubted).any(|doubt| doubt.figure == key)
}

/// Returns a line for each transport with doubted figures. It says by how much this program was late in the first run
/// that has each.
pub(super) fn doubts(results: &Results) -> Vec<String> {
    let line = |transport: &String| {
        let mut told: Vec<&Doubt> = Vec::new();
        for doubt in runs(results, transport).into_iter().flat_map(|run| &run.doubted) {
            if told.iter().all(|of| of.figure != doubt.figure) {
                told.push(doubt);
            }
        }
        let late = |doubt: &&Doubt| {
            let figure = doubt.figure.trim_start_matches("latency_");
            format!("{figure} by {}", Unit::Milliseconds.show(doubt.late_ms))
        };
        let late: Vec<String> = told.iter().map(late).collect();
        let (name, late) = (name(transport), late.join(", "));
        (!told.is_empty()).then(|| {
            format!("{MARK} {name}: this program itself was late ({late}), so the machine is too small for the load.")
        })
    };
    results.plan.transports.iter().filter_map(line).collect()
}

/// Returns the text that replaces a missing figure.
pub(super) fn missing(results: &Results, metric: &Metric) -> &'static str {
    let own = results.url.is_none();
    if metric.key == "memory" && own && results.plan.connections < Figures::MEMORY_FROM {
        "n/a: needs 1,000"
    } else {
        "n/a"
    }
}

pub(super) fn runs<'a>(results: &'a Results, transport: &str) -> Vec<&'a Figures> {
    results.runs.iter().filter(|run| run.transport == transport).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cli::bench::doubt;
    use crate::cli::bench::figures::{METRICS, Spread};
    use crate::cli::bench::results::FORMAT;

    /// Returns one run by SSE, in which this program itself was so late.
    pub(in super::super) fn results(late_ms: f64) -> Results {
        let spread = |p99| Spread { count: 9, average: 1.0, p50: 1.0, p95: 1.0, p99, max: p99, curve: Vec::new() };
        let mut run = Figures {
            transport: "sse".to_owned(),
            connected: 5,
            latency: Some(spread(148.0)),
            lateness: Some(Spread { p50: 0.1, p95: 0.1, average: 0.1, ..spread(late_ms) }),
            ..Figures::default()
        };
        run.doubted = doubt::of(&run);
        let mut plan = Scenario::Compare.plan();
        plan.transports = vec!["sse".to_owned()];
        Results {
            throughline_bench: FORMAT,
            version: String::new(),
            made: String::new(),
            machine: String::new(),
            url: None,
            plan,
            runs: vec![run],
            switches: Vec::new(),
            cuts: Vec::new(),
            bounds: Vec::new(),
        }
    }

    #[test]
    fn the_result_is_one_sentence_with_the_latencies_and_the_promise() {
        let sure = results(1.0);
        assert_eq!(
            result(&sure),
            "Half of all messages came within 1.00 ms by SSE; nothing was lost, duplicated or reordered."
        );
        let mut losing = sure.clone();
        losing.runs[0].lost = 1200;
        assert!(result(&losing).ends_with("1,200 messages were lost, 0 duplicated, 0 reordered."));
        losing.runs[0].connected = 0;
        assert_eq!(result(&losing), "Nothing connected, by any transport.");
    }

    #[test]
    fn a_doubted_figure_is_marked_and_a_line_says_why() {
        let (sure, unsure) = (results(1.0), results(136.0));
        assert!(doubts(&sure).is_empty() && !doubted(&sure, "sse", "latency_p99"));
        assert!(doubted(&unsure, "sse", "latency_p99") && !doubted(&unsure, "sse", "latency_p50"));
        let lines = doubts(&unsure);
        let line = "* SSE: this program itself was late (p99 by 136 ms, max by 136 ms), so the machine is too small for the load.";
        assert_eq!(lines, [line]);
    }

    #[test]
    fn memory_is_missing_for_few_connections_and_says_what_it_needs() {
        let few = results(1.0);
        let memory = METRICS.iter().find(|metric| metric.key == "memory").unwrap();
        assert_eq!(missing(&few, memory), "n/a: needs 1,000");
        assert_eq!(missing(&Results { url: Some("http://a/".to_owned()), ..few }, memory), "n/a");
    }
}
