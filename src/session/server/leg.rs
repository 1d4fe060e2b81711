//! What the server knows of one leg.

use super::Carrier;
use super::answer::AnswerNow;
use crate::protocol::limits;
use crate::protocol::{LegNumber, Line, NetworkId, Nonce, Seq, Transport};
use crate::session::Time;

/// Records of legs that are kept; what is attached is kept in any case.
pub(super) const REMEMBERED: usize = 8;

/// Where a leg is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// May be attached, and may be active. Next: `Ended`.
    Open,
    /// `end` was said. Never written to again, never active again; its late lines are taken.
    Ended,
}

/// One leg. Link frames wait here, at most one of each kind, outside of the replay bound.
///
/// What a publication to thousands looks at is in the first 64 bytes, and what each frame that comes up looks at behind it: with many
/// clients both cost little else than the lines of the processor's cache that they touch.
#[derive(Debug)]
#[repr(C)]
pub struct Leg {
    /// What carries it now: none between two polls, and after it died.
    pub(super) carrier: Option<Carrier>,
    /// Down: the number of the next numbered line to be written.
    pub(super) cursor: Seq,
    pub(super) link: Option<Line>,
    /// The transports offered are to be told, with this jitter.
    pub(super) config: Option<Time>,
    pub(super) number: LegNumber,
    pub(super) transport: Transport,
    pub(super) state: State,
    pub(super) welcome_due: bool,
    pub(super) ack_due: bool,
    pub(super) ping_due: bool,
    /// A pong waits and its time has come; it is written as soon as the carrier takes it.
    pub(super) pong_ripe: bool,
    /// The pong that waits has a pad.
    pub(super) pong_is_long: bool,
    /// On a poll: why it is answered at once, if that is known already.
    pub(super) answer: Option<AnswerNow>,
    /// On a poll: its last answer was a long one, so more will come at once.
    pub(super) long_answer: bool,
    pub(super) heard: Time,
    pub(super) ping_at: Time,
    pub(super) attached_at: Time,
    /// Its transport is no longer offered: it is ended then.
    pub(super) leaves_at: Option<Time>,
    /// Up, on a socket: the number of the next numbered line, once stated.
    pub(super) up_next: Option<Seq>,
    pub(super) pong: Option<Line>,
    /// When the welcome was written; a pong waits a moment after it.
    pub(super) welcomed: Option<Time>,
    /// On a poll behind a long answer: until when lines alone do not answer it.
    pub(super) gathers_until: Option<Time>,
    /// On a poll: how long it may be held.
    pub(super) held_until: Time,
    /// Of the last hello that attached it or polled.
    pub(super) nonce: Nonce,
    /// On a poll whose answer needs no whole welcome: how far the client knows its lines to be received.
    pub(super) knows: Option<Seq>,
    /// What a welcome tells may have changed while the leg was there, and who knows whether that was read.
    pub(super) news: bool,
    /// The client sent a ping or a pong for it, or polled again.
    pub(super) proven: bool,
    /// Where it comes from.
    pub(super) network: Option<NetworkId>,
    pings: u32,
    pings_since: Time,
    /// The mistake of [`crate::session::mutant::Mutant::NoEndForLoser`]: it has lost, and was not told.
    #[cfg(test)]
    pub(super) is_untold: bool,
}

impl Leg {
    pub(super) fn new(now: Time, number: LegNumber, transport: Transport, nonce: Nonce) -> Self {
        Self {
            number,
            transport,
            state: State::Open,
            carrier: None,
            nonce,
            up_next: None,
            cursor: Seq::FIRST,
            welcome_due: true,
            knows: None,
            news: false,
            ack_due: false,
            ping_due: false,
            pong: None,
            pong_ripe: false,
            pong_is_long: false,
            link: None,
            config: None,
            leaves_at: None,
            network: None,
            answer: None,
            held_until: now,
            long_answer: false,
            gathers_until: None,
            welcomed: None,
            attached_at: now,
            heard: now,
            ping_at: now,
            proven: false,
            pings: 0,
            pings_since: now,
            #[cfg(test)]
            is_untold: false,
        }
    }

    /// Something carries it, and it may be written to.
    pub(super) fn is_attached(&self) -> bool {
        self.carrier.is_some() && self.state == State::Open
    }

    /// It did not end.
    pub(super) fn may_be_active(&self) -> bool {
        #[cfg(test)]
        if self.is_untold {
            return false;
        }
        self.state == State::Open
    }

    /// Link frames, other than its welcome, are to be written now.
    pub(super) fn wants_links(&self) -> bool {
        self.ack_due || self.ping_due || self.pong_ripe || self.link.is_some() || self.config.is_some()
    }

    /// A poll grants room to write once.
    pub(super) fn writes_once(&self) -> bool {
        self.transport == Transport::Poll
    }

    /// Notes the pong that a client's ping asks for; what comes too often is dropped. A long one that waits shows more than a short
    /// one could, so it stays.
    pub(super) fn pinged(&mut self, now: Time, pong: Line, is_long: bool) {
        if now >= self.pings_since + Time::from_secs(1) {
            self.pings_since = now;
            self.pings = 0;
        }
        self.pings += 1;
        self.proven = true;
        let stays = self.pong.is_some() && self.pong_is_long && !is_long;
        if self.pings <= limits::PINGS_A_SECOND && !stays {
            self.pong = Some(pong);
            self.pong_is_long = is_long;
            self.pong_ripe = self.pong_at().is_some_and(|at| at <= now);
        }
    }

    /// When the waiting pong may be written: after its leg's welcome, as a write of its own (proof P2).
    pub(super) fn pong_at(&self) -> Option<Time> {
        self.pong.as_ref()?;
        if self.writes_once() {
            return Some(Time::ZERO);
        }
        self.welcomed.map(|at| at + limits::PONG_AFTER_WELCOME)
    }
}
