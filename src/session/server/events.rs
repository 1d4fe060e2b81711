//! What a session takes, and what it gives; and what a hello leads to.

use std::sync::Arc;

use crate::protocol::code::Refusal;
use crate::protocol::up::{Command, Hello, Up};
use crate::protocol::{Line, NetworkId, Seq, SessionId, Transport};
use crate::session::Time;

/// Names a carrier. The caller gives each socket, stream response, poll and send a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Carrier(pub u64);

/// What happens to a session.
#[derive(Debug)]
pub enum Input {
    /// A first hello on a socket, or the body of a stream or of a poll.
    Attach {
        /// What carries the leg from now on.
        carrier: Carrier,
        /// How.
        transport: Transport,
        /// The network it comes from, where that can be told.
        network: Option<NetworkId>,
        /// The hello; its secret and id have been found to be this session's.
        hello: Hello,
        /// What followed it in the body.
        frames: Vec<Up>,
    },
    /// A frame on an attached socket.
    Frame {
        /// The socket.
        carrier: Carrier,
        /// The frame.
        frame: Up,
    },
    /// What came on an attached socket and is no frame.
    Refused {
        /// The socket.
        carrier: Carrier,
        /// Why.
        refusal: Refusal,
    },
    /// The body of a send.
    Send {
        /// The request; it is answered by [`Output::Finish`] at once.
        carrier: Carrier,
        /// Its hello.
        hello: Hello,
        /// What followed.
        frames: Vec<Up>,
    },
    /// A link frame for every attached leg; a newer one takes the place of one not yet written.
    Link(Line),
    /// Other transports are offered from now on; who is on one that is not among them has this long to leave it, and a little.
    Offer(Arc<[Transport]>, Time),
    /// Ends every leg, for this reason; the session stays.
    EndLegs(Refusal),
    /// Ends the session, for this reason.
    End(Refusal),
    /// The carrier is no more.
    Closed(Carrier),
    /// [`super::ServerSession::poll_timeout`] has come.
    Timeout,
}

impl Input {
    /// Whether it may hold numbered frames.
    #[must_use]
    pub const fn brings_commands(&self) -> bool {
        matches!(self, Self::Attach { .. } | Self::Frame { .. } | Self::Send { .. })
    }
}

/// What a session wants done.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Taken from the client: once, in order.
    Command(Command),
    /// The last lines of a carrier; close it when they are written.
    Finish {
        /// Which.
        carrier: Carrier,
        /// The lines, one or none.
        lines: Vec<Line>,
    },
    /// Rule 7: frames were dropped since the client acknowledges too slowly; it will be told.
    Overrun {
        /// All up to this number are gone.
        through: Seq,
    },
    /// The session is over; nothing else follows.
    Expired,
}

/// What a hello leads to (rule 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The session it names.
    Join,
    /// A new one.
    Create,
    /// None: the answer is `end` with `gone`, and nothing is created or taken.
    Gone,
}

/// Decides what a hello leads to, given the incarnation that its secret names for its subject, if any.
#[must_use]
pub fn resolve(existing: Option<&SessionId>, hello: &Hello, may_create: bool) -> Resolution {
    match (existing, &hello.id) {
        (Some(held), Some(named)) if held == named => Resolution::Join,
        (Some(_), None) => Resolution::Join,
        (None, None) if may_create => Resolution::Create,
        _ => Resolution::Gone,
    }
}
