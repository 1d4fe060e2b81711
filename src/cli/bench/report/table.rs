//! The figures in the terminal.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use super::baseline::{self, Change};
use super::words;
use crate::cli::bench::figures::{Figures, METRICS, Unit, median};
use crate::cli::bench::results::Results;

/// Returns everything that there is to show, with the changes since the baseline.
pub(in crate::cli::bench) fn of(results: &Results, baseline: Option<&Results>) -> String {
    let mut said = vec![words::result(results), results.plan.told()];
    if !results.runs.is_empty() {
        let changes = baseline.map_or_else(Vec::new, |baseline| baseline::changes(results, baseline));
        said.push(runs(results, &changes));
        said.extend(words::doubts(results));
        said.extend(failures(results));
    }
    if !results.switches.is_empty() {
        said.push(switches(results));
    }
    if !results.cuts.is_empty() {
        said.push(cuts(results));
    }
    if !results.bounds.is_empty() {
        said.push(bounds(results));
    }
    said.join("\n")
}

/// Returns a table with a column for each transport and a line for each figure.
fn runs(results: &Results, changes: &[Change]) -> String {
    let transports = &results.plan.transports;
    let lines = METRICS.iter().map(|metric| {
        let cell = |transport: &String| {
            let Some((value, least, most)) = median(metric, &words::runs(results, transport)) else {
                return words::missing(results, metric).to_owned();
            };
            let mut text = metric.unit.show(value);
            if words::doubted(results, transport, metric.key) {
                text += &format!(" {}", words::MARK);
            }
            let (least, most) = (metric.unit.show(least), metric.unit.show(most));
            if least != most && changes.is_empty() {
                text += &format!(" [{least} … {most}]");
            }
            let same = |change: &&Change| change.transport == *transport && change.key == metric.key;
            if let Some(change) = changes.iter().find(same) {
                text += &format!(" ({}){}", metric.unit.show(change.then), if change.worse { " WORSE" } else { "" });
            }
            text
        };
        std::iter::once(metric.name.to_owned()).chain(transports.iter().map(cell)).collect()
    });
    table(std::iter::once(String::new()).chain(transports.iter().cloned()).collect(), lines)
}

/// Says why connections failed, if some did.
fn failures(results: &Results) -> Vec<String> {
    let said = |run: &Figures| {
        let reasons: Vec<String> = run.failures.iter().map(|(why, count)| format!("{why} ({count} ×)")).collect();
        (!reasons.is_empty()).then(|| format!("{}: {}", run.transport, reasons.join(", ")))
    };
    results.runs.iter().filter_map(said).collect()
}

fn switches(results: &Results) -> String {
    let header =
        ["", "done", "took, p50", "round trip", "worst message, p50", "p99", "max", "lost, duplicated, reordered"];
    let ms = |value| Unit::Milliseconds.show(value);
    let lines = results.switches.iter().map(|of| {
        let worst = |pick: fn(&crate::cli::bench::figures::Spread) -> f64| {
            of.worst.as_ref().map_or_else(|| "n/a".to_owned(), |worst| ms(pick(worst)))
        };
        vec![
            format!("{} → {}", of.from, of.to),
            format!("{} of {}", of.done, of.asked),
            of.took.as_ref().map_or_else(|| "n/a".to_owned(), |took| ms(took.p50)),
            of.round_trip_ms.map_or_else(|| "n/a".to_owned(), ms),
            worst(|worst| worst.p50),
            worst(|worst| worst.p99),
            worst(|worst| worst.max),
            format!("{}, {}, {}", of.lost, of.duplicated, of.reordered),
        ]
    });
    table(header.map(str::to_owned).into(), lines)
}

fn cuts(results: &Results) -> String {
    let header = ["", "resumed", "bare handshakes", "until all are resumed", "ratio", "lost, duplicated, reordered"];
    let lines = results.cuts.iter().map(|of| {
        vec![
            of.transport.clone(),
            format!("{} of {}", of.resumed, of.sessions),
            Unit::Seconds.show(of.handshakes_s),
            Unit::Seconds.show(of.resumed_s),
            of.ratio().map_or_else(|| "n/a".to_owned(), |ratio| format!("{ratio:.2}")),
            format!("{}, {}, {}", of.lost, of.duplicated, of.reordered),
        ]
    });
    table(header.map(str::to_owned).into(), lines)
}

fn bounds(results: &Results) -> String {
    let lines = results.bounds.iter().map(|bound| {
        let verdict = if bound.holds { "holds" } else { "DOES NOT HOLD" };
        let number = |value: f64| {
            if value.fract() == 0.0 { crate::cli::bench::figures::thousands(value) } else { format!("{value:.2}") }
        };
        vec![
            bound.what.clone(),
            bound.figure.map_or_else(|| "n/a".to_owned(), number),
            format!("{} {}", bound.must_be, number(bound.bound)),
            verdict.to_owned(),
        ]
    });
    table(["bound", "figure", "must be", ""].map(str::to_owned).into(), lines)
}

fn table(header: Vec<String>, lines: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(header);
    table.add_rows(lines);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}
