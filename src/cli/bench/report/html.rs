//! The page: one file that needs nothing else, for a screen of any width, by day, by night and on paper.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::baseline::{self, Change};
use super::charts::{Axes, Bar, Series, bars, lines, place};
use super::words;
use crate::cli::bench::figures::{Better, Figures, METRICS, Metric, Spread, Unit, median};
use crate::cli::bench::options::METHOD;
use crate::cli::bench::results::{Bound, Results};

const STYLE: &str = include_str!("../../../pages/bench/page.css");

/// The figures that have a chart of bars.
const BARS: [&str; 9] = [
    "throughput",
    "first_message_p50",
    "overhead_up",
    "overhead_down",
    "cpu",
    "memory",
    "recovery",
    "switch",
    "latency_p99",
];

/// Returns the page of these results.
///
/// # Errors
/// A sentence, for a chart that could not be drawn.
pub(in crate::cli::bench) fn of(results: &Results, baseline: Option<&Results>) -> Result<String, String> {
    let changes = baseline.map_or_else(Vec::new, |baseline| baseline::changes(results, baseline));
    let charts = charts(results, &changes)?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "throughline bench: " (results.plan.told()) }
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                h1 { "WebSocket, SSE and long-poll, compared" }
                p.result { (words::result(results)) }
                p { (results.plan.told()) }
                p.soft {
                    (results.made) " · " (results.machine) " · throughline " (results.version) " · "
                    @match &results.url { Some(url) => { "gateway at " (url) }, None => "gateway of its own on the same machine" }
                    @if let Some(baseline) = baseline { " · compared with " (baseline.made) }
                }
                (bounds(&results.bounds))
                h2 { "Charts" }
                ul.key { @for name in &results.plan.transports { li class=(name) { (words::name(name)) } } }
                @if !changes.is_empty() { p.soft { "The mark on a bar is the baseline." } }
                div.charts { @for chart in &charts { (chart) } }
                @if !results.runs.is_empty() { h2 { "Figures" } (table(results, &changes)) (doubts(results)) (failures(results)) }
                @if !results.switches.is_empty() { h2 { "Switches" } (switches(results)) }
                @if !results.cuts.is_empty() { h2 { "Cut" } (cuts(results)) }
                h2 { "How it was measured" }
                @for line in METHOD.lines().filter(|line| !line.is_empty() && !line.starts_with("Exit")) { p.soft { (line.replace('`', "")) } }
            } }
        }
    };
    Ok(page.into_string())
}

fn bounds(bounds: &[Bound]) -> Markup {
    html! {
        @if !bounds.is_empty() {
            h2 { "Bounds" }
            div.wide tabindex="0" role="region" aria-label="Bounds" { table {
                tr { th scope="col" { "bound" } th scope="col" { "figure" } th scope="col" { "must be" } th scope="col" { "verdict" } }
                @for bound in bounds {
                    tr {
                        th scope="row" { (bound.what) } td { (bound.figure.map_or_else(|| "n/a".to_owned(), short)) } td { (bound.must_be) " " (short(bound.bound)) }
                        @if bound.holds { td.good { "holds" } } @else { td.bad { "does not hold" } }
                    }
                }
            } }
        }
    }
}

fn short(value: f64) -> String {
    if value.fract() == 0.0 { crate::cli::bench::figures::thousands(value) } else { format!("{value:.2}") }
}

fn table(results: &Results, changes: &[Change]) -> Markup {
    let transports = &results.plan.transports;
    html! {
        div.wide tabindex="0" role="region" aria-label="Figures" { table {
            tr { th scope="col" { "figure" } @for name in transports { th scope="col" { (words::name(name)) } } }
            @for metric in &METRICS {
                tr { th scope="row" { (metric.name) } @for name in transports { (cell(results, changes, metric, name)) } }
            }
        } }
    }
}

fn cell(results: &Results, changes: &[Change], metric: &Metric, transport: &str) -> Markup {
    let Some((value, least, most)) = value(results, metric, transport) else {
        return html! { td.soft { (words::missing(results, metric)) } };
    };
    let doubted = words::doubted(results, transport, metric.key);
    let (least, most) = (metric.unit.show(least), metric.unit.show(most));
    let change = changes.iter().find(|change| change.transport == transport && change.key == metric.key);
    html! {
        td {
            (metric.unit.show(value))
            @if doubted { b.doubt title="doubtful: the reason stands below the table" { (words::MARK) } }
            @if least != most { small { (least) " to " (most) } }
            @if let Some(change) = change {
                small class=[change.worse.then_some("bad")] { "was " (metric.unit.show(change.then)) @if change.worse { ", worse" } }
            }
        }
    }
}

fn value(results: &Results, metric: &Metric, transport: &str) -> Option<(f64, f64, f64)> {
    median(metric, &words::runs(results, transport))
}

fn doubts(results: &Results) -> Markup {
    html! { @for line in words::doubts(results) { p.doubt { (line) } } }
}

fn failures(results: &Results) -> Markup {
    html! {
        @for run in &results.runs {
            @for (why, count) in &run.failures { p.soft { (run.transport) ": " (why) ", " (count) " times" } }
        }
    }
}

