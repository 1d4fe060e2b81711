//! The books of the switches: from which transport to which, at which step the old leg died, and what was under way then.
//!
//! They show that the schedules draw every combination. A schedule may aim its faults by them, but an invariant must never ask
//! them: they know what each end believes.

use crate::protocol::{LegNumber, Transport, Turn};
use crate::session::Time;
use crate::session::client::LOSER_READ;
use crate::simulation;

/// How far the new leg had come when the old one died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// The new leg was not opened yet: a resume after a dead leg.
    Before,
    /// The new leg's first welcome was not read yet.
    Opening,
    /// It was a candidate that had not asked.
    Candidate,
    /// It had asked; the server had not granted.
    Asked,
    /// The server had granted; the welcome that says so was not read.
    Granted,
    /// The welcome was read; the old leg's `end` was not.
    Confirmed,
    /// The old leg's `end` was read; something was still on its way up the old leg, and died with it.
    Ended,
    /// No death: the old leg lived until its `end` was read.
    Lived,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Before,
        Self::Opening,
        Self::Candidate,
        Self::Asked,
        Self::Granted,
        Self::Confirmed,
        Self::Ended,
        Self::Lived,
    ];
}

/// Whether numbered lines had been handed to a leg and not come out at the other end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UnderWay {
    pub(super) up: bool,
    pub(super) down: bool,
}

/// What is known of one leg.
struct Seen {
    transport: Transport,
    step: Step,
    turn: Option<Turn>,
    /// The leg it takes the session over from, from its ask until that one's death; and what was under way at the ask.
    old: Option<(LegNumber, UnderWay)>,
    /// The active leg that died before this one asked. It becomes a switch if this one asks.
    early: Option<(LegNumber, Step, UnderWay)>,
    confirmed_at: Time,
    dead: bool,
    ended: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Switches {
    /// The leg n is at n - 1.
    legs: Vec<Seen>,
    active: Option<LegNumber>,
    /// The last step that a switch reached by what was heard of its two legs, and its old leg.
    pub(super) reached: Option<(Step, LegNumber)>,
    pub(super) counts: Counts,
}

impl Switches {
    pub(super) fn opened(&mut self, transport: Transport) {
        let dead = self.active.filter(|active| self.legs[place(*active)].dead);
        self.legs.push(Seen {
            transport,
            step: Step::Opening,
            turn: None,
            old: None,
            early: dead.map(|active| (active, Step::Before, UnderWay::default())),
            confirmed_at: Time::ZERO,
            dead: false,
            ended: false,
        });
    }

    pub(super) fn usable(&mut self, leg: LegNumber) {
        let leg = self.leg(leg);
        leg.step = leg.step.max(Step::Candidate);
    }

    /// A hello with a turn goes up. False if it is not the first with this one: [`Self::asked`] need not be told.
    pub(super) fn asks(&mut self, leg: LegNumber, turn: Turn) -> bool {
        let seen = self.leg(leg);
        let first = Some(turn) > seen.turn;
        seen.turn = seen.turn.max(Some(turn));
        first
    }

    pub(super) fn asked(&mut self, leg: LegNumber, under_way: UnderWay) {
        let active = self.active.filter(|active| *active != leg);
        let seen = self.leg(leg);
        (seen.step, seen.old) = (Step::Asked, None);
        let early = seen.early.take();
        let Some(active) = active.filter(|_| !seen.dead) else { return };
        match early.filter(|(old, ..)| *old == active) {
            Some((old, Step::Before, _)) => self.count(place(old), place(leg), Step::Before, under_way),
            Some((old, step, then)) => self.count(place(old), place(leg), step, then),
            None => self.leg(leg).old = (!self.leg(active).dead).then_some((active, under_way)),
        }
    }

    /// Whether any leg has asked and was not granted.
    pub(super) fn awaits(&self) -> bool {
        self.legs.iter().any(|leg| leg.step == Step::Asked && !leg.dead)
    }

    pub(super) fn granted(&mut self, leg: LegNumber) {
        let leg = &mut self.legs[place(leg)];
        if leg.step == Step::Asked {
            leg.step = Step::Granted;
            self.reached = leg.old.map(|(old, _)| (Step::Granted, old));
        }
    }

