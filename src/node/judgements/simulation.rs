//! Seeded schedules of hellos that race, repeat, are cancelled and time out. Their judgements take 0 to 3 s, or for
//! ever. `THROUGHLINE_SEED=n` replays one.

use super::sharing::{Desk, Mutant, PATIENCE, Place};
use crate::session::Time;
use crate::simulation::{self, Agenda, Random, Simulation, caught};

/// All times are multiples of this, so that events often coincide.
const STEP: Time = Time::from_millis(50);

/// A secret and a token.
type Question = (u64, u64);
type Hello = usize;
type Number = usize;

enum Event {
    Hello(Question),
    Verdict(Number),
    /// A hello sees the verdict, which another one saw first.
    Sees(Hello),
    Cancelled(Hello),
    TimedOut(Hello),
}

/// How often each event happened that the schedules are about.
#[derive(Debug, Default)]
struct Counts {
    alone: u64,
    shared: u64,
    cancelled: u64,
    abandoned: u64,
    timed_out: u64,
    judged_anew: u64,
    other_token: u64,
}

/// A judgement, as the simulated backend sees it.
struct Judgement {
    question: Question,
    until: Time,
    has_verdict: bool,
}

struct Schedule {
    random: Random,
    now: Time,
    agenda: Agenda<Time, Event>,
    desk: Desk<Question, Number>,
    judgements: Vec<Judgement>,
    /// By hello: its place, while it waits.
    waiting: Vec<Option<Place<Question, Number>>>,
    /// By hello: whether it was answered or cancelled.
    settled: Vec<bool>,
    counts: Counts,
}

