//! One connection under load: it subscribes, waits for the start, publishes by its schedule, and enters the messages
//! that it receives.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::{sleep_until, timeout_at};

use super::probe::subscribe;
use crate::cli::bench::figures::Times;
use crate::cli::bench::ledger::{Ledger, Sums};
use crate::cli::bench::message::Message;
use crate::cli::bench::pace::{Schedule, Seat};
use crate::cli::link::{Client, Event, Traffic};
use crate::cli::target::Target;
use crate::protocol::frame::RawFrame;
use crate::protocol::{ChannelName, Transport};

/// A member that is not subscribed after this time is not connected.
pub(super) const CONNECTING: Duration = Duration::from_secs(10);
/// The maximum number of different reasons of failures that are kept; there are few.
const REASONS: usize = 16;

/// The phase of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Members connect. Next: `Running`.
    Connecting,
    /// Messages are due from this moment. Next: `Over`.
    Running(Instant),
    /// Members close.
    Over,
}

/// The state that the members of a load share.
pub(super) struct Stage {
    pub(super) target: Arc<Target>,
    pub(super) transport: Transport,
    pub(super) size: usize,
    pub(super) origin: Instant,
    pub(super) phase: watch::Sender<Phase>,
    /// Members that know whether they are connected, members that are, and members that have all they wait for.
    pub(super) decided: AtomicUsize,
    pub(super) connected: AtomicUsize,
    pub(super) complete: AtomicUsize,
    pub(super) moved: Notify,
    record: Mutex<Record>,
}

/// The measurements of all members together.
pub(super) struct Record {
    pub(super) latency: Times,
    pub(super) lateness: Times,
    pub(super) first_message: Times,
    pub(super) per_second: Vec<u64>,
    pub(super) last: Option<Instant>,
}

impl Stage {
    pub(super) fn new(target: Arc<Target>, transport: Transport, size: usize) -> Self {
        let record = Record {
            latency: Times::new(),
            lateness: Times::new(),
            first_message: Times::new(),
            per_second: Vec::new(),
            last: None,
        };
        Self {
            target,
            transport,
            size,
            origin: Instant::now(),
            phase: watch::Sender::new(Phase::Connecting),
            decided: AtomicUsize::new(0),
            connected: AtomicUsize::new(0),
            complete: AtomicUsize::new(0),
            moved: Notify::new(),
            record: Mutex::new(record),
        }
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        // Counts stay sound even if a thread panicked while it held the lock.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, count: &AtomicUsize) {
        count.fetch_add(1, Ordering::Relaxed);
        self.moved.notify_one();
    }
}

/// The part of one member in the load.
pub(super) struct Part {
    pub(super) number: u32,
    pub(super) dial: Instant,
    pub(super) traffic: Arc<Traffic>,
    pub(super) seat: Seat,
    /// The channel that it receives, and how many messages.
    pub(super) receives: Option<(ChannelName, u64)>,
    /// The channel to which it publishes, and when, counted from the start.
    pub(super) publishes: Option<(ChannelName, Lag)>,
}

/// A schedule before its beginning is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lag {
    pub(super) after: Duration,
    pub(super) interval: Duration,
    pub(super) count: u64,
}

impl Lag {
    pub(super) fn from(self, start: Instant) -> Schedule {
        Schedule { first: start + self.after, interval: self.interval, count: self.count }
    }
}

/// The result of one member.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) connected: bool,
    pub(super) sent: u64,
    /// Only for a member that receives.
    pub(super) expected: Option<u64>,
    pub(super) sums: Sums,
    pub(super) told_lost: u64,
    pub(super) failures: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn failed(&mut self, why: String) {
        if self.failures.len() < REASONS || self.failures.contains_key(&why) {
            *self.failures.entry(why).or_default() += 1;
        }
    }
}

/// A member that runs.
struct Member {
    stage: Arc<Stage>,
    part: Part,
    client: Client,
    schedule: Option<Schedule>,
    ledger: Ledger,
    tally: Tally,
    complete: bool,
}