    /// The welcome that confirms was read. Who asked before has lost; who asked since takes over from this leg.
    pub(super) fn active(&mut self, now: Time, leg: LegNumber) {
        let (turn, dead) = (self.leg(leg).turn, self.leg(leg).dead);
        for other in self.legs.iter_mut().filter(|other| matches!(other.step, Step::Asked | Step::Granted)) {
            if other.turn < turn {
                (other.old, other.step) = (None, Step::Candidate);
            } else if other.turn > turn {
                other.old = other.old.map(|(_, at_ask)| (leg, at_ask)).filter(|_| !dead);
            }
        }
        let seen = &mut self.legs[place(leg)];
        (seen.step, seen.confirmed_at) = (Step::Confirmed, now);
        self.reached = seen.old.map(|(old, _)| (Step::Confirmed, old));
        self.active = Some(leg);
    }

    /// The client closed a leg: it read its `end`, waited for that long enough, or found it dead.
    pub(super) fn closed(&mut self, now: Time, leg: LegNumber, why: &str, under_way: UnderWay) {
        match why {
            "replaced" => {
                self.leg(leg).ended = true;
                for new in 0..self.legs.len() {
                    let seen = &mut self.legs[new];
                    let Some((_, at_ask)) = seen.old.filter(|(old, _)| *old == leg) else {
                        continue;
                    };
                    if seen.step == Step::Confirmed && now >= seen.confirmed_at + LOSER_READ {
                        seen.old = None;
                    } else {
                        self.reached = Some((Step::Ended, leg));
                        self.count(place(leg), new, Step::Lived, at_ask);
                    }
                }
            }
            "gone" => {
                self.active = None;
                self.legs.iter_mut().for_each(|leg| leg.dead = true);
            }
            _ => self.dies(leg, under_way),
        }
    }

    /// The network cut a leg, or an end gave it up. It dies once.
    pub(super) fn dies(&mut self, leg: LegNumber, under_way: UnderWay) {
        let seen = self.leg(leg);
        if std::mem::replace(&mut seen.dead, true) {
            return;
        }
        // A switch whose new leg died first is none.
        (seen.old, seen.early) = (None, None);
        let ended = seen.ended;
        for new in 0..self.legs.len() {
            let seen = &mut self.legs[new];
            if seen.old.take_if(|(old, _)| *old == leg).is_some() {
                let step = if ended { Step::Ended } else { seen.step };
                self.count(place(leg), new, step, under_way);
            } else if self.active == Some(leg) && new != place(leg) && !seen.dead && !seen.ended {
                seen.early = Some((leg, seen.step.min(Step::Candidate), under_way));
            }
        }
    }

    fn count(&mut self, old: usize, new: usize, step: Step, under_way: UnderWay) {
        let pair = pair(self.legs[old].transport, self.legs[new].transport);
        let [up, down] = &mut self.counts.0[pair][step as usize];
        *up += u64::from(under_way.up);
        *down += u64::from(under_way.down);
    }

    fn leg(&mut self, leg: LegNumber) -> &mut Seen {
        &mut self.legs[place(leg)]
    }
}

/// Where the leg of this number is.
const fn place(leg: LegNumber) -> usize {
    leg.0 as usize - 1
}

/// Where the switches from this transport to that one are.
const fn pair(from: Transport, to: Transport) -> usize {
    from.place() * Transport::ALL.len() + to.place()
}

/// How often each combination occurred: by the pair of transports, by the step, with lines under way up, and down.
#[derive(Default)]
pub(super) struct Counts([[[u64; 2]; Step::ALL.len()]; Transport::ALL.len() * Transport::ALL.len()]);

impl simulation::Counts for Counts {
    fn each(&mut self) -> impl Iterator<Item = &mut u64> {
        self.0.iter_mut().flatten().flatten()
    }
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "old leg to new one, with lines under way up/down, by where the old leg died:")?;
        for (from, to) in Transport::ALL.iter().flat_map(|from| Transport::ALL.map(|to| (*from, to))) {
            write!(f, "\n{from} to {to}:")?;
            for step in Step::ALL {
                let [up, down] = self.0[pair(from, to)][step as usize];
                write!(f, " {step:?} {up}/{down}")?;
            }
        }
        Ok(())
    }
}

/// The turn that a line asks for, if it is a hello that asks.
pub(super) fn asked_turn(line: &[u8]) -> Option<Turn> {
    let hello = std::str::from_utf8(line).ok()?.strip_prefix(r#"{"hello":"#)?;
    let (_, turn) = hello.split_once(r#""turn":"#)?;
    Turn::new(turn.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()?)
}