impl Schedule {
    fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut desk = Desk::new();
        desk.mutant = mutant;
        let mut schedule = Self {
            random: Random::new(seed),
            now: Time::ZERO,
            agenda: Agenda::default(),
            desk,
            judgements: Vec::new(),
            waiting: Vec::new(),
            settled: Vec::new(),
            counts: Counts::default(),
        };
        for _ in 0..5 + schedule.random.below(15) {
            // There are few secrets, so that legs of one session come together, and again later.
            let question = (schedule.random.below(3), u64::from(schedule.random.percent(15)));
            let at = schedule.steps(400);
            let legs = if schedule.random.percent(40) { 1 + schedule.random.below(3) } else { 1 };
            for leg in 0..legs {
                schedule.agenda.plan(at + 6 * STEP * u32::try_from(leg).unwrap(), Event::Hello(question));
            }
        }
        schedule
    }

    fn steps(&mut self, below: u64) -> Time {
        STEP * u32::try_from(self.random.below(below)).unwrap()
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some((at, event)) = self.agenda.next() {
            self.now = at;
            match event {
                Event::Hello(question) => self.hello(question)?,
                Event::Verdict(number) => self.verdict(number),
                Event::Sees(hello) => self.settle(hello),
                Event::Cancelled(hello) if self.waiting[hello].is_some() => {
                    self.counts.cancelled += 1;
                    self.settle(hello);
                }
                Event::TimedOut(hello) if self.waiting[hello].is_some() => {
                    self.counts.timed_out += 1;
                    self.settle(hello);
                }
                Event::Cancelled(_) | Event::TimedOut(_) => {}
            }
        }
        match self.settled.iter().position(|settled| !settled) {
            Some(hello) => Err(format!("hello {hello} was never answered")),
            None if self.desk.len() > 0 => Err(format!("{} judgements are left", self.desk.len())),
            None => Ok(()),
        }
    }

    fn hello(&mut self, question: Question) -> Result<(), String> {
        let hello = self.waiting.len();
        let fresh = self.judgements.len();
        let place = self.desk.join(self.now, question, || fresh);
        let number = place.judging;
        if number == fresh {
            self.begin(question, place.until)?;
        } else {
            self.counts.shared += 1;
            let judgement = &self.judgements[number];
            if judgement.question != question || judgement.has_verdict || !self.is_awaited(number) {
                return Err(format!(
                    "hello {hello} joined judgement {number}, which is over or about another question"
                ));
            }
        }
        if place.until <= self.now || place.until > self.now + PATIENCE {
            return Err(format!("hello {hello} at {:?} waits until {:?}", self.now, place.until));
        }
        self.agenda.plan(place.until, Event::TimedOut(hello));
        if self.random.percent(25) {
            let after = self.steps(80);
            self.agenda.plan(self.now + after, Event::Cancelled(hello));
        }
        self.waiting.push(Some(place));
        self.settled.push(false);
        Ok(())
    }

    /// Begins a judgement. No other one about the same question may be under way.
    fn begin(&mut self, question: Question, until: Time) -> Result<(), String> {
        let mut others = (0..self.judgements.len()).filter(|other| {
            let judgement = &self.judgements[*other];
            judgement.question == question
                && !judgement.has_verdict
                && self.now < judgement.until
                && self.is_awaited(*other)
        });
        if let Some(other) = others.next() {
            return Err(format!("a second judgement begins at {:?}, beside {other}", self.now));
        }
        let is_known = |judgement: &Judgement| judgement.question == question && judgement.has_verdict;
        self.counts.judged_anew += u64::from(self.judgements.iter().any(is_known));
        let other_token =
            |judgement: &Judgement| judgement.question.0 == question.0 && judgement.question.1 != question.1;
        self.counts.other_token += u64::from(self.judgements.iter().any(other_token));
        let number = self.judgements.len();
        self.judgements.push(Judgement { question, until, has_verdict: false });
        if !self.random.percent(10) {
            let takes = self.steps(61);
            self.agenda.plan(self.now + takes, Event::Verdict(number));
        }
        Ok(())
    }

    /// Shows the verdict to all hellos that share the judgement: to one at once, to the others when they are
    /// polled.
    fn verdict(&mut self, number: Number) {
        let hellos: Vec<Hello> = (0..self.waiting.len()).filter(|hello| self.shares(*hello, number)).collect();
        match hellos.len() {
            0 => self.counts.abandoned += 1,
            1 => self.counts.alone += 1,
            _ => {}
        }
        self.judgements[number].has_verdict = !hellos.is_empty();
        for (others, hello) in hellos.into_iter().enumerate() {
            if others > 0 {
                let after = self.steps(6);
                self.agenda.plan(self.now + after, Event::Sees(hello));
            } else if let Some(place) = &self.waiting[hello] {
                self.desk.judged(place);
                self.settle(hello);
            }
        }
    }

    fn settle(&mut self, hello: Hello) {
        if let Some(place) = self.waiting[hello].take() {
            self.desk.leave(&place);
        }
        self.settled[hello] = true;
    }

    /// Returns true if a hello waits for this judgement. The judgement is dropped if none does.
    fn is_awaited(&self, number: Number) -> bool {
        (0..self.waiting.len()).any(|hello| self.shares(hello, number))
    }

    fn shares(&self, hello: Hello, number: Number) -> bool {
        self.waiting[hello].as_ref().is_some_and(|place| place.judging == number)
    }
}

impl simulation::Counts for Counts {
    fn each(&mut self) -> impl Iterator<Item = &mut u64> {
        let Self { alone, shared, cancelled, abandoned, timed_out, judged_anew, other_token } = self;
        [alone, shared, cancelled, abandoned, timed_out, judged_anew, other_token].into_iter()
    }
}

const SIMULATION: Simulation<Mutant, Counts> = Simulation {
    test: "hellos_with_one_question",
    seeds: 50_000,
    least: 1_000,
    seeds_for_a_mutant: 2_000,
    run: |seed, mutant| {
        let mut schedule = Schedule::new(seed, mutant);
        schedule.run().map(|()| schedule.counts)
    },
};

#[test]
fn hellos_with_one_question_share_one_judgement_and_each_is_answered_in_time() {
    SIMULATION.holds();
}

caught! { SIMULATION:
    a_judgement_for_each_hello_is_caught: EachAlone;
    a_verdict_that_holds_for_later_hellos_is_caught: VerdictKept;
    one_cancelled_hello_that_ends_the_judgement_for_all_is_caught: CancelledForAll;
    a_judgement_that_is_kept_for_nobody_is_caught: Leaked;
    a_judgement_that_is_shared_too_late_is_caught: SharedTooLate;
}
