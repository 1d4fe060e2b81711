//! Many connections under one schedule on one transport: echo, fan-out, idle.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout_at};
use uuid::Uuid;

use super::GRACE;
use super::member::{CONNECTING, Lag, Part, Phase, Record, Stage, Tally, run};
use super::probe::channel;
use crate::cli::bench::figures::Figures;
use crate::cli::bench::gateway::Gateway;
use crate::cli::bench::ledger::Sums;
use crate::cli::bench::pace::{GRAIN, Pacer, Seat};
use crate::cli::bench::plan::{Pattern, Plan};
use crate::cli::bench::report::progress::Bar;
use crate::protocol::Transport;

/// Connections are opened at this distance: not a stampede, unless that is what is measured.
pub(super) const DIALS_APART: Duration = Duration::from_millis(1);
/// How long the gateway is left alone between connecting and load, so that its memory is that of connections at rest.
const REST: Duration = Duration::from_millis(500);

/// Runs the plan on one transport.
///
/// # Errors
/// A sentence, if this program itself could not go on.
pub(in crate::cli::bench) async fn measure(
    gateway: &Gateway,
    plan: &Plan,
    transport: Transport,
    bar: &Bar,
) -> Result<Figures, String> {
    let stage = Arc::new(Stage::new(Arc::clone(&gateway.target), transport, plan.size));
    let parts = parts(plan, Instant::now());
    let senders: Vec<(Lag, Seat)> =
        parts.iter().filter_map(|part| Some((part.publishes.as_ref()?.1, part.seat.clone()))).collect();
    let traffic: Vec<_> = parts.iter().map(|part| Arc::clone(&part.traffic)).collect();
    let bytes = || traffic.iter().map(|traffic| traffic.bytes()).fold((0, 0), |(a, b), (up, down)| (a + up, b + down));

    let mut members = JoinSet::new();
    for part in parts {
        members.spawn(run(Arc::clone(&stage), part));
    }
    let all = members.len();
    bar.begin("connecting", all as u64);
    let patience = Instant::now() + DIALS_APART * plan.connections + CONNECTING + REST;
    // Memory and connections at the half, for the slope. The first connections cost what any process takes at its
    // start.
    let half = Cell::new(None);
    let look = || Some((gateway.memory()?, stage.connected.load(Ordering::Relaxed)));
    let progress = |count: usize| {
        bar.at(count as u64);
        if half.get().is_none() && count >= all / 2 && plan.connections >= Figures::MEMORY_FROM {
            half.set(look());
        }
    };
    until(&stage, patience, || stage.decided.load(Ordering::Relaxed), all, progress).await;
    sleep(REST).await;
    let memory = half.get().zip(look()).and_then(|(half, whole)| slope(half, whole));

    let (cpu, before) = (gateway.cpu(), bytes());
    let start = Instant::now() + GRAIN * 40;
    let pacer = Pacer::start(senders.into_iter().map(|(lag, seat)| (lag.from(start), seat)).collect());
    let pacer = pacer.map_err(|error| format!("no thread for the schedule: {error}"))?;
    stage.phase.send_replace(Phase::Running(start));
    bar.begin("running", u64::from(plan.duration_s) * 10);
    let progress = |_| bar.at(u64::try_from(start.elapsed().as_millis() / 100).unwrap_or(u64::MAX));
    let connected = stage.connected.load(Ordering::Relaxed);
    until(&stage, start + plan.duration() + GRACE, || stage.complete.load(Ordering::Relaxed), connected, progress)
        .await;
    drop(pacer);
    let cpu = gateway.cpu().zip(cpu).map(|(now, before)| now.saturating_sub(before));
    let after = bytes();
    stage.phase.send_replace(Phase::Over);

    let tallies = members.join_all().await;
    let mut figures = sums(&tallies, transport, plan);
    figures.enter_cost(plan.size, before, after, cpu);
    figures.memory_per_connection = memory;
    enter_times(&mut figures, &stage.record(), start, plan);
    Ok(figures)
}

/// Enters the times that were recorded from `start` on.
fn enter_times(figures: &mut Figures, record: &Record, start: Instant, plan: &Plan) {
    figures.latency = record.latency.spread();
    figures.lateness = record.lateness.spread();
    figures.first_message = record.first_message.spread();
    figures.per_second.clone_from(&record.per_second);
    let last = record.last.map_or(Duration::ZERO, |last| last.saturating_duration_since(start));
    figures.window_s = last.max(plan.duration()).as_secs_f64();
}

