//! The stages of a command: it waits, the backend was asked, it is decided, it is done. Pure data.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::protocol::code::{Fault, Refusal};
use crate::protocol::publication::Publication;
use crate::protocol::up::Command;
use crate::protocol::{ChannelName, Position};

/// A command in a lane.
pub(in crate::node) enum Queued {
    /// The backend was not asked yet.
    Command(Command),
    /// The backend was asked.
    Asked(Asked),
}

/// The backend's answer about a command.
pub(in crate::node) enum Asked {
    Now(Decided),
    Later(Later),
}

/// A decision that comes later.
pub(in crate::node) struct Later {
    pub(super) id: Option<u64>,
    /// Commands about this channel wait for it.
    pub(super) channel: Option<ChannelName>,
    pub(super) decided: BoxFuture<'static, Decided>,
}

/// A command after its decision. Its answer repeats the `id`; without an id the client wants none.
pub(in crate::node) enum Decided {
    /// It is about a channel.
    Channel { id: Option<u64>, channel: ChannelName, deed: Result<Deed, Refusal> },
    /// It is about no channel: the application carried it out, or it is refused.
    Other { id: Option<u64>, done: Result<(), Refusal> },
}

/// An operation on a channel.
pub(in crate::node) enum Deed {
    Publish(Publication),
    Subscribe(Option<Position>),
    Unsubscribe,
}

/// The hub's outcome of a deed that could fail. The answer to the client follows from it.
pub(super) enum Done {
    /// The ids of these publications, and the offset of the first.
    Published(Vec<Option<u64>>, Result<u64, Refusal>),
    /// The hub has delivered the answer, unless it refused.
    Subscribed(Option<u64>, ChannelName, Result<(), Refusal>),
}

/// What the head of a lane waits for.
pub(super) enum Step {
    /// The backend decided.
    Decided(Decided),
    /// The hub carried it out.
    Done(Done),
}

impl Queued {
    /// Returns the channel that it is about.
    pub(super) fn channel(&self) -> Option<&ChannelName> {
        match self {
            Self::Command(command) => command.action.channel(),
            Self::Asked(Asked::Now(Decided::Channel { channel, .. })) => Some(channel),
            Self::Asked(Asked::Now(Decided::Other { .. })) => None,
            Self::Asked(Asked::Later(later)) => later.channel.as_ref(),
        }
    }
}

impl Later {
    /// Returns the decision as a step of its lane. A panic becomes a refusal: a fault of the backend must not close
    /// a lane for ever.
    pub(super) fn step(self) -> BoxFuture<'static, Step> {
        let Self { id, channel, decided } = self;
        let decided = AssertUnwindSafe(decided).catch_unwind().map(move |decided| {
            decided.unwrap_or_else(|_| {
                let refusal = Fault::Decision.into();
                match channel {
                    Some(channel) => Decided::Channel { id, channel, deed: Err(refusal) },
                    None => Decided::Other { id, done: Err(refusal) },
                }
            })
        });
        decided.map(Step::Decided).boxed()
    }
}
