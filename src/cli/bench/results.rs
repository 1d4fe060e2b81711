//! The results of one call of the command, and the bounds of its scenario. Pure data; the shape of `--json`.

use serde::{Deserialize, Serialize};

use super::figures::{Figures, METRICS, median, middle};
use super::plan::{Plan, Scenario};
use super::run::cut::Cut;
use super::run::switch::Switch;

/// The version of the shape. It grows when a key changes its meaning or goes. A new key leaves it unchanged.
pub(super) const FORMAT: u32 = 2;

/// The results of one call of the command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Results {
    /// [`FORMAT`].
    pub(super) throughline_bench: u32,
    /// The version of the program that measured.
    pub(super) version: String,
    /// When it measured, as HTTP writes dates.
    pub(super) made: String,
    /// Where it measured: cores and system.
    pub(super) machine: String,
    /// The gateway's address, or none if it was started for this.
    pub(super) url: Option<String>,
    pub(super) plan: Plan,
    /// One for each repeat and transport; of the scenarios compare, standard and throughput.
    #[serde(default)]
    pub(super) runs: Vec<Figures>,
    /// One for each repeat and ordered pair; of the scenario switch.
    #[serde(default)]
    pub(super) switches: Vec<Switch>,
    /// One for each repeat and transport; of the scenario cut.
    #[serde(default)]
    pub(super) cuts: Vec<Cut>,
    /// The bounds of this scenario.
    #[serde(default)]
    pub(super) bounds: Vec<Bound>,
}

/// A figure and the bound that it must keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Bound {
    pub(super) what: String,
    /// None if there was nothing to measure; then the bound does not hold.
    pub(super) figure: Option<f64>,
    /// `<=` or `>=`.
    pub(super) must_be: String,
    pub(super) bound: f64,
    pub(super) holds: bool,
}

/// The field's own notes on the standard scenario: average and p95 in milliseconds.
const FIELD: [(&str, f64, f64); 3] = [("websocket", 18.0, 42.0), ("sse", 22.0, 55.0), ("poll", 145.0, 280.0)];
/// Ours must be better than that by this factor.
const FACTOR: f64 = 5.0;
/// Small publications a second on one connection.
const THROUGHPUT: [(&str, f64); 3] = [("websocket", 100_000.0), ("sse", 100_000.0), ("poll", 50_000.0)];
/// All sessions are resumed within so many times what bare handshakes take.
const HANDSHAKES: f64 = 2.0;

impl Bound {
    fn at_most(what: String, figure: Option<f64>, bound: f64) -> Self {
        let holds = figure.is_some_and(|figure| figure <= bound);
        Self { what, figure, must_be: "<=".to_owned(), bound, holds }
    }

    fn at_least(what: String, figure: Option<f64>, bound: f64) -> Self {
        let holds = figure.is_some_and(|figure| figure >= bound);
        Self { what, figure, must_be: ">=".to_owned(), bound, holds }
    }
}

impl Results {
    /// Returns whether a run asked for connections and got none.
    pub(super) fn nothing_connected(&self) -> bool {
        !self.runs.is_empty() && self.runs.iter().all(|run| run.connected == 0)
    }

    /// Returns whether nothing was lost, duplicated or reordered, in any measurement.
    pub(super) fn kept_the_promise(&self) -> bool {
        let runs = self.runs.iter().all(|run| run.lost + run.duplicated + run.reordered == 0);
        let switches = self.switches.iter().all(|of| of.lost + of.duplicated + of.reordered == 0);
        runs && switches && self.cuts.iter().all(|of| of.lost + of.duplicated + of.reordered == 0)
    }

    /// Adds the bounds, if this is a scenario with bounds and was run as it stands.
    pub(super) fn bounded(mut self) -> Self {
        self.bounds = match self.plan.scenario {
            _ if !self.plan.is_as_it_stands() => Vec::new(),
            Scenario::Compare => Vec::new(),
            Scenario::Standard => self.standard(),
            Scenario::Throughput => self.throughput(),
            Scenario::Switch => self.switched(),
            Scenario::Cut => self.cut(),
        };
        self
    }

    fn figure(&self, transport: &str, key: &str) -> Option<f64> {
        let runs: Vec<&Figures> = self.runs.iter().filter(|run| run.transport == transport).collect();
        let metric = METRICS.iter().find(|metric| metric.key == key)?;
        median(metric, &runs).map(|(value, ..)| value)
    }

    fn standard(&self) -> Vec<Bound> {
        let known = FIELD.into_iter().filter(|(name, ..)| self.plan.transports.iter().any(|of| of == name));
        known
            .flat_map(|(name, average, p95)| {
                let of = |key| self.figure(name, key);
                [
                    Bound::at_least(format!("{name}: connected, %"), of("connected"), 100.0),
                    Bound::at_least(format!("{name}: delivered, %"), of("delivered"), 100.0),
                    Bound::at_most(format!("{name}: reordered"), of("reordered"), 0.0),
                    Bound::at_most(format!("{name}: average, ms"), of("latency_average"), average / FACTOR),
                    Bound::at_most(format!("{name}: p95, ms"), of("latency_p95"), p95 / FACTOR),
                ]
            })
            .collect()
    }

    fn throughput(&self) -> Vec<Bound> {
        let known = THROUGHPUT.into_iter().filter(|(name, _)| self.plan.transports.iter().any(|of| of == name));
        known
            .map(|(name, least)| {
                Bound::at_least(format!("{name}: deliveries/s"), self.figure(name, "throughput"), least)
            })
            .collect()
    }

    fn switched(&self) -> Vec<Bound> {
        let each = |of: &Switch| {
            let worst = of.worst.as_ref().map(|worst| worst.p99);
            let most = of.most_ms();
            let pair = format!("{} → {}", of.from, of.to);
            [
                Bound::at_least(format!("{pair}: done"), Some(of.done as f64), of.asked as f64),
                Bound::at_most(format!("{pair}: worst message, p99, ms"), worst, most),
            ]
        };
        self.switches.iter().flat_map(each).collect()
    }

    fn cut(&self) -> Vec<Bound> {
        let each = |name: &String| {
            let cuts = || self.cuts.iter().filter(move |of| of.transport == *name);
            let least = cuts().map(|of| of.resumed).min().map(|least| least as f64);
            let most = cuts().map(|of| of.lost).max().map(|most| most as f64);
            let ratio = middle(cuts().filter_map(Cut::ratio).collect()).map(|(median, ..)| median);
            [
                Bound::at_least(format!("{name}: resumed"), least, self.plan.connections.into()),
                Bound::at_most(format!("{name}: lost"), most, 0.0),
                Bound::at_most(format!("{name}: time, × bare handshakes"), ratio, HANDSHAKES),
            ]
        };
        self.plan.transports.iter().flat_map(each).collect()
    }
}
