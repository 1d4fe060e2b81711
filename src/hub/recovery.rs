//! Joins history and live publications: the answer to a fetch, and by offset the messages that came meanwhile.
//!
//! Pure data. It must never decide which subscriber gets a line: the channel does.

use std::sync::Arc;

use super::events::{Deliveries, Delivery};
use super::mutant::{Mutant, Mutation};
use crate::broker::Stretch;
use crate::protocol::limits::Room;
use crate::protocol::{Line, Position};

/// Messages that wait for the answer of a fetch, in the order in which they were heard.
#[derive(Debug, Default)]
pub(super) struct Held {
    messages: Vec<Stretch<Line>>,
    frames: usize,
    bytes: usize,
    /// The bound was passed, so nothing is held until the answer comes.
    is_closed: bool,
}

impl Held {
    /// Holds a message. Returns false if that passes the bound; then it holds nothing.
    pub(super) fn push(&mut self, message: Stretch<Line>, most: Room, mutation: Mutation) -> bool {
        if self.is_closed {
            return false;
        }
        self.frames += message.items.len();
        self.bytes += cost(&message.items);
        let is_over = self.frames > most.frames || self.bytes > most.bytes;
        if is_over && !mutation.is(Mutant::HeldWithoutBound) {
            *self = Self { is_closed: true, ..Self::default() };
            return false;
        }
        self.messages.push(message);
        true
    }

    #[cfg(any(test, fuzzing))]
    pub(super) const fn frames(&self) -> usize {
        self.frames
    }
}

/// A place in the log.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) epoch: Arc<str>,
    pub(super) at: u64,
}

impl Place {
    pub(super) fn position(&self) -> Position {
        Position { epoch: self.epoch.as_ref().to_owned(), at: self.at }
    }

    pub(super) fn is(&self, position: &Position) -> bool {
        self.at == position.at && *self.epoch == *position.epoch
    }
}

/// A part of the log: stretches in its order, up to the newest known publication.
pub(super) struct History {
    earlier: Vec<Stretch<Line>>,
    last: Stretch<Line>,
}

impl History {
    /// Returns the answer to a fetch, or `None` if it does not even state the end of the log.
    pub(super) fn new(mut stretches: Vec<Stretch<Line>>) -> Option<Self> {
        let last = stretches.pop()?;
        Some(Self { earlier: stretches, last })
    }

    /// Adds the messages that came meanwhile, as far as they follow without a gap. Returns false if something lies
    /// beyond a gap.
    pub(super) fn extend(&mut self, held: Held, mutation: Mutation) -> bool {
        let last = &mut self.last;
        for message in held.messages {
            if mutation.is(Mutant::MergedWithoutOffsets) {
                last.items.extend(message.items);
            } else if message.holds(&last.epoch, last.end()) {
                last.items.extend_from_slice(message.after(last.end()));
            } else if message.epoch != last.epoch || message.end() > last.end() {
                return false;
            }
        }
        true
    }

    pub(super) fn end(&self) -> Place {
        Place { epoch: Arc::clone(&self.last.epoch), at: self.last.end() }
    }

    /// Returns everything after a position, if the history proves the position.
    pub(super) fn after(&self, epoch: &str, at: u64, mutation: Mutation) -> Option<Deliveries> {
        let mut stretches = self.stretches().skip_while(|stretch| !stretch.holds(epoch, at));
        let mut parts: Deliveries = lines(stretches.next()?.after(at)).into_iter().collect();
        for stretch in stretches {
            let position = Position { epoch: stretch.epoch.as_ref().to_owned(), at: stretch.before };
            if !mutation.is(Mutant::NewEpochUntold) {
                parts.push(Delivery::Reset { position, recovered: true });
            }
            parts.extend(lines(&stretch.items));
        }
        Some(parts)
    }

    fn stretches(&self) -> impl Iterator<Item = &Stretch<Line>> {
        self.earlier.iter().chain([&self.last])
    }
}

/// Returns true if a subscriber accepts all of these at once.
pub(super) fn fits(parts: &[Delivery], room: Room) -> bool {
    let (mut frames, mut bytes) = (0, 0);
    for part in parts {
        if let Delivery::Lines(lines) = part {
            frames += lines.len();
            bytes += cost(lines);
        }
    }
    frames <= room.frames && bytes <= room.bytes
}

/// Returns a part of a delivery, unless it is empty.
fn lines(lines: &[Line]) -> Option<Delivery> {
    (!lines.is_empty()).then(|| Delivery::Lines(lines.to_vec()))
}

fn cost(lines: &[Line]) -> usize {
    lines.iter().map(Line::cost).sum()
}
