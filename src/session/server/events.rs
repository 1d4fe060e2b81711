//! The inputs and outputs of a session, and the decision about a hello.

use std::sync::Arc;

use crate::protocol::code::Refusal;
use crate::protocol::token::Token;
use crate::protocol::up::{Command, Hello, Up};
use crate::protocol::{LegNumber, Line, NetworkId, Seq, SessionId, Transport};
use crate::session::Time;

/// The name of a carrier. The caller gives each socket, stream response, poll and send a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Carrier(pub u64);

/// The right that a checked token gives, or that a client without a token has for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// The user, or `None` without a token.
    pub user: Option<Box<str>>,
    /// When it ends, if it does.
    pub until: Option<Time>,
}

/// An input of a session.
#[derive(Debug)]
pub enum Input {
    /// A first hello came on a socket, or the body of a stream or a poll came.
    Attach {
        /// The carrier of the leg from now on.
        carrier: Carrier,
        /// Its transport.
        transport: Transport,
        /// The network that it comes from, if the gateway knows it.
        network: Option<NetworkId>,
        /// What its token gives it. `None` in open mode, and for a leg that attached before and sends no token.
        right: Option<Box<Right>>,
        /// The hello. The caller has found that its secret and id belong to this session.
        hello: Hello,
        /// The frames that followed it in the body.
        frames: Vec<Up>,
    },
    /// A frame came on an attached socket.
    Frame {
        /// The socket.
        carrier: Carrier,
        /// The frame.
        frame: Up,
    },
    /// Something that is not a frame came on an attached socket.
    Refused {
        /// The socket.
        carrier: Carrier,
        /// Why it is not a frame.
        refusal: Refusal,
    },
    /// The caller has checked a fresh token.
    Token {
        /// The leg on which it came, which gets the answer.
        leg: LegNumber,
        /// The right that it gives, or why it is refused.
        outcome: Result<Box<Right>, Refusal>,
    },
    /// The body of a send came.
    Send {
        /// The request. [`Output::Finish`] answers it at once.
        carrier: Carrier,
        /// Its hello.
        hello: Hello,
        /// The frames that followed it.
        frames: Vec<Up>,
    },
    /// A link frame for every attached leg. A newer one replaces one that is not yet written.
    Link(Line),
    /// The gateway offers other transports from now on. A client on any other transport has this long to leave it,
    /// and a little more.
    Offer(Arc<[Transport]>, Time),
    /// Ends every leg for this reason. The session stays.
    EndLegs(Refusal),
    /// Ends the session for this reason.
    End(Refusal),
    /// The carrier is gone.
    Closed(Carrier),
    /// [`super::ServerSession::poll_timeout`] has come.
    Timeout,
}

impl Input {
    /// Returns true if it may hold numbered frames.
    #[must_use]
    pub const fn brings_commands(&self) -> bool {
        matches!(self, Self::Attach { .. } | Self::Frame { .. } | Self::Send { .. })
    }
}

/// An action that a session requests.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// A command of the client: each comes once, in order.
    Command(Command),
    /// A fresh token must be checked. [`Input::Token`] tells the outcome.
    Token {
        /// The leg on which it came.
        leg: LegNumber,
        /// The token.
        token: Token,
    },
    /// The last lines of a carrier. The caller closes the carrier once they are written.
    Finish {
        /// The carrier.
        carrier: Carrier,
        /// The lines: one or none.
        lines: Vec<Line>,
    },
    /// Rule 7: the session dropped frames, because the client acknowledges too slowly. The client will learn it.
    Overrun {
        /// The greatest dropped number.
        through: Seq,
    },
    /// The client ended the session. Its commands are still carried out. No output follows.
    Left,
    /// The session is over. No output follows.
    Expired,
}

/// The effect of a hello (rule 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It joins the session that it names.
    Join,
    /// It creates a session.
    Create,
    /// It gets `end` with `gone`. Nothing is created or accepted.
    Gone,
}

/// Decides the effect of a hello, given the incarnation, if any, that its secret names for its subject.
#[must_use]
pub fn resolve(existing: Option<&SessionId>, hello: &Hello, may_create: bool) -> Resolution {
    match (existing, &hello.id) {
        (Some(held), Some(named)) if held == named => Resolution::Join,
        (Some(_), None) => Resolution::Join,
        (None, None) if may_create => Resolution::Create,
        _ => Resolution::Gone,
    }
}
