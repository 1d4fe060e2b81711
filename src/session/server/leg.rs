//! The state that the server keeps about one leg.

use super::Carrier;
use super::carriage::Carriage;
use crate::protocol::limits;
use crate::protocol::{LegNumber, Line, NetworkId, Nonce, Seq, Transport};
use crate::session::Time;

/// The maximum number of records of legs that are kept. Attached legs are kept in any case.
pub(super) const REMEMBERED: usize = 8;

/// The stage of a leg's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may be attached and may be active. The next stage is `Ended`.
    Open,
    /// Its `end` was written. The server never writes to it again and never makes it active again, but accepts its
    /// late lines.
    Ended,
}

/// One leg. Link frames wait here, at most one of each kind, outside of the replay bound.
///
/// A publication to thousands reads only the first 64 bytes. Each frame that comes up reads only the next 64 bytes.
/// With many clients, the cost of both is hardly more than the cache lines that they touch.
#[derive(Debug)]
#[repr(C)]
pub struct Leg {
    /// The carrier that it has now: none between two polls, and none after it died.
    pub(super) carrier: Option<Carrier>,
    /// The number of the next numbered line to write down this leg.
    pub(super) cursor: Seq,
    pub(super) link: Option<Line>,
    /// A frame that states the transports offered.
    pub(super) config: Option<Line>,
    pub(super) number: LegNumber,
    pub(super) state: State,
    /// A pong waits and its time has come. It is written as soon as the carrier has room.
    pub(super) pong_ripe: bool,
    pub(super) carriage: Carriage,
    pub(super) attached_at: Time,
    /// When it ends, because its transport is no longer offered.
    pub(super) leaves_at: Option<Time>,
    pub(super) pong: Option<Pong>,
    /// The answer to a fresh token.
    pub(super) token: Option<Line>,
    /// The nonce of the last hello that attached it or polled.
    pub(super) nonce: Nonce,
    /// The client sent a ping or a pong for it, or polled again.
    pub(super) proven: bool,
    /// The network that it comes from.
    pub(super) network: Option<NetworkId>,
    pings: u32,
    pings_since: Time,
    /// The mistake of [`crate::session::mutant::Mutant::NoEndForLoser`]: it has lost, and got no `end`.
    #[cfg(test)]
    pub(super) is_untold: bool,
}

/// A pong that waits to be written.
#[derive(Debug)]
pub(super) struct Pong {
    pub(super) line: Line,
    /// It has a pad.
    is_long: bool,
}

impl Leg {
    pub(super) fn new(now: Time, number: LegNumber, transport: Transport, nonce: Nonce) -> Self {
        Self {
            number,
            state: State::Open,
            carrier: None,
            carriage: Carriage::new(now, transport),
            nonce,
            cursor: Seq::FIRST,
            pong: None,
            pong_ripe: false,
            link: None,
            config: None,
            token: None,
            leaves_at: None,
            network: None,
            attached_at: now,
            proven: false,
            pings: 0,
            pings_since: now,
            #[cfg(test)]
            is_untold: false,
        }
    }

    pub(super) const fn transport(&self) -> Transport {
        self.carriage.transport()
    }

    /// Notes that the client was heard on this leg. It matters only for a carrier that stays.
    pub(super) const fn hear(&mut self, now: Time) {
        if let Some(flow) = self.carriage.flow_mut() {
            flow.heard = now;
        }
    }

    /// Returns true if it has a carrier, and may be written to.
    pub(super) fn is_attached(&self) -> bool {
        self.carrier.is_some() && self.state == State::Open
    }

    /// Returns true if it has not ended.
    pub(super) fn may_be_active(&self) -> bool {
        #[cfg(test)]
        if self.is_untold {
            return false;
        }
        self.state == State::Open
    }

    /// Returns true if link frames other than its welcome must be written now.
    pub(super) fn wants_links(&self) -> bool {
        let owes = self.carriage.flow().is_some_and(|flow| flow.ack_due || flow.ping_due);
        owes || self.pong_ripe || self.link.is_some() || self.config.is_some() || self.token.is_some()
    }

    /// Returns true if its carrier grants room to write only once, as a poll does.
    pub(super) const fn writes_once(&self) -> bool {
        matches!(self.carriage, Carriage::Poll(_))
    }

    /// Notes the pong that a client's ping asks for, and drops it if pings come too often. A long pong that waits
    /// stays, because it proves more than a short one.
    pub(super) fn pinged(&mut self, now: Time, pong: Line, is_long: bool) {
        if now >= self.pings_since + Time::from_secs(1) {
            self.pings_since = now;
            self.pings = 0;
        }
        self.pings += 1;
        self.proven = true;
        let stays = !is_long && self.pong.as_ref().is_some_and(|pong| pong.is_long);
        if self.pings <= limits::PINGS_A_SECOND && !stays {
            self.pong = Some(Pong { line: pong, is_long });
            self.pong_ripe = self.pong_at().is_some_and(|at| at <= now);
        }
    }

    /// Returns when the waiting pong may be written: after its leg's welcome, as a write of its own (proof P2).
    pub(super) fn pong_at(&self) -> Option<Time> {
        self.pong.as_ref()?;
        let Some(flow) = self.carriage.flow() else { return Some(Time::ZERO) };
        flow.welcomed.map(|at| at + limits::PONG_AFTER_WELCOME)
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::from_ref;

    use super::*;

    #[test]
    fn a_publication_looks_at_64_bytes_of_a_leg_and_a_frame_that_comes_up_at_64_more() {
        let leg = |transport| Leg::new(Time::ZERO, LegNumber(1), transport, Nonce::try_from("n".to_owned()).unwrap());
        let (socket, polls) = (leg(Transport::WebSocket), leg(Transport::Poll));
        let Carriage::Socket(flow, next_up) = &socket.carriage else { panic!() };
        let Carriage::Poll(parked) = &polls.carriage else { panic!() };
        let from = |leg: &Leg, end: usize| end - from_ref(leg).addr();
        assert!(from(&socket, from_ref(&flow.ping_due).addr()) < 64);
        assert!(from(&polls, from_ref(&parked.news).addr()) < 64);
        assert!(from(&socket, from_ref(next_up).addr() + size_of_val(next_up)) <= 128);
        // If the allocator has a size class of whole cache lines for it, a leg begins at a cache line.
        assert!((225..=256).contains(&size_of::<Leg>()), "{}", size_of::<Leg>());
    }
}
