//! What carries a leg, and what is known of that kind alone.

use super::answer::AnswerNow;
use crate::protocol::{Seq, Transport};
use crate::session::Time;

/// How a leg is carried, for as long as it lives.
///
/// Its layout is fixed as [`super::leg::Leg`] needs it: the tag, then what stands first in the variant.
#[derive(Debug)]
#[repr(u8)]
pub(super) enum Carriage {
    /// By polls, one after the other. Each is answered once.
    Poll(Parked),
    /// By the response of a stream.
    Stream(Flow),
    /// By a socket. Lines come up it as well: the number of the next one, once it was stated.
    Socket(Flow, Option<Seq>),
}

/// The poll that waits for its answer, and what is left of the last one.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Parked {
    /// Why it is answered at once, if that is known already.
    pub(super) answer: Option<AnswerNow>,
    /// The last answer was a long one, so more will come at once.
    pub(super) long_answer: bool,
    /// What a welcome tells may have changed while the leg was there, and who knows whether that was read.
    pub(super) news: bool,
    /// How long it may be held.
    pub(super) held_until: Time,
    /// Behind a long answer: until when lines alone do not answer it.
    pub(super) gathers_until: Option<Time>,
    /// How far the client knows its lines to be received, if the answer needs no whole welcome.
    pub(super) knows: Option<Seq>,
}

/// A carrier that is written to again and again.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Flow {
    pub(super) welcome_due: bool,
    pub(super) ack_due: bool,
    pub(super) ping_due: bool,
    /// When something was heard of the leg last.
    pub(super) heard: Time,
    pub(super) ping_at: Time,
    /// When the welcome was written; a pong waits a moment after it.
    pub(super) welcomed: Option<Time>,
}

impl Carriage {
    /// What carries a leg that attaches now. Nothing is known of it yet.
    pub(super) const fn new(now: Time, transport: Transport) -> Self {
        let parked =
            Parked { answer: None, long_answer: false, news: false, held_until: now, gathers_until: None, knows: None };
        let flow =
            Flow { welcome_due: true, ack_due: false, ping_due: false, heard: now, ping_at: now, welcomed: None };
        match transport {
            Transport::Poll => Self::Poll(parked),
            Transport::Sse => Self::Stream(flow),
            Transport::WebSocket => Self::Socket(flow, None),
        }
    }

    pub(super) const fn transport(&self) -> Transport {
        match self {
            Self::Poll(_) => Transport::Poll,
            Self::Stream(_) => Transport::Sse,
            Self::Socket(..) => Transport::WebSocket,
        }
    }

    pub(super) const fn parked(&self) -> Option<&Parked> {
        match self {
            Self::Poll(parked) => Some(parked),
            Self::Stream(_) | Self::Socket(..) => None,
        }
    }

    pub(super) const fn parked_mut(&mut self) -> Option<&mut Parked> {
        match self {
            Self::Poll(parked) => Some(parked),
            Self::Stream(_) | Self::Socket(..) => None,
        }
    }

    pub(super) const fn flow(&self) -> Option<&Flow> {
        match self {
            Self::Stream(flow) | Self::Socket(flow, _) => Some(flow),
            Self::Poll(_) => None,
        }
    }

    pub(super) const fn flow_mut(&mut self) -> Option<&mut Flow> {
        match self {
            Self::Stream(flow) | Self::Socket(flow, _) => Some(flow),
            Self::Poll(_) => None,
        }
    }

    /// The number of the next numbered line that comes up a socket.
    pub(super) const fn next_up(&mut self) -> Option<&mut Option<Seq>> {
        match self {
            Self::Socket(_, next) => Some(next),
            Self::Poll(_) | Self::Stream(_) => None,
        }
    }
}
