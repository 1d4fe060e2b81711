//! The inputs and outputs of a session.
//!
//! Its twin is `client-js/src/session/events.d.ts`: events of the same names.

use crate::protocol::down::TokenAnswer;
use crate::protocol::frame::RawFrame;
use crate::protocol::token::Token;
use crate::protocol::{Code, LegNumber, Line, Transport};
use crate::session::Time;

/// The request of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// `POST /rt/stream`.
    Stream,
    /// `POST /rt/send` with lines.
    Send,
    /// `POST /rt/send` with link frames alone.
    Links,
    /// `POST /rt/poll`.
    Poll,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 4] = [Self::Stream, Self::Send, Self::Links, Self::Poll];
}

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failure {
    /// The HTTP status of an answer that is not the gateway's. `None` if no answer came.
    pub status: Option<u16>,
    /// `bad_frame` or `too_large`, if the gateway itself refused the body for a line in it.
    pub code: Option<Code>,
}

/// An input of a session. Legs are numbered 1, 2, 3 … in the order of opening. A session ignores events of a leg
/// that is over.
#[derive(Debug, Clone)]
pub enum Input {
    /// The owner opens a leg.
    OpenLeg(Transport),
    /// The leg's socket opened.
    SocketOpened(LegNumber),
    /// A frame came down a socket or a stream.
    FrameArrived(LegNumber, RawFrame),
    /// The whole answer of a send or a poll came.
    AnswerArrived(LegNumber, Route, Vec<RawFrame>),
    /// A request failed.
    RequestFailed(LegNumber, Route, Failure),
    /// A leg died by itself, or its owner dropped it.
    LegDied(LegNumber),
    /// The owner wants this leg to carry the session.
    RequestTurn {
        /// The leg.
        leg: LegNumber,
        /// A ping goes on it in the same request.
        pings: bool,
        /// The ping has a pad.
        is_long: bool,
    },
    /// The owner wants a ping on this leg.
    SendPing {
        /// The leg.
        leg: LegNumber,
        /// With a pad, to prove that long writes pass (P4).
        is_long: bool,
    },
    /// No other transport takes the line that is stuck.
    WithdrawLine,
    /// The owner has a token for the hellos to come. If a leg carries the session, it also goes up at once.
    Token(Token),
    /// The client leaves for good: the session ends after this time, unless the client comes back before (rule 14).
    Bye(Time),
    /// The application sends a frame.
    Push(Line),
    /// [`super::ClientSession::poll_timeout`] has come.
    Timeout,
}

/// Why the promise of a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The gateway has no such session any more.
    Gone,
    /// The gateway dropped frames that were not acknowledged in time.
    Overrun,
}

/// An output of a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Write these lines to the leg's socket.
    Write(LegNumber, Vec<Line>),
    /// Issue this POST. It replaces an older one of the same leg and route, except for sends.
    Post {
        /// The leg.
        leg: LegNumber,
        /// Its route.
        route: Route,
        /// The lines of its body.
        lines: Vec<Line>,
        /// It fails after this time. The owner decides how long a stream or a held poll may take.
        timeout: Option<Time>,
    },
    /// The leg's welcome was read (proof P1).
    LegUsable(LegNumber),
    /// The leg carries the session.
    LegActive(LegNumber),
    /// A pong came down the leg.
    Pong {
        /// The leg.
        leg: LegNumber,
        /// How long after its ping.
        round_trip: Time,
        /// It has the pad of its ping: long writes pass both ways.
        is_long: bool,
    },
    /// The gateway decides about the leg's hello for at most this long. The path works.
    Wait(LegNumber, Time),
    /// The answer to a fresh token.
    TokenAnswered(TokenAnswer),
    /// A numbered frame, for the first time, in order.
    Deliver(RawFrame),
    /// The session dropped the leg, for this reason.
    LegDropped(LegNumber, String),
    /// The promise ended: this many frames are missing (overrun), or have an unknown outcome (gone).
    Reset(Reset, u64),
    /// After a reset by `gone`: the lines whose outcome is unknown.
    UnknownOutcome(Vec<Line>),
    /// The lowest line cannot pass on the leg. [`Input::WithdrawLine`] gives it up.
    LineStuck(LegNumber),
    /// The path lets one request through at a time, so a held stream keeps all lines from going up.
    OneRequest(LegNumber),
    /// A `config` or `goaway` frame.
    Link(RawFrame),
}