/// Runs a member until the load is over, or until it cannot connect.
pub(super) async fn run(stage: Arc<Stage>, part: Part) -> Tally {
    sleep_until(part.dial.into()).await;
    let client = Client::new(&stage.target, Arc::clone(&part.traffic), stage.transport);
    let (ledger, tally) = (Ledger::default(), Tally::default());
    let mut member = Member { stage, part, client, schedule: None, ledger, tally, complete: false };
    member.tally.connected = member.connect().await;
    let stage = Arc::clone(&member.stage);
    if member.tally.connected {
        stage.connected.fetch_add(1, Ordering::Relaxed);
    }
    stage.step(&stage.decided);
    if !member.tally.connected {
        return member.tally;
    }
    member.follow(stage.phase.subscribe()).await;
    member.tally.expected = member.part.receives.as_ref().map(|(_, expected)| *expected);
    member.tally.sums = member.ledger.sums(member.tally.expected.unwrap_or(0));
    member.tally
}

enum Turn {
    Due(u64, Instant),
    Happened(Event),
}

impl Member {
    async fn connect(&mut self) -> bool {
        let begun = Instant::now();
        let Self { client, tally, part, .. } = self;
        let channel = part.receives.as_ref().map(|(channel, _)| channel);
        let subscribed = subscribe(client, channel, |why| tally.failed(why));
        match timeout_at((begun + CONNECTING).into(), subscribed).await {
            Ok(true) => {}
            Ok(false) => return false,
            Err(_) => {
                self.tally.failed(format!("not there after {} s", CONNECTING.as_secs()));
                return false;
            }
        }
        if self.part.receives.is_some() {
            self.stage.record().first_message.record(begun.elapsed());
        }
        true
    }

    async fn follow(&mut self, mut phase: watch::Receiver<Phase>) {
        loop {
            let now = *phase.borrow_and_update();
            match now {
                Phase::Over => return,
                Phase::Running(start) if self.schedule.is_none() => {
                    let lag = self.part.publishes.as_ref().map(|(_, lag)| *lag);
                    self.schedule = lag.map(|lag| lag.from(start));
                    self.settle();
                }
                Phase::Running(_) | Phase::Connecting => {}
            }
            tokio::select! {
                biased;
                // The stage outlives its members.
                _ = phase.changed() => {}
                () = self.turns() => {}
            }
        }
    }

    /// Handles events, and never ends. Cancel-safe: an event that was received has been handled.
    async fn turns(&mut self) {
        loop {
            let (schedule, client, seat) = (self.schedule, &mut self.client, &self.part.seat);
            let next = self.tally.sent + 1;
            let turn = poll_fn(|cx| {
                if let Some(due) = schedule.and_then(|schedule| schedule.due(next)) {
                    seat.register(cx);
                    if due <= Instant::now() {
                        return Poll::Ready(Turn::Due(next, due));
                    }
                }
                client.poll_next(cx).map(Turn::Happened)
            });
            match turn.await {
                Turn::Due(number, due) => self.publish(number, due),
                Turn::Happened(Event::Frame(frame)) => self.receive(&frame),
                Turn::Happened(Event::Lost(count)) => self.tally.told_lost += count,
                Turn::Happened(Event::Closed(why)) => self.tally.failed(why),
                Turn::Happened(Event::Usable(_) | Event::Active(_)) => {}
            }
        }
    }

    fn publish(&mut self, number: u64, due: Instant) {
        let Some((channel, _)) = &self.part.publishes else { return };
        let message = Message { sender: self.part.number, number, due: due - self.stage.origin };
        self.client.push(message.publish(channel, self.stage.size));
        self.tally.sent = number;
        self.stage.record().lateness.record(due.elapsed());
        self.settle();
    }

    fn receive(&mut self, frame: &RawFrame) {
        let Some(message) = Message::read(frame) else { return };
        let now = Instant::now();
        if self.ledger.enter(message.number) {
            let mut record = self.stage.record();
            record.latency.record((now - self.stage.origin).saturating_sub(message.due));
            record.delivered(now, *self.stage.phase.borrow());
        }
        self.settle();
    }

    /// Notes once that the member waits for nothing more.
    fn settle(&mut self) {
        let sends = self.part.publishes.as_ref().map_or(0, |(_, lag)| lag.count);
        let receives = self.part.receives.as_ref().map_or(0, |(_, expected)| *expected);
        if !self.complete && self.tally.sent >= sends && self.ledger.delivered() >= receives {
            self.complete = true;
            self.stage.step(&self.stage.complete);
        }
    }
}

impl Record {
    fn delivered(&mut self, now: Instant, phase: Phase) {
        let Phase::Running(start) = phase else { return };
        let second = usize::try_from((now - start).as_secs()).unwrap_or(0);
        if self.per_second.len() <= second {
            self.per_second.resize(second + 1, 0);
        }
        self.per_second[second] += 1;
        self.last = Some(now);
    }
}
