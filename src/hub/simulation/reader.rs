//! A subscriber that checks its lines: each offset comes at most once and in order, and every hole is announced.

use super::counts::State;
use super::truth::{KEPT, Truth, parts};
use crate::broker::Ticket;
use crate::hub::events::{Deliveries, Delivery, Start};
use crate::protocol::{Line, Position};

/// The most unread lines. With one more, the subscriber is cut off.
const QUEUE: usize = 16;

/// Its relation to the channel.
#[derive(Clone, PartialEq, Eq)]
enum Stand {
    Away,
    /// It waits for the answer to this request.
    Joining(Ticket),
    /// Everything up to here came.
    Live(Position),
    CutOff,
}

/// A subscriber of a schedule.
pub(super) struct Reader {
    pub(super) key: u64,
    stand: Stand,
    /// The position from which it asked to start.
    since: Option<Position>,
    /// The last line that it has read.
    read: Option<Position>,
    /// The number of lines that came and are unread.
    unread: usize,
    /// It will read its queue at some time.
    pub(super) will_read: bool,
}

impl Reader {
    pub(super) const fn new(key: u64) -> Self {
        Self { key, stand: Stand::Away, since: None, read: None, unread: 0, will_read: false }
    }

    /// Returns how many lines it accepts at its start.
    pub(super) const fn room() -> usize {
        QUEUE / 2
    }

    pub(super) fn state(&self, is_anybody_live: bool) -> State {
        match self.stand {
            Stand::Away => State::Away,
            Stand::Joining(_) if is_anybody_live => State::JoiningBeside,
            Stand::Joining(_) => State::JoiningAlone,
            Stand::Live(_) if self.unread >= QUEUE / 2 => State::Behind,
            Stand::Live(_) => State::Live,
            Stand::CutOff => State::CutOff,
        }
    }

    pub(super) const fn is_live(&self) -> bool {
        matches!(self.stand, Stand::Live(_))
    }

    pub(super) const fn is_joining(&self) -> bool {
        matches!(self.stand, Stand::Joining(_))
    }

    pub(super) const fn read_up_to(&self) -> Option<&Position> {
        self.read.as_ref()
    }

    /// Requests a subscription. From now on it ignores everything of an earlier one.
    pub(super) fn asks(&mut self, ticket: Ticket, since: Option<Position>) {
        (self.stand, self.since, self.unread) = (Stand::Joining(ticket), since, 0);
    }

    /// Leaves by its own decision.
    pub(super) fn leaves(&mut self) {
        (self.stand, self.unread) = (Stand::Away, 0);
    }

    /// Notes that a request was refused. Returns true if it waited for that request.
    pub(super) fn refused(&mut self, ticket: Ticket) -> bool {
        let is_mine = self.stand == Stand::Joining(ticket);
        if is_mine {
            self.stand = Stand::Away;
        }
        is_mine
    }

    /// Checks the answer to its request. `must_recover`: the machine had room for everything that it had to hold.
    pub(super) fn started(
        &mut self,
        ticket: Ticket,
        start: Start,
        missed: &Deliveries,
        truth: &Truth,
        must_recover: bool,
    ) -> Result<(), String> {
        if self.stand != Stand::Joining(ticket) {
            return Err(format!("subscriber {} is started, and did not ask with {ticket:?}", self.key));
        }
        let Start { position, recovered } = start;
        if recovered && (self.since.as_ref() != Some(&position) || !truth.is_reached(&position)) {
            return Err(format!("{position:?} is said to be recovered; {:?} was asked for", self.since));
        }
        if let Some(since) = self.since.as_ref().filter(|_| !recovered && must_recover && !truth.has_lost) {
            let is_short = |missed: &u64| *missed <= Self::room() as u64;
            if truth.missed(&since.epoch, since.at).as_ref().is_some_and(is_short) {
                return Err(format!("{since:?} was not recovered, and all after it was there"));
            }
        }
        if !recovered && !missed.is_empty() {
            return Err("lines came before a start that recovers nothing".to_owned());
        }
        self.stand = Stand::Live(position);
        missed.iter().try_for_each(|part| self.takes(part, truth))
    }

    /// Checks a part of the channel's lines.
    pub(super) fn takes(&mut self, part: &Delivery, truth: &Truth) -> Result<(), String> {
        match part {
            Delivery::Lines(lines) => lines.iter().try_for_each(|line| self.line(line, truth)),
            Delivery::Reset { position, recovered } => self.reset(position, *recovered, truth),
        }
    }

    fn line(&mut self, line: &Line, truth: &Truth) -> Result<(), String> {
        let Stand::Live(last) = &mut self.stand else {
            return Err(format!("subscriber {} got a line, and is not live", self.key));
        };
        let (epoch, at, content) = parts(line).ok_or("a line from nowhere")?;
        if *epoch != *last.epoch || at != last.at + 1 {
            return Err(format!("subscriber {} got {epoch}:{at} after {last:?}", self.key));
        }
        if truth.content(epoch, at) != Some(content) {
            return Err(format!("{epoch}:{at} came with another content"));
        }
        last.at = at;
        self.unread += 1;
        Ok(())
    }

    fn reset(&mut self, position: &Position, recovered: bool, truth: &Truth) -> Result<(), String> {
        let Stand::Live(last) = &mut self.stand else {
            return Err(format!("subscriber {} got a reset, and is not live", self.key));
        };
        if recovered && !truth.continues(last, position) {
            return Err(format!("nothing is said to be missing between {last:?} and {position:?}"));
        }
        let is_near = truth.missed(&last.epoch, last.at).is_some_and(|missed| missed < KEPT / 2);
        if !recovered && !truth.has_lost && is_near {
            return Err(format!("subscriber {} was reset at {last:?} without need", self.key));
        }
        *last = position.clone();
        Ok(())
    }

    /// Returns true if more lines wait than the queue holds. Then it is cut off, and loses its unread lines.
    pub(super) fn is_cut_off(&mut self) -> bool {
        let is_over = self.unread > QUEUE && self.is_live();
        if is_over {
            (self.stand, self.unread) = (Stand::CutOff, 0);
        }
        is_over
    }

    /// Reads all that came.
    pub(super) fn reads(&mut self) {
        self.will_read = false;
        if let Stand::Live(last) = &self.stand {
            (self.read, self.unread) = (Some(last.clone()), 0);
        }
    }

    pub(super) const fn wants_to_read(&self) -> bool {
        self.is_live() && self.unread > 0 && !self.will_read
    }

    /// Returns true if it is live and has everything.
    pub(super) fn is_current(&self, end: &Position) -> bool {
        matches!(&self.stand, Stand::Live(last) if last == end)
    }
}
