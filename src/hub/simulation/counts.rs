//! The record of the faults: each fault, and the state of each subscriber of the channel when it struck.
//!
//! It shows that the schedules produce every pair. An invariant must never use it.

use std::fmt;

use crate::simulation;

/// A mistake or a misfortune of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// An answer or a message comes up to three seconds late.
    Late,
    /// An answer comes before an earlier one of another channel.
    Overtaken,
    /// An answer or a message comes twice.
    Twice,
    /// An answer never comes.
    Never,
    /// A request fails.
    Error,
    /// The storage loses its last writes.
    LostWrites,
    /// A message is lost, and the broker does not know.
    Unheard,
    /// Messages are lost for a while, and the broker says so.
    Interrupted,
}

impl Fault {
    const ALL: [Self; 8] = [
        Self::Late,
        Self::Overtaken,
        Self::Twice,
        Self::Never,
        Self::Error,
        Self::LostWrites,
        Self::Unheard,
        Self::Interrupted,
    ];
}

/// The state of a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is not subscribed.
    Away,
    /// It waits for its start, and the channel has no live subscriber.
    JoiningAlone,
    /// It waits for its start beside live ones.
    JoiningBeside,
    /// It reads as fast as lines come.
    Live,
    /// It is live, and half of its queue is full.
    Behind,
    /// It fell too far behind, and comes back for the rest.
    CutOff,
}

impl State {
    const ALL: [Self; 6] =
        [Self::Away, Self::JoiningAlone, Self::JoiningBeside, Self::Live, Self::Behind, Self::CutOff];
}

/// How often each fault struck a subscriber in each state.
#[derive(Default)]
pub(super) struct Counts([[u64; State::ALL.len()]; Fault::ALL.len()]);

impl Counts {
    pub(super) fn note(&mut self, fault: Fault, state: State) {
        self.0[fault as usize][state as usize] += 1;
    }
}

impl simulation::Counts for Counts {
    fn each(&mut self) -> impl Iterator<Item = &mut u64> {
        self.0.iter_mut().flatten()
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "how often a fault struck a subscriber, by its state:")?;
        for fault in Fault::ALL {
            write!(f, "\n{fault:?}:")?;
            for state in State::ALL {
                write!(f, " {state:?} {}", self.0[fault as usize][state as usize])?;
            }
        }
        Ok(())
    }
}
