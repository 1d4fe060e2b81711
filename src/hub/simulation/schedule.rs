//! One schedule: channels of one node, their subscribers, and a broker that misbehaves for a while and then stops.

mod carry;
mod faults;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::counts::{Counts, Fault};
use super::reader::Reader;
use super::truth::Truth;
use crate::broker::{Failure, Stretch, Ticket};
use crate::hub::channel::Channel;
use crate::hub::events::{Input, Outputs, Settings, Wish};
use crate::hub::mutant::Mutation;
use crate::protocol::limits::Room;
use crate::protocol::{Line, Position};
use crate::simulation::{Agenda, Random};

/// The channels, and the subscribers of each.
const CHANNELS: usize = 2;
const READERS: usize = 3;
/// The most appends of one channel that are under way.
const APPENDS: usize = 4;
/// The most subscribers that one fetch serves.
const JOINERS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];
const CHECK_EVERY: Duration = Duration::from_secs(20);
/// The most publications held for a fetch: so few that the bound is passed at times, or so many that it never is.
const HELD_FEW: usize = 6;
const HELD_MANY: usize = 1_000;
/// Once the faults stop, every subscriber must be current within this time: a fetch that times out, its pause, and
/// a late message.
const LONGEST_QUIET: Duration = Duration::from_secs(12);
/// The same bound if only the next check can find the loss.
const LONGEST_CHECKED_QUIET: Duration = Duration::from_secs(32);
/// A time longer than any answer of the faulty phase is under way.
const ECHO: Duration = Duration::from_secs(4);
/// More events than this at one moment are an endless loop.
const MOST_AT_ONCE: u32 = 5_000;

/// A request on its way to the broker.
enum Request {
    Append(Ticket, Vec<u64>),
    Fetch(Ticket, Vec<Position>),
    Watch,
    Unwatch,
}

enum Event {
    /// A request reaches the broker.
    Arrives(usize, Request, Option<Fault>),
    /// An answer reaches the node. The number names the answer.
    Answer(usize, u64, Input<u64>),
    /// A message reaches the node.
    Message(usize, Stretch<Line>),
    /// The node stops hearing the broker, and hears it again later.
    Deafens(usize),
    Hears(usize),
    LosesWrites(usize),
    /// This node publishes, or another one does.
    Publishes(usize),
    Foreign(usize),
    /// A subscriber comes or goes.
    Turns(usize, usize),
    /// An absent subscriber comes.
    Comes(usize, usize),
    Reads(usize, usize),
    Timer(usize),
    Probe,
}

/// One channel: the machine under test, the broker's side, and the subscribers.
struct World {
    machine: Channel<u64>,
    lives: u64,
    truth: Truth,
    is_watched: bool,
    is_deaf: bool,
    /// When the last request under way arrives, and the last message: both keep their order.
    up_last: Duration,
    down_last: Duration,
    readers: [Reader; READERS],
    /// The publications of each request that has no answer yet.
    open: HashMap<Ticket, Vec<u64>>,
    /// Where the broker stored the publications of each request.
    stored: HashMap<Ticket, u64>,
    armed: Option<Duration>,
    /// Something was lost, and perhaps no message shows it.
    is_checked: bool,
}

/// One schedule.
pub(super) struct Schedule {
    now: Duration,
    random: Random,
    agenda: Agenda<Duration, Event>,
    settings: Arc<Settings>,
    mutation: Mutation,
    worlds: Vec<World>,
    contents: u64,
    /// The numbers of the answers under way, and the channel of each.
    under_way: Vec<(u64, usize)>,
    answers: u64,
    /// The percentage of requests and messages with a fault.
    chance: u64,
    faults_stop: Duration,
    pub(super) counts: Counts,
}

impl Schedule {
    pub(super) fn new(mut random: Random, mutation: Mutation) -> Self {
        let held = Room { frames: if random.percent(50) { HELD_FEW } else { HELD_MANY }, bytes: 100_000 };
        let settings = Settings {
            appends: APPENDS,
            joiners: JOINERS,
            held,
            patience: PATIENCE,
            pause: PAUSE,
            check_every: Some(CHECK_EVERY),
        };
        let settings = Arc::new(settings);
        let mut schedule = Self {
            now: Duration::ZERO,
            agenda: Agenda::default(),
            mutation,
            worlds: (0..CHANNELS).map(|channel| World::new(channel, Arc::clone(&settings), mutation)).collect(),
            settings,
            contents: 0,
            under_way: Vec::new(),
            answers: 0,
            chance: if random.percent(10) { 0 } else { random.below(40) },
            faults_stop: Duration::from_secs(3 + random.below(5)),
            counts: Counts::default(),
            random,
        };
        schedule.plan();
        schedule
    }

