//! The requests of the hub to a broker, and the broker's answers. The module documentation of `broker` states the
//! rules of both.
//!
//! It must never know how a broker stores anything.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::protocol::publication::Publication;
use crate::protocol::{ChannelName, Line, Position};

/// The name of one request to a log, by which its answer finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    /// The channel's life at the hub. A channel that is forgotten and created again must not accept old answers.
    pub life: u64,
    /// The request within this life.
    pub number: u64,
}

/// Consecutive publications in one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch<T> {
    /// Their epoch.
    pub epoch: Arc<str>,
    /// The offset before the first of them.
    pub before: u64,
    /// Payloads, or the lines that they are encoded as.
    pub items: Vec<T>,
}

impl<T> Stretch<T> {
    /// Returns the offset of the last publication, or without any, the offset before the first.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.before + self.items.len() as u64
    }

    /// Returns true if this place lies on the stretch: at its beginning, within it, or at its end.
    #[must_use]
    pub fn holds(&self, epoch: &str, at: u64) -> bool {
        *self.epoch == *epoch && (self.before..=self.end()).contains(&at)
    }

    /// Returns the publications after an offset that lies on the stretch.
    #[must_use]
    pub fn after(&self, at: u64) -> &[T] {
        let skipped = usize::try_from(at.saturating_sub(self.before)).unwrap_or(usize::MAX);
        self.items.get(skipped..).unwrap_or_default()
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It did not happen, and will not happen.
    NotDone,
    /// It is unknown whether it happened.
    Unknown,
}

/// The answer to a request, if it comes within the call.
#[derive(Debug)]
pub enum Answer<T> {
    /// The answer, within the call.
    Now(Result<T, Failure>),
    /// The answer comes by an [`Event`], or never.
    Later,
}

/// An event of a channel, from a broker that does not answer within the call.
#[derive(Debug)]
pub enum Event {
    /// An append is done. This states only the position: the message brings the publications.
    Appended {
        /// The append.
        ticket: Ticket,
        /// The offset of its first publication.
        first: u64,
    },
    /// The answer to a fetch.
    Fetched(Ticket, Vec<Stretch<Publication>>),
    /// A request failed.
    Failed(Ticket, Failure),
    /// A message.
    Heard(Stretch<Publication>),
    /// Messages may have been lost. The broker hears messages again from now on.
    Interrupted,
}

/// Encodes the publication at this offset.
pub type Encode<'a> = &'a mut dyn FnMut(u64, &Publication) -> Line;

/// One channel's log. The hub calls it under the channel's lock, so it must not wait and must not call the hub.
pub trait Log: Send {
    /// Appends all of these, or none.
    ///
    /// A broker that answers within the call encodes each once, by `encode`, and keeps that line as its history.
    /// Any other broker copies the publications and does not encode.
    fn append(
        &mut self,
        now: Duration,
        ticket: Ticket,
        publications: &mut dyn Iterator<Item = &Publication>,
        encode: Encode<'_>,
    ) -> Answer<Stretch<Line>>;

    /// Reads the publications after these positions, and the end of the log.
    fn fetch(&mut self, now: Duration, ticket: Ticket, after: &[Position]) -> Answer<Vec<Stretch<Line>>>;

    /// Asks for messages from now on.
    fn watch(&mut self);

    /// Ends the messages.
    fn unwatch(&mut self);

    /// Returns true if this node holds nothing of the log that it must keep. The hub may then forget the log when
    /// it is unused.
    fn is_blank(&self) -> bool;

    /// Drops what is too old, then returns the same as [`Self::is_blank`].
    fn is_idle(&mut self, now: Duration) -> bool;
}

/// Opens the log of each channel.
pub trait Broker: Send + Sync {
    /// Opens the log of a channel that the hub begins to use. The hub drops it when it forgets the channel.
    fn open(&self, now: Duration, channel: &ChannelName) -> Box<dyn Log>;

    /// Returns how often the hub must compare its position with the log's. `None` means that no message is ever
    /// lost.
    fn check_every(&self) -> Option<Duration>;

    /// Returns the next event of any channel. One caller polls at a time. A broker that answers within the call
    /// never has one.
    fn poll_event(&self, cx: &mut Context<'_>) -> Poll<(ChannelName, Event)>;
}
