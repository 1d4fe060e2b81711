//! What all sessions of a gateway have in common, and what of it a session's client can have otherwise.
//!
//! What a client was told holds for as long as its session lives: only the transports change under it, and it is told of that.

use std::sync::Arc;

use super::ServerSession;
use super::leg::{Leg, State};
use crate::protocol::code::{Leaving, Refusal};
use crate::protocol::limits::{self, Limits};
use crate::protocol::up::Hello;
use crate::protocol::{LegNumber, Transport, down};
use crate::session::{Time, milliseconds};

/// See the module.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bounds told to the client.
    pub limits: Limits,
    /// The server pings a socket or a stream that often, and judges their silence by it.
    pub heartbeat: Time,
    /// A poll is held at most this long.
    pub hold: Time,
    /// A session lives this long without a leg (rule 12).
    pub resume: Time,
    /// Attaches and turn requests allowed in a minute.
    pub attaches_a_minute: u32,
    /// The transports offered, best first.
    pub transports: Arc<[Transport]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            heartbeat: limits::HEARTBEAT,
            hold: limits::POLL_HOLD,
            resume: limits::RESUME,
            attaches_a_minute: limits::ATTACHES_A_MINUTE,
            transports: Transport::ALL.into(),
        }
    }
}

/// What a client wished for, once it did.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    heartbeat: Option<Time>,
    hold: Option<Time>,
}

/// A wish makes a time shorter, never longer than the gateway's own.
fn granted(wish: Option<Time>, own: Time) -> Time {
    wish.map_or(own, |wish| wish.max(limits::SHORTEST_WISH).min(own))
}

impl ServerSession {
    /// How often this session's sockets and streams are pinged.
    pub(super) fn heartbeat(&self) -> Time {
        granted(self.wishes.heartbeat, self.settings.heartbeat)
    }

    /// How long its polls are held.
    pub(super) fn hold(&self) -> Time {
        granted(self.wishes.hold, self.settings.hold)
    }

    /// Notes the wishes of a hello that attaches, if it states any. What it does not state stays as it was.
    pub(super) fn wish(&mut self, now: Time, hello: &Hello) -> bool {
        let wishes = &mut self.wishes;
        wishes.heartbeat = hello.heartbeat_ms.map(Time::from_millis).or(wishes.heartbeat);
        wishes.hold = hello.hold_ms.map(Time::from_millis).or(wishes.hold);
        let soonest = now + self.heartbeat();
        for flow in self.legs.iter_mut().filter_map(|leg| leg.carriage.flow_mut()) {
            flow.ping_at = flow.ping_at.min(soonest);
        }
        hello.heartbeat_ms.or(hello.hold_ms).is_some()
    }

    /// Whether a leg attached before under this number, and is not forgotten.
    #[must_use]
    pub fn knows_leg(&self, number: LegNumber) -> bool {
        self.legs.iter().any(|leg| leg.number == number)
    }

    /// A new leg must be of a transport that is offered; one there is goes on.
    pub(super) fn check_offered(&self, number: LegNumber, transport: Transport) -> Result<(), Refusal> {
        if self.knows_leg(number) || self.offered.contains(&transport) { Ok(()) } else { Err(not_offered(transport)) }
    }

    /// Other transports are offered from now on: all legs are told, and those of the others have the jitter to leave.
    pub(super) fn offer(&mut self, now: Time, transports: Arc<[Transport]>, jitter: Time) {
        let config = down::config(&transports, milliseconds(jitter));
        let leaves = now + jitter + limits::WITHDRAWAL;
        for leg in self.legs.iter_mut().filter(|leg| leg.state == State::Open) {
            leg.config = Some(config.clone());
            let offered = transports.contains(&leg.transport());
            leg.leaves_at = if offered { None } else { Some(leg.leaves_at.map_or(leaves, |at| at.min(leaves))) };
        }
        self.offered = transports;
    }

    /// Ends a leg that should have left by now; why, if it did.
    pub(super) fn end_if_overstaying(&mut self, now: Time, number: LegNumber) -> Option<Refusal> {
        let open = self.leg(number).filter(|leg| leg.state == State::Open);
        let why = open.and_then(|leg| leg.overstays(now))?;
        self.end_leg(number, &why);
        Some(why)
    }
}

impl Leg {
    /// Why it is ended, if its time to leave is over.
    pub(super) fn overstays(&self, now: Time) -> Option<Refusal> {
        self.leaves_at.filter(|at| now >= *at).map(|_| not_offered(self.transport()))
    }
}

/// Why a leg is not taken, or not kept.
#[must_use]
pub fn not_offered(transport: Transport) -> Refusal {
    Leaving::NotOffered(transport).into()
}
