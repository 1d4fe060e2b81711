//! The figures that this program itself has distorted, because it was late in sending for a good part of a latency.
//! Pure.

use super::figures::{Doubt, Figures, Spread, Unit};

/// From this share of a latency on, the figure says more of this program than of the gateway.
const SHARE: f64 = 0.25;
/// Less than this does not matter, in milliseconds.
const NO_MATTER_MS: f64 = 1.0;

/// The keys of the latencies, and the part of a spread that each is. A latency counts from when a message was due, so
/// this program's own lateness is part of it.
const LATENCIES: [(&str, Pick); 5] = [
    ("latency_average", |of| of.average),
    ("latency_p50", |of| of.p50),
    ("latency_p95", |of| of.p95),
    ("latency_p99", |of| of.p99),
    ("latency_max", |of| of.max),
];

type Pick = fn(&Spread) -> f64;

/// Returns the doubts about a run.
pub(super) fn of(run: &Figures) -> Vec<Doubt> {
    let (Some(latency), Some(lateness)) = (&run.latency, &run.lateness) else { return Vec::new() };
    let doubt = |(figure, of): &(&str, Pick)| {
        let (figured, late_ms) = (of(latency), of(lateness));
        let [late, whole] = [late_ms, figured].map(|ms| Unit::Milliseconds.show(ms));
        let why = format!("this program itself was late by {late} of {whole}: the machine is too small for the load");
        let figure = (*figure).to_owned();
        (late_ms >= NO_MATTER_MS && late_ms >= figured * SHARE).then_some(Doubt { figure, late_ms, why })
    };
    LATENCIES.iter().filter_map(doubt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(p99: f64) -> Option<Spread> {
        Some(Spread { count: 9, average: 0.1, p50: 0.1, p95: 0.1, p99, max: p99, curve: Vec::new() })
    }

    #[test]
    fn a_latency_that_is_mostly_this_programs_lateness_is_doubted_and_no_other_is() {
        let run =
            |latency, lateness| Figures { latency: spread(latency), lateness: spread(lateness), ..Figures::default() };
        let doubted = of(&run(148.0, 136.0));
        let figures: Vec<&str> = doubted.iter().map(|doubt| &*doubt.figure).collect();
        assert_eq!(figures, ["latency_p99", "latency_max"]);
        assert!(doubted.iter().all(|doubt| doubt.why.contains("late by 136 ms")), "{doubted:?}");
        assert_eq!(of(&run(148.0, 30.0)), []);
        assert_eq!(of(&run(1.1, 0.9)), []);
        assert_eq!(of(&Figures { lateness: None, ..run(148.0, 136.0) }), []);
    }
}
