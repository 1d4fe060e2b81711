//! The inputs and outputs of a channel's machine.
//!
//! Pure data. It must never name a lock, a clock or the shell around the machine.

use std::time::Duration;

use smallvec::SmallVec;

use crate::broker::{Failure, Stretch, Ticket};
use crate::protocol::{Line, Position};

/// Where a subscription starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Publications follow from the one after this.
    pub position: Position,
    /// A position was asked for, and all after it is there.
    pub recovered: bool,
}

/// How much of its missed publications a subscriber takes at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) frames: usize,
    pub(super) bytes: usize,
}

/// A subscription that a caller asks for.
pub(super) struct Wish<S> {
    /// The answer carries it.
    pub(super) ticket: Ticket,
    /// Names the subscriber in this channel. Its earlier subscription ends.
    pub(super) key: u64,
    pub(super) subscriber: S,
    pub(super) since: Option<Position>,
    pub(super) room: Room,
}

/// Something that happens to a channel.
pub(super) enum Input<S> {
    /// A caller publishes. The payloads stay with the caller.
    Publish(Ticket),
    Subscribe(Wish<S>),
    /// The subscription of this key ends, if there is one.
    Unsubscribe(u64),
    /// An append is done, and its first publication has this offset. The broker's message brings the publications.
    Appended(Ticket, u64),
    /// An append is done, and the broker's answer is the message too.
    Stored(Ticket, Stretch<Line>),
    /// A fetch is answered.
    Fetched(Ticket, Vec<Stretch<Line>>),
    /// An append or a fetch failed.
    Failed(Ticket, Failure),
    /// The broker's message about publications, of this node or of another one.
    Heard(Stretch<Line>),
    /// Messages may have been lost.
    Interrupted,
    /// The moment of [`super::channel::Channel::poll_timeout`] has come.
    Timeout,
}

/// A part of a subscriber's lines, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Publications that follow the last one without a hole.
    Lines(Vec<Line>),
    /// The order breaks here: publications follow from another position. `recovered`: nothing is missing before it.
    Reset { position: Position, recovered: bool },
}

/// The parts of a delivery. As a rule there is none.
pub(super) type Deliveries = Vec<Delivery>;

/// Something that the shell carries out.
pub(super) enum Output {
    /// The broker gives offsets to the publications of this ticket.
    Append(Ticket),
    /// The broker reads the publications after these positions.
    Fetch(Ticket, Vec<Position>),
    /// The broker sends messages from now on.
    Watch,
    /// The broker sends messages no longer.
    Unwatch,
    /// For every subscriber that was live before this input.
    Deliver(Delivery),
    /// The answer to a publication: the offset of the first.
    Published(Ticket, Result<u64, Failure>),
    /// The answer to a subscription. The subscriber gets it, then its missed publications, and is live from the next input on.
    /// [`super::channel::Channel::started`] knows it by `which`.
    Started { ticket: Ticket, which: usize, start: Start, missed: Deliveries },
    /// The answer to a subscription that does not begin.
    Refused(Ticket, Failure),
}

/// The outputs of one input, in order.
pub(super) type Outputs = SmallVec<[Output; 2]>;

/// The bounds and times of a channel's machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    /// Appends under way; above it a publication is refused at once.
    pub(super) appends: usize,
    /// Subscribers whose history one fetch brings; others wait for the next one.
    pub(super) joiners: usize,
    /// Publications that are held back while a fetch is under way, and their bytes.
    pub(super) held: Room,
    /// A request to the broker that has no answer by then is given up.
    pub(super) patience: Duration,
    /// The pause before a fetch is tried again: the first one, and the longest one. It doubles.
    pub(super) pause: [Duration; 2],
    /// How often the position is compared with the log's. `None`: no message is ever lost.
    pub(super) check_every: Option<Duration>,
}
