//! Seeded schedules of steps that come at once, later in any order, twice, never, or after the session's end. A
//! command has two steps: its decision, and the end of carrying it out.
//!
//! A model says when each command must be carried out: once its decision is there and the command before it on its
//! channel is done. The lanes must meet exactly that moment. `THROUGHLINE_SEED=n` replays one schedule.

use std::collections::HashMap;

use super::lanes::{Lanes, Mutant, Ticket};
use crate::driver::cell::Backlog;
use crate::protocol::ChannelName;
use crate::simulation::{self, Agenda, Random, Simulation, caught};

const CHANNELS: u64 = 3;
/// The cost of each command.
const BYTES: usize = 100;

/// A command, and the duration of its steps; `None` is for ever. Times are in milliseconds, and even.
#[derive(Debug, Clone)]
struct Order {
    number: usize,
    channel: Option<ChannelName>,
    decision: Option<u64>,
    deed: Option<u64>,
}

/// The step that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Decided,
    Done,
}

enum Event {
    Comes(Order),
    Came(Ticket, Step, Order),
    Ends,
}

/// How often each event happened that the schedules are about.
#[derive(Debug, Default)]
struct Counts {
    at_once: u64,
    decided_later: u64,
    done_later: u64,
    never: u64,
    waited_behind: u64,
    overtook: u64,
    twice: u64,
    after_the_end: u64,
}

struct Schedule {
    random: Random,
    now: u64,
    agenda: Agenda<u64, Event>,
    lanes: Lanes<Order>,
    has_ended: bool,
    /// By number: when the command must be carried out.
    due: Vec<Option<u64>>,
    /// By channel: when its last command must be done.
    last_done: HashMap<ChannelName, Option<u64>>,
    /// By number: when the command was carried out.
    carried_out: Vec<Option<u64>>,
    came: usize,
    done: usize,
    counts: Counts,
}

