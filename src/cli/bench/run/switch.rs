//! From each transport to each other in mid-stream: how late the switch makes messages.
//!
//! Sessions publish to themselves by a schedule and change over again and again. A switch counts with its worst
//! message. That is the latest message that was due or on its way from the opening of the new leg until a while after
//! its first use.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use super::member::CONNECTING;
use super::probe::{channel, subscribe};
use crate::cli::bench::figures::{Spread, Times};
use crate::cli::bench::gateway::Gateway;
use crate::cli::bench::ledger::{Ledger, Sums};
use crate::cli::bench::message::Message;
use crate::cli::bench::pace::{Pacer, Schedule, Seat};
use crate::cli::bench::plan::Plan;
use crate::cli::bench::report::progress::Bar;
use crate::cli::link::{Client, Event};
use crate::protocol::{ChannelName, LegNumber, Transport};

/// Switches of one session. Each uses two of the 60 attaches and turn requests that a session has in a minute.
pub(in crate::cli::bench) const SWITCHES: usize = 20;
/// How long a leg is used before the next switch, and the time after a switch that still counts as part of it.
const STEADY: Duration = Duration::from_millis(100);
const SETTLING: Duration = Duration::from_millis(100);
/// A session is given up when so many of its new legs died.
const FAILURES: u32 = 3;
/// A session that has not done its switches in this time is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A switch delays no message by more than so many round trips and so many milliseconds, at p99.
const ROUND_TRIPS: f64 = 3.0;
const BESIDE_MS: f64 = 20.0;

/// The result from one transport to another. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(in crate::cli::bench) struct Switch {
    pub(in crate::cli::bench) from: String,
    pub(in crate::cli::bench) to: String,
    /// From 1.
    pub(in crate::cli::bench) repeat: u32,
    /// The number of switches asked for; `done` of these came about.
    pub(in crate::cli::bench) asked: u64,
    pub(in crate::cli::bench) done: u64,
    /// A message's way there and back on the slower of the two, undisturbed: the median.
    pub(in crate::cli::bench) round_trip_ms: Option<f64>,
    /// The time from opening the new leg until it is in use.
    pub(in crate::cli::bench) took: Option<Spread>,
    /// The worst message of each switch.
    pub(in crate::cli::bench) worst: Option<Spread>,
    /// Of all messages of the sessions that went between these two, in either direction.
    pub(in crate::cli::bench) lost: u64,
    pub(in crate::cli::bench) duplicated: u64,
    pub(in crate::cli::bench) reordered: u64,
}

/// The times of all sessions of a pair, by the direction of the switch or the transport in use.
#[derive(Clone)]
struct Taken {
    took: [Times; 2],
    worst: [Times; 2],
    undisturbed: [Times; 2],
    sums: Sums,
}

/// Runs the plan for two transports, there and back.
///
/// # Errors
/// A sentence, if this program itself could not go on.
pub(in crate::cli::bench) async fn measure(
    gateway: &Gateway,
    plan: &Plan,
    pair: [Transport; 2],
    bar: &Bar,
) -> Result<[Switch; 2], String> {
    bar.begin("switching", u64::from(plan.connections));
    let interval = Duration::from_secs(1) / plan.rate;
    let start = Instant::now();
    let head_start = if plan.network.is_some() { CONNECTING / 2 } else { CONNECTING / 5 };
    let mut sessions = JoinSet::new();
    let mut seats = Vec::new();
    for number in 0..plan.connections {
        let first = start + head_start + interval * number / plan.connections;
        let (schedule, seat) = (Schedule { first, interval, count: u64::MAX }, Seat::default());
        seats.push((schedule, seat.clone()));
        let client = Client::new(&gateway.target, Arc::default(), pair[0]);
        let channel = channel(&Uuid::new_v4().simple().to_string());
        let session = Session::new(client, pair, channel, plan.size, schedule, seat);
        sessions.spawn(session.run());
    }
    let pacer = Pacer::start(seats).map_err(|error| format!("no thread for the schedule: {error}"))?;
    let times = || [Times::new(), Times::new()];
    let mut all = Taken { took: times(), worst: times(), undisturbed: times(), sums: Sums::default() };
    let mut ended = 0;
    while let Some(session) = sessions.join_next().await {
        ended += 1;
        bar.at(ended);
        all.add(&session.map_err(|error| error.to_string())?);
    }
    drop(pacer);
    let round_trip = all.undisturbed.iter().filter_map(Times::spread).map(|spread| spread.p50).reduce(f64::max);
    let asked = u64::from(plan.connections) * SWITCHES as u64 / 2;
    Ok([0, 1].map(|way| {
        let (took, worst) = (all.took[way].spread(), all.worst[way].spread());
        Switch {
            from: pair[way].name().to_owned(),
            to: pair[1 - way].name().to_owned(),
            repeat: 0,
            asked,
            done: worst.as_ref().map_or(0, |worst| worst.count),
            round_trip_ms: round_trip,
            took,
            worst,
            lost: all.sums.lost,
            duplicated: all.sums.duplicated,
            reordered: all.sums.reordered,
        }
    }))
}

impl Switch {
    /// Returns the most that its worst message may take, at p99.
    pub(in crate::cli::bench) fn most_ms(&self) -> f64 {
        ROUND_TRIPS * self.round_trip_ms.unwrap_or(0.0) + BESIDE_MS
    }
}

impl Taken {
    fn add(&mut self, other: &Self) {
        for way in [0, 1] {
            self.took[way].add(&other.took[way]);
            self.worst[way].add(&other.worst[way]);
            self.undisturbed[way].add(&other.undisturbed[way]);
        }
        self.sums += other.sums;
    }
}

