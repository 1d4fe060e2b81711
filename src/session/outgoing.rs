//! Frames on their way to the other end, kept until it acknowledges them.
//!
//! A frame gets its number when it is first handed to a leg (rule 10). Until then it waits at the tail. Numbers are
//! given in order, so a frame's place implies its number, and no number is stored.
//!
//! The client's half has a twin of it, `client-js/src/session/outgoing.js`.

use std::collections::VecDeque;

use crate::protocol::{Line, Seq};

/// The numbered frames that are not acknowledged, and behind them the frames that no leg has.
#[derive(Debug, Default)]
pub struct Outgoing {
    lines: VecDeque<Line>,
    bytes: usize,
    /// The number before the first kept line. The lines up to it are acknowledged or dropped.
    settled: Seq,
    /// The greatest number handed to any leg.
    sent: Seq,
}

/// An acknowledgement of a number that was never handed to a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{received} is acknowledged, but only {sent} were sent")]
pub struct BeyondSent {
    /// The number that the other end states.
    pub received: Seq,
    /// The greatest number that it can have.
    pub sent: Seq,
}

impl Outgoing {
    /// Adds a frame at the end.
    pub fn push(&mut self, line: Line) {
        self.bytes += line.cost();
        self.lines.push_back(line);
    }

    /// Forgets the frames that the other end has. A lower number than before is late, not an error (rule 7).
    ///
    /// # Errors
    /// [`BeyondSent`] for a number that was never sent. It changes nothing.
    pub fn acknowledge(&mut self, received: Seq) -> Result<(), BeyondSent> {
        if received > self.sent {
            return Err(BeyondSent { received, sent: self.sent });
        }
        while self.settled < received {
            self.drop_first();
        }
        if self.lines.is_empty() && self.lines.capacity() > 64 {
            self.lines = VecDeque::new();
        }
        Ok(())
    }

    /// Drops the oldest unacknowledged frame: an overrun. The frame counts as sent, so that its number is never
    /// given again.
    pub fn drop_first(&mut self) {
        if let Some(line) = self.lines.pop_front() {
            self.bytes -= line.cost();
            self.settled = self.settled.next();
            self.sent = self.sent.max(self.settled);
        }
    }

    /// Hands out the frame with this number if it costs less than `room`. The frame counts as sent from then on.
    pub fn hand_out(&mut self, number: Seq, room: usize) -> Option<&Line> {
        let place = number.checked_since(self.lowest())?;
        let line = self.lines.get(usize::try_from(place).ok()?).filter(|line| line.cost() < room)?;
        self.sent = self.sent.max(number);
        Some(line)
    }

    /// Returns the oldest kept frame, if a leg has it.
    pub fn oldest(&self) -> Option<&Line> {
        self.lines.front().filter(|_| self.sent > self.settled)
    }

    /// Replaces the oldest frame under its number, because the other end may have it (rule 10).
    pub fn replace_oldest(&mut self, line: Line) {
        if let Some(oldest) = self.lines.front_mut() {
            self.bytes = self.bytes - oldest.cost() + line.cost();
            *oldest = line;
        }
    }

    /// Moves the oldest frame to the end, which changes the meaning of all numbers. Only a mutant does this.
    #[cfg(test)]
    pub(super) fn renumber_oldest(&mut self) {
        self.lines.rotate_left(1.min(self.lines.len()));
    }

    /// Returns the bytes of the frames from this number on, up to and including the frame that fills the room.
    pub fn bytes_from(&self, number: Seq, room: usize) -> usize {
        let place = number.checked_since(self.lowest()).unwrap_or(0);
        let mut bytes = 0;
        for line in self.lines.iter().skip(usize::try_from(place).unwrap_or(usize::MAX)) {
            if bytes >= room {
                break;
            }
            bytes += line.cost();
        }
        bytes
    }

    /// Gives up the numbering. Returns the frames that a leg has; the others stay, and start at 1.
    pub fn restart(&mut self) -> Vec<Line> {
        let handed = usize::try_from(self.sent.since(self.settled)).unwrap_or(usize::MAX).min(self.lines.len());
        let unknown: Vec<Line> = self.lines.drain(..handed).collect();
        self.bytes -= unknown.iter().map(Line::cost).sum::<usize>();
        self.settled = Seq::NONE;
        self.sent = Seq::NONE;
        unknown
    }

