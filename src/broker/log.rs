//! The requests of the hub to a broker, and the broker's answers. The rules of both stand in the head of this folder.
//!
//! It must never know how a broker stores anything.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::protocol::frame::Payload;
use crate::protocol::{ChannelName, Line, Position};

/// Names one request to a log, so that its answer finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    /// The channel's life at the hub: a channel that is forgotten and made again must not hear old answers.
    pub life: u64,
    /// The request within this life.
    pub number: u64,
}

/// Publications that follow each other in one epoch, without a hole.
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
    /// The offset of the last publication; without any, the offset before the first.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.before + self.items.len() as u64
    }

    /// Whether this place lies on the stretch: at its beginning, within it, or at its end.
    #[must_use]
    pub fn holds(&self, epoch: &str, at: u64) -> bool {
        *self.epoch == *epoch && (self.before..=self.end()).contains(&at)
    }

    /// The publications after an offset that the stretch holds.
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

/// The answer to a request, if there is one within the call.
#[derive(Debug)]
pub enum Answer<T> {
    /// There is one.
    Now(Result<T, Failure>),
    /// It comes by an [`Event`], or never.
    Later,
}

/// News of a channel from a broker that does not answer within the call.
#[derive(Debug)]
pub enum Event {
    /// An append is done. Of its publications only the position is told: the message brings them.
    Appended {
        /// The append.
        ticket: Ticket,
        /// The offset of its first publication.
        first: u64,
    },
    /// The answer to a fetch.
    Fetched(Ticket, Vec<Stretch<Payload>>),
    /// A request failed.
    Failed(Ticket, Failure),
    /// A message.
    Heard(Stretch<Payload>),
    /// Messages may have been lost. From now on they come again.
    Interrupted,
}

/// Makes the line of the publication at this offset.
pub type Encode<'a> = &'a mut dyn FnMut(u64, &Payload) -> Line;

/// One channel's log. The hub calls it under the channel's lock, so it must not wait and must not call the hub.
pub trait Log: Send {
    /// Appends all of these, or none.
    ///
    /// A broker that answers within the call encodes each once, by `encode`, and keeps that line as its history. Any other
    /// one copies the payloads and does not encode.
    fn append(
        &mut self,
        now: Duration,
        ticket: Ticket,
        payloads: &mut dyn Iterator<Item = &Payload>,
        encode: Encode<'_>,
    ) -> Answer<Stretch<Line>>;

    /// Reads the publications after these positions, and where the log stands.
    fn fetch(&mut self, now: Duration, ticket: Ticket, after: &[Position]) -> Answer<Vec<Stretch<Line>>>;

    /// Messages are wanted from now on.
    fn watch(&mut self);

    /// Messages are not wanted any more.
    fn unwatch(&mut self);

    /// Whether this node holds nothing of the log that it must keep: it may forget the log once nobody uses it.
    fn is_blank(&self) -> bool;

    /// The same, once what is too old was dropped.
    fn is_idle(&mut self, now: Duration) -> bool;
}

/// Gives each channel its log.
pub trait Broker: Send + Sync {
    /// The log of a channel that the hub begins to use. The hub drops it when it forgets the channel.
    fn open(&self, now: Duration, channel: &ChannelName) -> Box<dyn Log>;

    /// How often the hub compares its position with the log's. `None`: no message is ever lost.
    fn check_every(&self) -> Option<Duration>;

    /// The next event of any channel. One caller asks at a time. A broker that answers within the call never has one.
    fn poll_event(&self, cx: &mut Context<'_>) -> Poll<(ChannelName, Event)>;
}