fn switches(results: &Results) -> Markup {
    let ms = |spread: &Option<Spread>, pick: fn(&Spread) -> f64| {
        spread.as_ref().map_or_else(|| "n/a".to_owned(), |spread| Unit::Milliseconds.show(pick(spread)))
    };
    html! {
        div.wide tabindex="0" role="region" aria-label="Switches" { table {
            tr { th { "switch" } th { "done" } th { "took, p50" } th { "round trip" } th { "worst message, p50" } th { "p99" } th { "max" } }
            @for of in &results.switches {
                tr {
                    th scope="row" { (of.from) " → " (of.to) } td { (of.done) " of " (of.asked) } td { (ms(&of.took, |took| took.p50)) }
                    td { (of.round_trip_ms.map_or_else(|| "n/a".to_owned(), |ms| Unit::Milliseconds.show(ms))) } td { (ms(&of.worst, |worst| worst.p50)) }
                    td { (ms(&of.worst, |worst| worst.p99)) } td { (ms(&of.worst, |worst| worst.max)) }
                }
            }
        } }
    }
}

fn cuts(results: &Results) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="Cut" { table {
            tr { th { "transport" } th { "resumed" } th { "bare handshakes" } th { "until all are resumed" } th { "ratio" } th { "lost" } }
            @for of in &results.cuts {
                tr {
                    th scope="row" { (words::name(&of.transport)) } td { (of.resumed) " of " (of.sessions) } td { (Unit::Seconds.show(of.handshakes_s)) }
                    td { (Unit::Seconds.show(of.resumed_s)) } td { (of.ratio().map_or_else(|| "n/a".to_owned(), short)) } td { (of.lost) }
                }
            }
        } }
    }
}

fn charts(results: &Results, changes: &[Change]) -> Result<Vec<Markup>, String> {
    let mut charts = Vec::new();
    let mut add = |title: &str, chart: Option<String>| {
        if let Some(chart) = chart {
            charts.push(html! { figure { h3 { (title) } (PreEscaped(chart)) } });
        }
    };
    let title = "Latency by percentile";
    add(title, lines(title, &BY_PERCENTILE, &series(results, |run| Some(percentiles(run.latency.as_ref()?))))?);
    let title = "Deliveries in each second";
    add(title, lines(title, &BY_SECOND, &series(results, |run| Some(seconds(run))))?);
    for key in BARS {
        let Some(metric) = METRICS.iter().find(|metric| metric.key == key) else { continue };
        let of = |transport: &String| {
            let mark = changes.iter().find(|change| change.transport == *transport && change.key == key);
            let (value, ..) = value(results, metric, transport)?;
            Some(Bar {
                name: bar_name(results, transport, key),
                value,
                place: place(transport),
                mark: mark.map(|change| change.then),
            })
        };
        let all: Vec<Bar> = results.plan.transports.iter().filter_map(of).collect();
        let better = if metric.better == Some(Better::Higher) { "more is better" } else { "less is better" };
        add(&format!("{} ({better})", capital(metric.name)), bars(metric.name, metric.unit, &all)?);
    }
    let title = "Worst message of a switch, p99 (the mark is its bound)";
    let of = |of: &crate::cli::bench::run::switch::Switch| {
        let mark = Some(of.most_ms());
        Some(Bar {
            name: format!("{} → {}", of.from, of.to),
            value: of.worst.as_ref()?.p99,
            place: place(&of.to),
            mark,
        })
    };
    add(title, bars(title, Unit::Milliseconds, &results.switches.iter().filter_map(of).collect::<Vec<_>>())?);
    let title = "Until all are resumed (the mark is twice the bare handshakes)";
    let of = |of: &crate::cli::bench::run::cut::Cut| Bar {
        name: words::name(&of.transport).to_owned(),
        value: of.resumed_s,
        place: place(&of.transport),
        mark: Some(2.0 * of.handshakes_s),
    };
    add(title, bars(title, Unit::Seconds, &results.cuts.iter().map(of).collect::<Vec<_>>())?);
    Ok(charts)
}

/// Returns the transport's name, with a mark if the figure is doubted.
fn bar_name(results: &Results, transport: &str, key: &str) -> String {
    let mark = if words::doubted(results, transport, key) { words::MARK } else { "" };
    format!("{}{mark}", words::name(transport))
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

const BY_SECOND: Axes = Axes { x: "seconds", at: whole, places: 6, unit: Unit::PerSecond, by_magnitude: false };

/// Names whole seconds. A place between two seconds has no name.
fn whole(x: f64) -> String {
    if x.fract() == 0.0 { format!("{x:.0}") } else { String::new() }
}

/// Gives rare messages more room: each step to the right is a tenth of the rest.
const BY_PERCENTILE: Axes = Axes {
    x: "percentile",
    at: |x| match x.round() as u32 {
        0 => "0".to_owned(),
        1 => "90".to_owned(),
        2 => "99".to_owned(),
        nines => format!("99.{}", "9".repeat(nines as usize - 2)),
    },
    places: 5,
    unit: Unit::Milliseconds,
    by_magnitude: true,
};

fn percentiles(spread: &Spread) -> Vec<(f64, f64)> {
    let place = |percentile: f64| -((100.0 - percentile) / 100.0).log10();
    spread
        .curve
        .iter()
        .filter(|(percentile, _)| *percentile < 100.0)
        .map(|(percentile, ms)| (place(*percentile), *ms))
        .collect()
}

fn seconds(run: &Figures) -> Vec<(f64, f64)> {
    // The second in which the run ended is not a whole one.
    let whole = run.per_second.iter().take(run.window_s.floor() as usize);
    whole.enumerate().map(|(second, count)| (second as f64 + 1.0, *count as f64)).collect()
}

/// Returns the first run of each transport.
fn series(results: &Results, points: impl Fn(&Figures) -> Option<Vec<(f64, f64)>>) -> Vec<Series> {
    let of = |transport: &String| {
        let run = results.runs.iter().find(|run| run.transport == *transport)?;
        Some(Series { place: place(transport), points: points(run)? })
    };
    results.plan.transports.iter().filter_map(of).collect()
}