    /// Returns the lowest number that can be sent: all below it is acknowledged or dropped.
    #[must_use]
    pub const fn lowest(&self) -> Seq {
        self.settled.next()
    }

    /// Returns the number that the last frame has or will have.
    #[must_use]
    pub fn last(&self) -> Seq {
        self.settled.plus(self.lines.len() as u64)
    }

    /// Returns the greatest number handed to any leg.
    #[must_use]
    pub const fn sent(&self) -> Seq {
        self.sent
    }

    /// Returns the number of kept frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.lines.len()
    }

    /// Returns its part of the memory of these frames: a line that others keep as well counts by its part.
    #[must_use]
    pub fn own_bytes(&self) -> usize {
        self.lines.iter().map(|line| line.cost() / line.holders() + size_of::<Line>()).sum()
    }

    /// Returns the bytes of the kept frames.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::compose(|buffer| buffer.extend_from_slice(text.as_bytes()))
    }

    #[test]
    fn numbers_are_places_and_an_acknowledgement_never_goes_beyond_what_was_sent() {
        let mut outgoing = Outgoing::default();
        for text in ["a", "bb", "ccc"] {
            outgoing.push(line(text));
        }
        assert_eq!(outgoing.acknowledge(Seq(1)), Err(BeyondSent { received: Seq(1), sent: Seq::NONE }));
        assert_eq!(outgoing.hand_out(Seq(2), 9).map(Line::cost), Some(2));
        assert_eq!(outgoing.acknowledge(Seq(2)), Ok(()));
        assert_eq!(outgoing.acknowledge(Seq(1)), Ok(()));
        assert_eq!((outgoing.lowest(), outgoing.last(), outgoing.bytes()), (Seq(3), Seq(3), 3));
        assert!(outgoing.hand_out(Seq(2), 9).is_none() && outgoing.hand_out(Seq(4), 9).is_none());
    }

    #[test]
    fn the_bytes_of_a_write_end_with_the_line_that_fills_its_room() {
        let mut outgoing = Outgoing::default();
        for text in ["a", "bb", "ccc"] {
            outgoing.push(line(text));
        }
        outgoing.drop_first();
        let bytes = |number, room| outgoing.bytes_from(Seq(number), room);
        assert_eq!((bytes(2, 9), bytes(2, 2), bytes(2, 3), bytes(3, 1)), (5, 2, 5, 3));
        assert_eq!((bytes(4, 9), bytes(9, 9)), (0, 0));
    }

    #[test]
    fn a_filler_takes_the_number_of_the_oldest_frame_that_a_leg_took() {
        let mut outgoing = Outgoing::default();
        for text in ["aaaa", "b"] {
            outgoing.push(line(text));
        }
        assert_eq!(outgoing.oldest(), None);
        outgoing.hand_out(Seq(1), 9);
        assert_eq!(outgoing.oldest().map(Line::cost), Some(4));
        outgoing.replace_oldest(line("ff"));
        assert_eq!((outgoing.lowest(), outgoing.last(), outgoing.bytes()), (Seq(1), Seq(2), 3));
        assert_eq!(outgoing.hand_out(Seq(1), 9).map(Line::json), Some(&b"ff"[..]));
        assert_eq!(outgoing.acknowledge(Seq(1)), Ok(()));
        assert_eq!(outgoing.oldest(), None);
    }

    #[test]
    fn a_dropped_frame_keeps_its_number() {
        let mut outgoing = Outgoing::default();
        outgoing.push(line("a"));
        outgoing.push(line("b"));
        outgoing.drop_first();
        assert_eq!((outgoing.lowest(), outgoing.sent()), (Seq(2), Seq(1)));
    }

    #[test]
    fn a_restart_tells_handed_frames_from_those_that_never_left() {
        let mut outgoing = Outgoing::default();
        for text in ["a", "b", "c"] {
            outgoing.push(line(text));
        }
        outgoing.hand_out(Seq(2), 9);
        assert_eq!(outgoing.restart().len(), 2);
        assert_eq!((outgoing.lowest(), outgoing.last(), outgoing.bytes()), (Seq(1), Seq(1), 1));
    }
}