    fn plan(&mut self) {
        if self.random.percent(15) {
            self.plan_race();
        } else {
            self.plan_many();
        }
        self.agenda.plan(self.faults_stop + ECHO, Event::Probe);
    }

    /// Plans a publication and a subscription at the same time, without a later publication that could show a loss.
    fn plan_race(&mut self) {
        for channel in 0..CHANNELS {
            let at = self.faults_stop / 2;
            for event in [Event::Publishes(channel), Event::Foreign(channel), Event::Turns(channel, 0)] {
                let moment = self.random.milliseconds(100);
                self.agenda.plan(at + moment, event);
            }
        }
    }

    fn plan_many(&mut self) {
        let most = if self.random.percent(20) { 60 } else { 20 };
        for channel in 0..CHANNELS {
            for _ in 0..4 + self.random.below(most) {
                let event = if self.random.percent(60) { Event::Publishes(channel) } else { Event::Foreign(channel) };
                self.sometime(event);
            }
            for reader in 0..READERS {
                for _ in 0..1 + self.random.below(4) {
                    self.sometime(Event::Turns(channel, reader));
                }
            }
            if self.chance > 0 {
                for _ in 0..self.random.below(3) {
                    self.sometime(Event::LosesWrites(channel));
                }
                for _ in 0..self.random.below(3) {
                    self.sometime(Event::Deafens(channel));
                }
            }
        }
    }

    /// Plans something for a moment before the faults stop.
    fn sometime(&mut self, event: Event) {
        let until = u64::try_from(self.faults_stop.as_millis()).unwrap_or(u64::MAX);
        let at = self.random.milliseconds(until);
        self.agenda.plan(at, event);
    }

    /// Runs to the end. Returns an error if an invariant is broken.
    pub(super) fn run(&mut self) -> Result<(), String> {
        let mut at_once = 0;
        while let Some((at, event)) = self.agenda.next() {
            at_once = if at > self.now { 0 } else { at_once + 1 };
            if at_once > MOST_AT_ONCE {
                return Err(format!("busy without end at {at:?}"));
            }
            self.now = at;
            if matches!(event, Event::Probe) {
                if self.is_settled() {
                    return Ok(());
                }
                let is_checked = self.worlds.iter().any(|world| world.is_checked);
                let longest = if is_checked { LONGEST_CHECKED_QUIET } else { LONGEST_QUIET };
                if at > self.faults_stop + longest {
                    return Err(format!("not every subscriber is current {longest:?} after the last fault"));
                }
                self.agenda.plan(at + Duration::from_secs(2), Event::Probe);
                self.call_all();
                continue;
            }
            self.happen(event)?;
        }
        Err("nothing happens any more".to_owned())
    }

    fn is_quiet(&self) -> bool {
        self.now >= self.faults_stop
    }

    fn is_settled(&self) -> bool {
        self.worlds.iter().all(|world| {
            let end = world.truth.end();
            world.open.is_empty() && world.readers.iter().all(|reader| reader.is_current(&end))
        })
    }

