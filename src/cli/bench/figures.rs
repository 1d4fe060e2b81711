//! The figures of one run on one transport, and the list of those that are shown and compared. Pure data.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest time that is recorded exactly. A longer time counts as this.
const LONGEST: Duration = Duration::from_secs(3600);

/// Durations as they are collected: whole microseconds, to three digits.
#[derive(Debug, Clone)]
pub(super) struct Times(Histogram<u64>);

impl Times {
    pub(super) fn new() -> Self {
        match Histogram::new_with_max(micros(LONGEST), 3) {
            Ok(histogram) => Self(histogram),
            Err(_) => unreachable!("three digits, and a maximum above two"),
        }
    }

    pub(super) fn record(&mut self, time: Duration) {
        self.0.saturating_record(micros(time));
    }

    pub(super) fn add(&mut self, other: &Self) {
        // Both have the same limits.
        let _ = self.0.add(&other.0);
    }

    pub(super) fn spread(&self) -> Option<Spread> {
        Spread::of(&self.0)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// How many times were measured, and how they are spread, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Spread {
    pub(super) count: u64,
    pub(super) average: f64,
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
    /// Percentile and milliseconds, for a curve.
    pub(super) curve: Vec<(f64, f64)>,
}

/// The percentiles of a curve's points: dense where it is steep.
const CURVE: [f64; 16] =
    [0.0, 10.0, 25.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.9, 99.95, 99.99, 100.0];

impl Spread {
    fn of(times: &Histogram<u64>) -> Option<Self> {
        let at = |percentile| times.value_at_percentile(percentile) as f64 / 1000.0;
        (!times.is_empty()).then(|| Self {
            count: times.len(),
            average: times.mean() / 1000.0,
            p50: at(50.0),
            p95: at(95.0),
            p99: at(99.0),
            max: times.max() as f64 / 1000.0,
            curve: CURVE.map(|percentile| (percentile, at(percentile))).into(),
        })
    }
}

/// The figures of one run on one transport. Times are in milliseconds unless the field says otherwise.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) transport: String,
    /// From 1.
    pub(super) repeat: u32,
    pub(super) connections: u64,
    pub(super) connected: u64,
    /// Attempts that failed and connections that were lost, by the reason given.
    pub(super) failures: BTreeMap<String, u64>,
    /// The time from dialling to the first numbered message, which answers the subscription.
    pub(super) first_message: Option<Spread>,
    /// The time from the moment at which a message was due until it was received.
    pub(super) latency: Option<Spread>,
    pub(super) sent: u64,
    /// The deliveries that the sent messages should cause.
    pub(super) expected: u64,
    pub(super) delivered: u64,
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) reordered: u64,
    /// The lost messages that the session itself announced as possibly lost.
    pub(super) told_lost: u64,
    /// The time from the first due message to the last delivery, or the whole duration if that is longer.
    pub(super) window_s: f64,
    /// The deliveries in each second of the window.
    pub(super) per_second: Vec<u64>,
    /// Bytes at the sockets beyond the content, for each message sent and delivered.
    pub(super) overhead_up: Option<f64>,
    pub(super) overhead_down: Option<f64>,
    /// The cost of the gateway's process: seconds for a million deliveries, and bytes for each connection of the second
    /// half, before the load.
    pub(super) cpu_s_per_million: Option<f64>,
    pub(super) memory_per_connection: Option<f64>,
    /// The time from a reset of the connection to the first message after it.
    pub(super) recovery: Option<Spread>,
    /// The time from opening another transport in mid-session until it is in use.
    pub(super) switch: Option<Spread>,
    /// How late this program itself was in sending.
    pub(super) lateness: Option<Spread>,
    /// The figures that this program itself distorted.
    #[serde(default)]
    pub(super) doubted: Vec<Doubt>,
}

impl Figures {
    /// With fewer connections, the memory of one cannot be told from that of the process.
    pub(super) const MEMORY_FROM: u32 = 1000;

    /// Enters what the messages cost beyond their content. Bytes are those on the wire until the start and until the
    /// end, up and down.
    pub(super) fn enter_cost(&mut self, size: usize, start: (u64, u64), end: (u64, u64), cpu: Option<Duration>) {
        let each = |bytes: u64, messages: u64| (messages > 0).then(|| bytes as f64 / messages as f64 - size as f64);
        self.overhead_up = each(end.0 - start.0, self.sent);
        self.overhead_down = each(end.1 - start.1, self.delivered);
        let delivered = self.delivered;
        self.cpu_s_per_million = cpu.filter(|_| delivered > 0).map(|cpu| cpu.as_secs_f64() * 1e6 / delivered as f64);
    }
}

/// A figure that must not be trusted, and the reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Doubt {
    /// The key of its metric.
    pub(super) figure: String,
    /// How late this program itself was.
    pub(super) late_ms: f64,
    pub(super) why: String,
}

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Percent,
    Milliseconds,
    PerSecond,
    Bytes,
    Seconds,
    Count,
}

/// The direction that is better, for a figure that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Better {
    Lower,
    Higher,
}

/// A figure that every report shows, and that two reports compare.
pub(super) struct Metric {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) better: Option<Better>,
    pub(super) of: fn(&Figures) -> Option<f64>,
}

macro_rules! metrics {
    ($($key:literal $name:literal $unit:ident $better:expr, $of:expr;)*) => {
        [$(Metric { key: $key, name: $name, unit: Unit::$unit, better: $better, of: $of }),*]
    };
}

const LOWER: Option<Better> = Some(Better::Lower);
const HIGHER: Option<Better> = Some(Better::Higher);