/// Returns the bytes for each further connection, or none if there are hardly more.
fn slope((before, few): (u64, usize), (after, many): (u64, usize)) -> Option<f64> {
    let more = many.saturating_sub(few);
    (more >= Figures::MEMORY_FROM as usize / 4).then(|| after.saturating_sub(before) as f64 / more as f64)
}

/// Waits until so many have got there, or for so long; reports progress ten times a second.
async fn until(stage: &Stage, patience: Instant, count: impl Fn() -> usize, all: usize, tell: impl Fn(usize)) {
    while count() < all && Instant::now() < patience {
        tell(count());
        let soon = Instant::now() + Duration::from_millis(100);
        // The count says whether anything moved.
        let _ = timeout_at(soon.min(patience).into(), stage.moved.notified()).await;
    }
    tell(count());
}

/// Returns the part of each member.
fn parts(plan: &Plan, now: Instant) -> Vec<Part> {
    let name = Uuid::new_v4().simple().to_string();
    let interval = Duration::from_secs(1) / plan.rate;
    let count = u64::from(plan.rate) * u64::from(plan.duration_s);
    let shared = channel(&name);
    let part = |number: u32| {
        let own = || channel(&format!("{name}/{number}"));
        let last_second = plan.duration().saturating_sub(Duration::from_secs(1));
        let (receives, publishes) = match plan.pattern {
            Pattern::Echo => {
                let lag = Lag { after: phase(plan.seed, number, interval), interval, count };
                (Some((own(), count)), Some((own(), lag)))
            }
            Pattern::Idle => {
                let after = last_second + phase(plan.seed, number, plan.duration() - last_second);
                (Some((own(), 1)), Some((own(), Lag { after, interval, count: 1 })))
            }
            Pattern::FanOut if number == 0 => {
                (None, Some((shared.clone(), Lag { after: Duration::ZERO, interval, count })))
            }
            Pattern::FanOut => (Some((shared.clone(), count)), None),
        };
        let dial = now + DIALS_APART * number;
        Part { number, dial, traffic: Arc::default(), seat: Seat::default(), receives, publishes }
    };
    // A fan-out has its publisher beside the connections.
    let last = if plan.pattern == Pattern::FanOut { plan.connections } else { plan.connections - 1 };
    (0..=last).map(part).collect()
}

/// Returns where in the interval a sender begins: by chance, from the seed.
fn phase(seed: u64, number: u32, interval: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    (seed, number).hash(&mut hasher);
    let grains = (interval.as_nanos() / GRAIN.as_nanos()).max(1);
    GRAIN * u32::try_from(u128::from(hasher.finish()) % grains).unwrap_or(0)
}

fn sums(tallies: &[Tally], transport: Transport, plan: &Plan) -> Figures {
    let mut figures =
        Figures { transport: transport.name().to_owned(), connections: plan.connections.into(), ..Figures::default() };
    let mut sums = Sums::default();
    for tally in tallies {
        if let (true, Some(expected)) = (tally.connected, tally.expected) {
            figures.connected += 1;
            figures.expected += expected;
        }
        figures.sent += tally.sent;
        figures.told_lost += tally.told_lost;
        sums += tally.sums;
        for (why, count) in &tally.failures {
            *figures.failures.entry(why.clone()).or_default() += count;
        }
    }
    if plan.pattern == Pattern::FanOut && figures.sent == 0 {
        // Its publisher did not get there, so nothing was due, and nothing of it is lost.
        (figures.expected, sums.lost) = (0, 0);
    }
    Figures {
        delivered: sums.delivered,
        lost: sums.lost,
        duplicated: sums.duplicated,
        reordered: sums.reordered,
        ..figures
    }
}

#[cfg(test)]
mod tests {
    use super::slope;

    #[test]
    fn memory_is_the_slope_between_two_counts_and_none_where_they_hardly_differ() {
        assert_eq!(slope((9_000_000, 500), (10_000_000, 1000)), Some(2000.0));
        assert_eq!(slope((9_000_000, 500), (8_000_000, 1000)), Some(0.0));
        assert_eq!(slope((9_000_000, 900), (10_000_000, 1000)), None);
    }
}
