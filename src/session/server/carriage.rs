//! What carries a leg, and the state that belongs to that kind alone.

use super::answer::AnswerNow;
use crate::protocol::{Seq, Transport};
use crate::session::Time;

/// How a leg is carried, for as long as it lives.
///
/// [`super::leg::Leg`] needs this fixed layout: the tag, then the first field of the variant.
#[derive(Debug)]
#[repr(u8)]
pub(super) enum Carriage {
    /// Polls carry it, one after the other. Each gets one answer.
    Poll(Parked),
    /// The response of a stream carries it.
    Stream(Flow),
    /// A socket carries it. Lines come up the socket as well, so it has the number of the next one once the client
    /// stated it.
    Socket(Flow, Option<Seq>),
}

/// The poll that waits for its answer, and the rest of the last poll's state.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Parked {
    /// Why the answer is due at once, if that is already known.
    pub(super) answer: Option<AnswerNow>,
    /// The last answer was a long one, so more will come at once.
    pub(super) long_answer: bool,
    /// The contents of a welcome may have changed since the leg attached, and the gateway cannot know whether the
    /// client read the change.
    pub(super) news: bool,
    /// When the hold ends.
    pub(super) held_until: Time,
    /// Behind a long answer: the time before which numbered lines alone cause no answer.
    pub(super) gathers_until: Option<Time>,
    /// The number up to which the client knows its lines to be received, if the answer needs no full welcome.
    pub(super) knows: Option<Seq>,
}

/// A carrier that is written to more than once.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Flow {
    pub(super) welcome_due: bool,
    pub(super) ack_due: bool,
    pub(super) ping_due: bool,
    /// When the client was last heard on this leg.
    pub(super) heard: Time,
    pub(super) ping_at: Time,
    /// When the welcome was written. A pong waits a moment after it.
    pub(super) welcomed: Option<Time>,
}

impl Carriage {
    /// Returns the state of a leg that attaches now.
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

    /// Returns the number of the next numbered line that comes up a socket.
    pub(super) const fn next_up(&mut self) -> Option<&mut Option<Seq>> {
        match self {
            Self::Socket(_, next) => Some(next),
            Self::Poll(_) | Self::Stream(_) => None,
        }
    }
}
