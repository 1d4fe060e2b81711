//! The log of one channel as it really is: a model of a broker's storage that may lose its last writes.
//!
//! Every invariant is checked against it. The machine under test never sees it.

use std::sync::Arc;

use crate::broker::Stretch;
use crate::protocol::{Line, Position};

/// How many of the newest publications stay.
pub(super) const KEPT: u64 = 40;

/// One epoch.
struct Epoch {
    name: Arc<str>,
    /// The epoch before it, and the offset up to which the storage still had that one.
    parent: Option<(usize, u64)>,
    /// All publications that it ever had, including those that were lost since.
    contents: Vec<u64>,
}

/// The true log of one channel.
pub(super) struct Truth {
    epochs: Vec<Epoch>,
    /// The channel's number, from which its epochs get their names.
    channel: usize,
    pub(super) has_lost: bool,
}

/// Returns the line of a publication. The machine does not read lines, so this one names its own place.
fn line(epoch: &str, at: u64, content: u64) -> Line {
    Line::compose(|buffer| buffer.extend_from_slice(format!("{epoch}:{at}:{content}").as_bytes()))
}

/// Returns the epoch, the offset and the content of a line.
pub(super) fn parts(line: &Line) -> Option<(&str, u64, u64)> {
    let mut parts = std::str::from_utf8(line.json()).ok()?.split(':');
    Some((parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

impl Truth {
    pub(super) fn new(channel: usize) -> Self {
        let mut truth = Self { epochs: Vec::new(), channel, has_lost: false };
        truth.begin(None);
        truth
    }

    fn begin(&mut self, parent: Option<(usize, u64)>) {
        let name = format!("{}e{}", self.channel, self.epochs.len()).into();
        self.epochs.push(Epoch { name, parent, contents: Vec::new() });
    }

    fn newest(&mut self) -> &mut Epoch {
        let last = self.epochs.len() - 1;
        &mut self.epochs[last]
    }

    /// Stores publications, and returns the message about them.
    pub(super) fn append(&mut self, contents: &[u64]) -> Stretch<Line> {
        let epoch = self.newest();
        let before = epoch.contents.len() as u64;
        epoch.contents.extend_from_slice(contents);
        let items = (before + 1..).zip(contents).map(|(at, content)| line(&epoch.name, at, *content)).collect();
        Stretch { epoch: Arc::clone(&epoch.name), before, items }
    }

    /// Loses the last writes of the newest epoch. Returns false if there are none.
    pub(super) fn lose(&mut self, count: u64) -> bool {
        let last = self.epochs.len() - 1;
        let length = self.epochs[last].contents.len() as u64;
        if length == 0 {
            return false;
        }
        self.begin(Some((last, length.saturating_sub(count))));
        self.has_lost = true;
        true
    }

    /// Returns the epochs that the storage has now, oldest first, and how much of each.
    fn chain(&self) -> Vec<(usize, u64)> {
        let last = self.epochs.len() - 1;
        let mut chain = vec![(last, self.epochs[last].contents.len() as u64)];
        while let Some((parent, cut)) = chain.last().and_then(|(epoch, _)| self.epochs[*epoch].parent) {
            chain.push((parent, cut));
        }
        chain.reverse();
        chain
    }

    /// Returns how many publications the storage has up to a position, or `None` if the position is not in it.
    fn distance_of(&self, chain: &[(usize, u64)], epoch: &str, at: u64) -> Option<u64> {
        let mut before = 0;
        for (place, length) in chain {
            if *self.epochs[*place].name == *epoch {
                return (at <= *length).then_some(before + at);
            }
            before += length;
        }
        None
    }

    /// Returns how many publications follow a position, if the storage can prove the position.
    pub(super) fn missed(&self, epoch: &str, at: u64) -> Option<u64> {
        let chain = self.chain();
        let all: u64 = chain.iter().map(|(_, length)| length).sum();
        self.distance_of(&chain, epoch, at).map(|place| all - place).filter(|missed| *missed <= KEPT)
    }

    /// Returns the answer to a fetch.
    pub(super) fn fetch(&self, after: &[Position]) -> Vec<Stretch<Line>> {
        let proven = after.iter().filter_map(|position| Some((self.missed(&position.epoch, position.at)?, position)));
        // If two positions lie between the same publications, the one in the older epoch comes first.
        let first = proven.max_by_key(|(missed, position)| (*missed, std::cmp::Reverse(self.place(&position.epoch))));
        let chain = self.chain();
        let Some((_, first)) = first else {
            let (epoch, length) = chain[chain.len() - 1];
            return vec![Stretch { epoch: Arc::clone(&self.epochs[epoch].name), before: length, items: Vec::new() }];
        };
        let begin = chain.iter().position(|(epoch, _)| *self.epochs[*epoch].name == *first.epoch).unwrap_or(0);
        let stretch = |(index, (epoch, length)): (usize, &(usize, u64))| {
            let Epoch { name, contents, .. } = &self.epochs[*epoch];
            let before = if index == 0 { first.at } else { 0 };
            let items = (before + 1..=*length).map(|at| line(name, at, contents[offset(at)])).collect();
            Stretch { epoch: Arc::clone(name), before, items }
        };
        chain[begin..].iter().enumerate().map(stretch).collect()
    }

    fn place(&self, epoch: &str) -> usize {
        self.epochs.iter().position(|known| *known.name == *epoch).unwrap_or(usize::MAX)
    }

    /// Returns the publication at a position, even if it was lost since.
    pub(super) fn content(&self, epoch: &str, at: u64) -> Option<u64> {
        self.epochs.get(self.place(epoch))?.contents.get(offset(at)).copied()
    }

    /// Returns true if a position was ever reached.
    pub(super) fn is_reached(&self, position: &Position) -> bool {
        let epoch = self.epochs.get(self.place(&position.epoch));
        epoch.is_some_and(|epoch| position.at <= epoch.contents.len() as u64)
    }

    /// Returns true if the publications of `next` follow those up to `last` without a hole.
    pub(super) fn continues(&self, last: &Position, next: &Position) -> bool {
        let parent = self.epochs.get(self.place(&next.epoch)).and_then(|epoch| epoch.parent);
        next.at == 0 && parent.is_some_and(|parent| parent == (self.place(&last.epoch), last.at))
    }

    /// Returns the end of the storage's log.
    pub(super) fn end(&self) -> Position {
        let last = &self.epochs[self.epochs.len() - 1];
        Position { epoch: last.name.as_ref().to_owned(), at: last.contents.len() as u64 }
    }
}

/// Returns the index of an offset's publication in its list.
fn offset(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX).wrapping_sub(1)
}
