//! A command after its decision. Pure data.

use crate::protocol::code::Refusal;
use crate::protocol::frame::Payload;
use crate::protocol::{ChannelName, Position};

/// See the module.
pub(super) struct Decided {
    /// What the answer refers to; none is wanted without it.
    pub(super) id: Option<u64>,
    pub(super) deed: Result<Deed, Refusal>,
}

/// What a command leads to.
pub(super) enum Deed {
    Publish(ChannelName, Payload),
    Subscribe(ChannelName, Option<Position>),
    Unsubscribe(ChannelName),
    /// The application did it.
    Done,
}
