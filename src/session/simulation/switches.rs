//! The record of the switches. For each one it notes the two transports, the step at which the old leg died, and what
//! was under way then.
//!
//! The record shows that the schedules produce every combination. A schedule may use it to direct its faults. An
//! invariant must never use it, because it knows what each end believes.

use crate::protocol::{LegNumber, Transport, Turn};
use crate::session::Time;
use crate::session::client::LOSER_READ;
use crate::simulation;

/// How far the new leg had got when the old one died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// The new leg was not opened yet: the client resumes after a dead leg.
    Before,
    /// The new leg's first welcome was not read yet.
    Opening,
    /// The new leg was a candidate that had not requested a turn.
    Candidate,
    /// The new leg had requested a turn, and the server had not granted it.
    Asked,
    /// The server had granted the turn, and the client had not read the welcome that says so.
    Granted,
    /// The client had read the welcome, but not the old leg's `end`.
    Confirmed,
    /// The client had read the old leg's `end`. Something was still on its way up the old leg, and died with it.
    Ended,
    /// The old leg did not die: it lived until its `end` was read.
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

/// Whether a leg had taken numbered lines that had not yet arrived at its other end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UnderWay {
    pub(super) up: bool,
    pub(super) down: bool,
}

/// The record of one leg.
struct Seen {
    transport: Transport,
    step: Step,
    turn: Option<Turn>,
    /// The leg that this one takes over from, and what was under way when it requested the turn. Set from that request
    /// until the old leg's death.
    old: Option<(LegNumber, UnderWay)>,
    /// The active leg that died before this one requested a turn. It becomes a switch if this one requests a turn.
    early: Option<(LegNumber, Step, UnderWay)>,
    confirmed_at: Time,
    dead: bool,
    ended: bool,
}

/// The record of the switches of a schedule.
#[derive(Default)]
pub(super) struct Switches {
    /// Leg n has the index n - 1.
    legs: Vec<Seen>,
    active: Option<LegNumber>,
    /// The last step that a switch reached through an event on one of its two legs, and its old leg.
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

    /// Notes a hello that the client sent to request a turn. Returns false if an earlier hello of the leg requested it.
    /// In that case, do not call [`Self::asked`].
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

    /// Returns true if a leg has requested a turn that was not granted.
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

    /// Notes that the client read the welcome that confirms this leg. A leg that requested an earlier turn has lost. A
    /// leg that requested a later turn takes over from this one.
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

    /// Notes that the client closed a leg: it read the leg's `end`, waited long enough for it, or found the leg dead.
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

    /// Notes that the network cut a leg, or that an end gave it up. It dies once.
    pub(super) fn dies(&mut self, leg: LegNumber, under_way: UnderWay) {
        let seen = self.leg(leg);
        if std::mem::replace(&mut seen.dead, true) {
            return;
        }
        // If the new leg died first, there was no switch.
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

/// Returns the index of the leg with this number.
const fn place(leg: LegNumber) -> usize {
    leg.0 as usize - 1
}

/// Returns the index of the switches from this transport to that one.
const fn pair(from: Transport, to: Transport) -> usize {
    from.place() * Transport::ALL.len() + to.place()
}

/// Two counts for each pair of transports and each step: of the switches with lines under way up, and of those with
/// lines under way down.
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

/// Returns the turn that a line requests, if it is a hello that requests one.
pub(super) fn asked_turn(line: &[u8]) -> Option<Turn> {
    let hello = std::str::from_utf8(line).ok()?.strip_prefix(r#"{"hello":"#)?;
    let (_, turn) = hello.split_once(r#""turn":"#)?;
    Turn::new(turn.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()?)
}