impl Schedule {
    fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut lanes = Lanes::new();
        lanes.mutant = mutant;
        let mut schedule = Self {
            random: Random::new(seed),
            now: 0,
            agenda: Agenda::default(),
            lanes,
            has_ended: false,
            due: Vec::new(),
            last_done: HashMap::new(),
            carried_out: Vec::new(),
            came: 0,
            done: 0,
            counts: Counts::default(),
        };
        schedule.plan();
        schedule
    }

    fn plan(&mut self) {
        for number in 0..10 + self.random.below(30) as usize {
            let about = self.random.below(CHANNELS + 1);
            let channel = (about < CHANNELS).then(|| ChannelName::try_from(&*format!("c{about}")).unwrap());
            let decision = self.time(4);
            // The hub carries out only commands about channels. Any other command is done once it is decided.
            let deed = if channel.is_some() { self.time(6) } else { Some(0) };
            let at = 2 * self.random.below(500);
            self.agenda.plan(at, Event::Comes(Order { number, channel, decision, deed }));
            self.due.push(None);
            self.carried_out.push(None);
        }
        if self.random.percent(50) {
            let at = 1 + 2 * self.random.below(600);
            self.agenda.plan(at, Event::Ends);
        }
    }

    /// Returns the duration of a step. The step comes within the call in this many cases of ten.
    fn time(&mut self, within_the_call: u64) -> Option<u64> {
        match self.random.below(10) {
            9 => None,
            tenth if tenth < within_the_call => Some(0),
            _ => Some(2 * self.random.below(200)),
        }
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some((at, event)) = self.agenda.next() {
            self.now = at;
            match event {
                Event::Comes(_) if self.has_ended => {}
                Event::Comes(order) => self.comes(order)?,
                Event::Came(ticket, step, order) => self.came(ticket, step, order)?,
                Event::Ends => {
                    self.has_ended = true;
                    self.lanes.end();
                }
            }
            self.check_waiting()?;
        }
        self.check_all()
    }

    /// Does the same as [`super::Pump::run`].
    fn comes(&mut self, order: Order) -> Result<(), String> {
        self.came += 1;
        self.expect(&order);
        let order = if self.lanes.is_free() {
            Some(order)
        } else {
            self.lanes.admit(order.channel.clone().as_ref(), order, BYTES)
        };
        let Some(order) = order else {
            self.counts.waited_behind += 1;
            return Ok(());
        };
        let step = if order.decision == Some(0) {
            self.counts.at_once += 1;
            self.counts.overtook += u64::from(!self.lanes.is_free());
            self.carry_out(&order)?;
            if order.deed == Some(0) {
                self.done += 1;
                return Ok(());
            }
            Step::Done
        } else {
            Step::Decided
        };
        if let Some(ticket) = self.lanes.close(order.channel.clone(), BYTES) {
            self.wait(ticket, step, order);
        }
        Ok(())
    }

    /// Does the same as [`super::Pump::came`].
    fn came(&mut self, ticket: Ticket, step: Step, order: Order) -> Result<(), String> {
        self.counts.after_the_end += u64::from(self.has_ended);
        let mut next = Some((ticket, step, order));
        while let Some((ticket, step, order)) = next.take() {
            if !self.lanes.came(ticket) {
                return Ok(());
            }
            if step == Step::Decided {
                self.carry_out(&order)?;
                self.repeat(ticket, &order)?;
                if order.deed != Some(0) {
                    if let Some(ticket) = self.lanes.wait_on(ticket) {
                        self.wait(ticket, Step::Done, order);
                    }
                    return Ok(());
                }
            }
            self.done += 1;
            match self.lanes.next(ticket) {
                Some((ticket, order)) if order.decision == Some(0) => next = Some((ticket, Step::Decided, order)),
                Some((ticket, order)) => self.wait(ticket, Step::Decided, order),
                None => {}
            }
        }
        Ok(())
    }

    /// Repeats a decision at times, while the command is being carried out.
    fn repeat(&mut self, ticket: Ticket, order: &Order) -> Result<(), String> {
        if self.random.percent(10) {
            self.counts.twice += 1;
            if self.lanes.came(ticket) {
                self.carry_out(order)?;
            }
        }
        Ok(())
    }

    fn wait(&mut self, ticket: Ticket, step: Step, order: Order) {
        let (takes, later) = match step {
            Step::Decided => (order.decision, &mut self.counts.decided_later),
            Step::Done => (order.deed, &mut self.counts.done_later),
        };
        let Some(takes) = takes else {
            self.counts.never += 1;
            return;
        };
        *later += 1;
        if self.random.percent(10) {
            self.agenda.plan(self.now + takes + 2, Event::Came(ticket, step, order.clone()));
        }
        self.agenda.plan(self.now + takes, Event::Came(ticket, step, order));
    }

    fn carry_out(&mut self, order: &Order) -> Result<(), String> {
        let (now, number) = (self.now, order.number);
        if self.has_ended {
            return Err(format!("command {number} was carried out after the end"));
        }
        if let Some(before) = self.carried_out[number].replace(now) {
            return Err(format!("command {number} was carried out at {before} and at {now}"));
        }
        if self.due[number] != Some(now) {
            return Err(format!("command {number} was carried out at {now}, due {:?}", self.due[number]));
        }
        Ok(())
    }

    /// Notes in the model when a command that comes now must be carried out.
    fn expect(&mut self, order: &Order) {
        let before = order.channel.as_ref().and_then(|channel| self.last_done.get(channel).copied());
        let asked = before.map_or(Some(self.now), |before| before.map(|before| before.max(self.now)));
        let due = asked.zip(order.decision).map(|(asked, takes)| asked + takes);
        self.due[order.number] = due;
        if let Some(channel) = &order.channel {
            self.last_done.insert(channel.clone(), due.zip(order.deed).map(|(due, takes)| due + takes));
        }
    }

    fn check_waiting(&self) -> Result<(), String> {
        let expected = if self.has_ended { 0 } else { self.came - self.done };
        let waiting = self.lanes.backlog();
        let expected = Backlog { commands: expected, bytes: expected * BYTES };
        if waiting == expected { Ok(()) } else { Err(format!("{waiting:?}, expected {expected:?}")) }
    }

    fn check_all(&self) -> Result<(), String> {
        if self.has_ended {
            return Ok(());
        }
        match (0..self.due.len()).find(|number| self.due[*number] != self.carried_out[*number]) {
            None => Ok(()),
            Some(number) => {
                Err(format!("command {number}: carried out {:?}, due {:?}", self.carried_out[number], self.due[number]))
            }
        }
    }
}

impl simulation::Counts for Counts {
    fn each(&mut self) -> impl Iterator<Item = &mut u64> {
        let Self { at_once, decided_later, done_later, never, waited_behind, overtook, twice, after_the_end } = self;
        [at_once, decided_later, done_later, never, waited_behind, overtook, twice, after_the_end].into_iter()
    }
}

const SIMULATION: Simulation<Mutant, Counts> = Simulation {
    test: "every_command_is_carried_out",
    seeds: 50_000,
    least: 1_000,
    seeds_for_a_mutant: 2_000,
    run: |seed, mutant| {
        let mut schedule = Schedule::new(seed, mutant);
        schedule.run().map(|()| schedule.counts)
    },
};

#[test]
fn every_command_is_carried_out_once_and_when_its_own_channel_lets_it() {
    SIMULATION.holds();
}

caught! { SIMULATION:
    one_queue_for_a_whole_session_is_caught: OneQueue;
    an_answer_after_the_end_is_caught: AnswerAfterEnd;
    a_command_that_is_carried_out_twice_is_caught: CarriedOutTwice;
}