/// The figures, in the order of showing.
pub(super) const METRICS: [Metric; 20] = metrics! {
    "connected" "connected" Percent HIGHER, |of| share(of.connected, of.connections);
    "first_message_p50" "first message, p50" Milliseconds LOWER, |of| Some(of.first_message.as_ref()?.p50);
    "first_message_p99" "first message, p99" Milliseconds None, |of| Some(of.first_message.as_ref()?.p99);
    "latency_average" "latency, average" Milliseconds LOWER, |of| Some(of.latency.as_ref()?.average);
    "latency_p50" "latency, p50" Milliseconds LOWER, |of| Some(of.latency.as_ref()?.p50);
    "latency_p95" "latency, p95" Milliseconds LOWER, |of| Some(of.latency.as_ref()?.p95);
    "latency_p99" "latency, p99" Milliseconds LOWER, |of| Some(of.latency.as_ref()?.p99);
    "latency_max" "latency, max" Milliseconds None, |of| Some(of.latency.as_ref()?.max);
    "throughput" "deliveries" PerSecond HIGHER, |of| (of.window_s > 0.0).then(|| of.delivered as f64 / of.window_s);
    "delivered" "delivered" Percent HIGHER, |of| share(of.delivered, of.expected);
    "lost" "lost" Count LOWER, |of| Some(of.lost as f64);
    "duplicated" "duplicated" Count LOWER, |of| Some(of.duplicated as f64);
    "reordered" "reordered" Count LOWER, |of| Some(of.reordered as f64);
    "overhead_up" "overhead up" Bytes LOWER, |of| of.overhead_up;
    "overhead_down" "overhead down" Bytes LOWER, |of| of.overhead_down;
    "cpu" "server CPU per million" Seconds LOWER, |of| of.cpu_s_per_million;
    "memory" "memory per connection" Bytes LOWER, |of| of.memory_per_connection;
    "recovery" "recovery after a kill, p50" Milliseconds LOWER, |of| Some(of.recovery.as_ref()?.p50);
    "switch" "switch of transport, p50" Milliseconds LOWER, |of| Some(of.switch.as_ref()?.p50);
    "lateness_p99" "this program late, p99" Milliseconds None, |of| Some(of.lateness.as_ref()?.p99);
};

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

/// Returns the middle value of a metric over repeats, with the least and the greatest. Returns none if no run has a
/// value.
pub(super) fn median(metric: &Metric, runs: &[&Figures]) -> Option<(f64, f64, f64)> {
    middle(runs.iter().filter_map(|run| (metric.of)(run)).collect())
}

/// Returns the middle value of the metric with this key, and its unit.
pub(super) fn median_of(key: &str, runs: &[&Figures]) -> Option<(f64, Unit)> {
    let metric = METRICS.iter().find(|metric| metric.key == key)?;
    median(metric, runs).map(|(value, ..)| (value, metric.unit))
}

/// Returns the middle one of values, with the least and the greatest.
pub(super) fn middle(mut values: Vec<f64>) -> Option<(f64, f64, f64)> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = if values.len() % 2 == 1 {
        *values.get(middle)?
    } else {
        (values.get(middle)? + values.get(middle.checked_sub(1)?)?) / 2.0
    };
    Some((median, *values.first()?, *values.last()?))
}

impl Unit {
    /// Writes the value with its unit, for people.
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Percent if value == 0.0 || value == 100.0 => format!("{value:.0} %"),
            // A percentage is never rounded up to 100.
            Self::Percent => format!("{:.2} %", (value * 100.0).floor() / 100.0),
            Self::Milliseconds if value < 10.0 => format!("{value:.2} ms"),
            Self::Milliseconds => format!("{} ms", thousands(value)),
            Self::PerSecond => format!("{}/s", thousands(value)),
            Self::Bytes => format!("{} B", thousands(value)),
            Self::Seconds => format!("{value:.2} s"),
            Self::Count => thousands(value),
        }
    }
}

/// Writes a whole number with its thousands apart.
pub(super) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let (sign, digits) = digits.strip_prefix('-').map_or(("", &*digits), |digits| ("-", digits));
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    format!("{sign}{}", groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_in_milliseconds_and_an_empty_one_is_none() {
        let mut times = Times::new();
        assert_eq!(times.spread(), None);
        for ms in 1..=100 {
            times.record(Duration::from_millis(ms));
        }
        let spread = times.spread().unwrap();
        assert_eq!(spread.count, 100);
        assert!(
            (spread.p50 - 50.0).abs() < 0.1 && (spread.p95 - 95.0).abs() < 0.1 && spread.max >= 100.0,
            "{spread:?}"
        );
    }

    #[test]
    fn a_part_is_never_shown_as_the_whole() {
        assert_eq!(Unit::Percent.show(99.9999), "99.99 %");
        assert_eq!(Unit::PerSecond.show(1_234_567.0), "1,234,567/s");
        assert_eq!(thousands(-1234.0), "-1,234");
        assert_eq!(thousands(12.0), "12");
    }

    #[test]
    fn the_median_is_over_the_runs_that_have_the_figure() {
        let run = |delivered| Figures { delivered, expected: 100, ..Figures::default() };
        let runs = [run(10), run(30), run(20), Figures::default()];
        let metric = METRICS.iter().find(|metric| metric.key == "delivered").unwrap();
        assert_eq!(median(metric, &runs.iter().collect::<Vec<_>>()), Some((20.0, 10.0, 30.0)));
        assert_eq!(median(metric, &[]), None);
    }
}