    /// Brings every subscriber back after the faults.
    fn call_all(&mut self) {
        for channel in 0..CHANNELS {
            for reader in 0..READERS {
                self.agenda.plan(self.now, Event::Comes(channel, reader));
            }
        }
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Arrives(channel, request, fault) => {
                self.arrives(channel, request, fault);
                Ok(())
            }
            Event::Answer(channel, number, input) => self.answer(channel, number, input),
            Event::Message(channel, message) => {
                if self.worlds[channel].is_deaf {
                    return Ok(());
                }
                self.handle(channel, Input::Heard(message))
            }
            Event::Deafens(channel) => {
                self.strike(Fault::Interrupted, channel);
                self.worlds[channel].is_deaf = true;
                let pause = self.random.milliseconds(1_000);
                self.agenda.plan(self.now + pause, Event::Hears(channel));
                Ok(())
            }
            Event::Hears(channel) => {
                self.worlds[channel].is_deaf = false;
                self.handle(channel, Input::Interrupted)
            }
            Event::LosesWrites(channel) => {
                let count = 1 + self.random.below(3);
                if self.worlds[channel].truth.lose(count) {
                    self.worlds[channel].is_checked = true;
                    self.strike(Fault::LostWrites, channel);
                }
                Ok(())
            }
            Event::Publishes(channel) => self.publish(channel),
            Event::Foreign(channel) => {
                let contents = self.contents();
                self.append(channel, &contents);
                Ok(())
            }
            Event::Turns(channel, reader) => self.turn(channel, reader),
            Event::Comes(channel, reader) => self.come(channel, reader),
            Event::Reads(channel, reader) => {
                self.worlds[channel].readers[reader].reads();
                Ok(())
            }
            Event::Timer(channel) => {
                // A timer that was rearmed for an earlier time leaves a stale event behind.
                match self.worlds[channel].armed.take_if(|at| *at == self.now) {
                    Some(_) => self.handle(channel, Input::Timeout),
                    None => Ok(()),
                }
            }
            Event::Probe => Ok(()),
        }
    }

    /// Returns one to four publications.
    fn contents(&mut self) -> Vec<u64> {
        let count = 1 + self.random.below(4);
        let first = self.contents;
        self.contents += count;
        (first..first + count).collect()
    }

    fn publish(&mut self, channel: usize) -> Result<(), String> {
        let contents = self.contents();
        let world = &mut self.worlds[channel];
        let ticket = world.machine.ticket();
        world.open.insert(ticket, contents);
        self.handle(channel, Input::Publish(ticket))
    }

    /// Makes an absent subscriber come. A present one leaves, or subscribes again.
    fn turn(&mut self, channel: usize, reader: usize) -> Result<(), String> {
        let known = &self.worlds[channel].readers[reader];
        let is_there = known.is_live() || known.is_joining();
        if !is_there || self.random.percent(20) {
            return self.subscribe(channel, reader);
        }
        self.leave(channel, reader)
    }

    fn come(&mut self, channel: usize, reader: usize) -> Result<(), String> {
        let known = &self.worlds[channel].readers[reader];
        if known.is_live() || known.is_joining() {
            return Ok(());
        }
        self.subscribe(channel, reader)
    }

    fn subscribe(&mut self, channel: usize, reader: usize) -> Result<(), String> {
        let is_bogus = self.random.percent(4);
        // A subscriber that was at another node may know more than this one does.
        let is_ahead = self.random.percent(10);
        let wants_history = self.random.percent(85);
        let world = &mut self.worlds[channel];
        let known = &mut world.readers[reader];
        let mut since = known.read_up_to().cloned().filter(|_| wants_history);
        if let Some(since) = since.as_mut().filter(|_| is_bogus) {
            since.at += 1_000;
        }
        if is_ahead {
            since = Some(world.truth.end());
        }
        let ticket = world.machine.ticket();
        known.asks(ticket, since.clone());
        let room = Room { frames: Reader::room(), bytes: 100_000 };
        let wish = Wish { ticket, key: known.key, subscriber: known.key, since, room };
        self.handle(channel, Input::Subscribe(wish))
    }

    /// Makes a subscriber leave. At times an unused channel is then forgotten, and created again.
    fn leave(&mut self, channel: usize, reader: usize) -> Result<(), String> {
        let known = &mut self.worlds[channel].readers[reader];
        known.leaves();
        let key = known.key;
        self.handle(channel, Input::Unsubscribe(key))?;
        let is_forgotten = self.random.percent(50);
        let world = &mut self.worlds[channel];
        if is_forgotten && world.machine.is_unused() {
            world.lives += 1;
            world.machine = Channel::new(Arc::clone(&self.settings), world.lives).mutated(self.mutation);
        }
        Ok(())
    }
}

impl World {
    fn new(channel: usize, settings: Arc<Settings>, mutation: Mutation) -> Self {
        Self {
            machine: Channel::new(settings, 0).mutated(mutation),
            lives: 0,
            truth: Truth::new(channel),
            is_watched: false,
            is_deaf: false,
            up_last: Duration::ZERO,
            down_last: Duration::ZERO,
            readers: [Reader::new(1), Reader::new(2), Reader::new(3)],
            open: HashMap::new(),
            stored: HashMap::new(),
            armed: None,
            is_checked: false,
        }
    }
}