/// The step of a session in its switches.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A leg is in use, undisturbed until this time. Next: `Opening`.
    Steady(Instant),
    /// The new leg has yet to say welcome. Next: `Asking`.
    Opening(LegNumber),
    /// The new leg was asked to carry the session. Next: `Settling`.
    Asking(LegNumber),
    /// The new leg carries the session. Messages that are due before this time count for the switch. Next: `Draining`.
    Settling(Instant),
    /// Messages up to this number count for the switch. Next: `Steady`.
    Draining(u64),
}

struct Session {
    client: Client,
    pair: [Transport; 2],
    channel: ChannelName,
    size: usize,
    schedule: Schedule,
    seat: Seat,
    /// Which transport of the pair is in use.
    way: usize,
    step: Step,
    /// When the switch began, and its worst message so far.
    begun: Instant,
    worst: Duration,
    sent: u64,
    /// The last message of the last complete switch. A message up to this one that has not come is lost.
    settled: u64,
    ledger: Ledger,
    taken: Taken,
}

impl Session {
    fn new(
        client: Client,
        pair: [Transport; 2],
        channel: ChannelName,
        size: usize,
        schedule: Schedule,
        seat: Seat,
    ) -> Self {
        let times = || [Times::new(), Times::new()];
        let taken = Taken { took: times(), worst: times(), undisturbed: times(), sums: Sums::default() };
        let first = schedule.first;
        Self {
            client,
            pair,
            channel,
            size,
            schedule,
            seat,
            way: 0,
            // The first stretch is longer, since the round trip is measured in it too.
            step: Step::Steady(first + 5 * STEADY),
            begun: first,
            worst: Duration::ZERO,
            sent: 0,
            settled: 0,
            ledger: Ledger::default(),
            taken,
        }
    }

    async fn run(mut self) -> Taken {
        let subscribed = subscribe(&mut self.client, Some(&self.channel), |_| {});
        if timeout(CONNECTING, subscribed).await == Ok(true) {
            // A session that does not get there has fewer switches to show.
            let _ = timeout(PATIENCE, self.switches()).await;
            self.taken.sums = self.ledger.sums(self.settled);
        }
        self.taken
    }

    async fn switches(&mut self) {
        let (mut done, mut failed) = (0, 0);
        while done < SWITCHES {
            let (schedule, seat, client, next) = (self.schedule, &self.seat, &mut self.client, self.sent + 1);
            let event = poll_fn(|cx| {
                let Some(due) = schedule.due(next) else { return Poll::Pending };
                seat.register(cx);
                if due <= Instant::now() {
                    return Poll::Ready(None);
                }
                client.poll_next(cx).map(Some)
            });
            match event.await {
                None => self.publish(),
                Some(Event::Frame(frame)) => {
                    if let Some(message) = Message::read(&frame) {
                        done += usize::from(self.receive(&message));
                    }
                }
                Some(event) => {
                    failed = if self.advance(&event) { failed + 1 } else { failed };
                    if failed == FAILURES {
                        return;
                    }
                }
            }
        }
    }

    /// Publishes the next message. The beats of the schedule also move the steps on.
    fn publish(&mut self) {
        self.sent += 1;
        let due = self.schedule.due(self.sent).map_or(Duration::ZERO, |due| due - self.schedule.first);
        let message = Message { sender: 0, number: self.sent, due };
        self.client.push(message.publish(&self.channel, self.size));
        let now = Instant::now();
        match self.step {
            Step::Steady(until) if now >= until => {
                self.begun = now;
                self.worst = Duration::ZERO;
                self.step = Step::Opening(self.client.open(self.pair[1 - self.way]));
            }
            Step::Settling(until) if now >= until => self.step = Step::Draining(self.sent),
            Step::Steady(_) | Step::Opening(_) | Step::Asking(_) | Step::Settling(_) | Step::Draining(_) => {}
        }
    }

    /// Goes on with a switch. Returns whether its new leg died before it was in use; the switch is then tried again.
    fn advance(&mut self, event: &Event) -> bool {
        match (self.step, event) {
            (Step::Opening(leg), Event::Usable(usable)) if leg == *usable => {
                self.client.take(leg, self.pair[1 - self.way]);
                self.step = Step::Asking(leg);
            }
            (Step::Asking(leg), Event::Active(active)) if leg == *active => {
                self.taken.took[self.way].record(self.begun.elapsed());
                self.step = Step::Settling(Instant::now() + SETTLING);
            }
            (Step::Opening(leg) | Step::Asking(leg), Event::Closed(_)) if !self.client.holds(leg) => {
                self.step = Step::Steady(Instant::now() + STEADY);
                return true;
            }
            _ => {}
        }
        false
    }

    /// Enters a message. Returns whether a switch came to its end with it.
    fn receive(&mut self, message: &Message) -> bool {
        self.ledger.enter(message.number);
        let latency = self.schedule.first.elapsed().saturating_sub(message.due);
        match self.step {
            Step::Steady(_) => {
                self.taken.undisturbed[self.way].record(latency);
                return false;
            }
            Step::Opening(_) | Step::Asking(_) | Step::Settling(_) => self.worst = self.worst.max(latency),
            Step::Draining(last) => {
                self.worst = self.worst.max(latency);
                if message.number >= last {
                    self.settled = last;
                    self.taken.worst[self.way].record(self.worst);
                    self.way = 1 - self.way;
                    self.step = Step::Steady(Instant::now() + STEADY);
                    return true;
                }
            }
        }
        false
    }
}
