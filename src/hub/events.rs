//! The inputs and outputs of a channel's machine.
//!
//! Pure data. It must never name a lock, a clock or the shell around the machine.

use std::time::Duration;

use smallvec::SmallVec;

use crate::broker::{Failure, Stretch, Ticket};
use crate::protocol::limits::Room;
use crate::protocol::{Line, Position};

/// Where a subscription starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Publications follow from the offset after this position.
    pub position: Position,
    /// The caller asked for a position, and everything after it is there.
    pub recovered: bool,
}

/// A subscription that a caller wants.
pub(super) struct Wish<S> {
    /// The ticket, which the answer carries.
    pub(super) ticket: Ticket,
    /// The subscriber's name in this channel. Its earlier subscription ends.
    pub(super) key: u64,
    pub(super) subscriber: S,
    pub(super) since: Option<Position>,
    /// How much of its missed publications the subscriber accepts at once.
    pub(super) room: Room,
}

/// An input of a channel's machine.
pub(super) enum Input<S> {
    /// A caller publishes. The payloads stay with the caller.
    Publish(Ticket),
    Subscribe(Wish<S>),
    /// The subscription with this key ends, if there is one.
    Unsubscribe(u64),
    /// An append is done, and its first publication has this offset. The broker's message will bring the
    /// publications.
    Appended(Ticket, u64),
    /// An append is done, and the broker's answer serves as the message too.
    Stored(Ticket, Stretch<Line>),
    /// A fetch is answered.
    Fetched(Ticket, Vec<Stretch<Line>>),
    /// An append or a fetch failed.
    Failed(Ticket, Failure),
    /// A message of the broker brings publications of this node or of another one.
    Heard(Stretch<Line>),
    /// Messages may have been lost.
    Interrupted,
    /// The time of [`super::channel::Channel::poll_timeout`] has come.
    Timeout,
}

/// A part of a subscriber's lines, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Publications that follow the last one without a hole.
    Lines(Vec<Line>),
    /// The order breaks here, and publications follow from another position. If `recovered` is true, nothing is
    /// missing before it.
    Reset { position: Position, recovered: bool },
}

/// The parts of a delivery. There is rarely one.
pub(super) type Deliveries = Vec<Delivery>;

/// An action for the shell.
pub(super) enum Output {
    /// The broker must give offsets to the publications of this ticket.
    Append(Ticket),
    /// The broker must read the publications after these positions.
    Fetch(Ticket, Vec<Position>),
    /// The broker must send messages from now on.
    Watch,
    /// The broker must send no more messages.
    Unwatch,
    /// Every subscriber that was live before this input gets this part.
    Deliver(Delivery),
    /// The answer to a publication: the offset of its first item.
    Published(Ticket, Result<u64, Failure>),
    /// The answer to a subscription. The subscriber gets the answer, then its missed publications, and is live from
    /// the next input on. [`super::channel::Channel::started`] finds it by `which`.
    Started { ticket: Ticket, which: usize, start: Start, missed: Deliveries },
    /// The answer to a subscription that does not begin.
    Refused(Ticket, Failure),
}

/// The outputs of one input, in order.
pub(super) type Outputs = SmallVec<[Output; 2]>;

/// The bounds and times of a channel's machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    /// The maximum number of appends under way. Beyond it a publication is refused at once.
    pub(super) appends: usize,
    /// The maximum number of subscribers whose history one fetch brings. Others wait for the next fetch.
    pub(super) joiners: usize,
    /// The maximum numbers of publications, and of their bytes, that are held during a fetch.
    pub(super) held: Room,
    /// How long a request to the broker may stay without an answer before it is given up.
    pub(super) patience: Duration,
    /// The first and the longest pause before a fetch is retried. The pause doubles each time.
    pub(super) pause: [Duration; 2],
    /// How often the hub compares its position with the log's. `None` means that no message is ever lost.
    pub(super) check_every: Option<Duration>,
}
