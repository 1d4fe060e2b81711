//! The settings that all sessions of a gateway share, and a client's wishes about them.
//!
//! Each setting that a client learned holds for as long as its session lives. Only the transports may change, and
//! then the client is told.

use std::sync::Arc;

use super::ServerSession;
use super::leg::{Leg, State};
use crate::protocol::code::{Leaving, Refusal};
use crate::protocol::limits::{self, Limits};
use crate::protocol::up::Hello;
use crate::protocol::{LegNumber, Transport, down};
use crate::session::{Time, milliseconds};

/// The settings that all sessions of a gateway share.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bounds that the client learns.
    pub limits: Limits,
    /// The interval at which the server pings a socket or a stream. The bound on a leg's silence follows from it.
    pub heartbeat: Time,
    /// The longest time that a poll is held.
    pub hold: Time,
    /// How long a session lives without a leg (rule 12).
    pub resume: Time,
    /// The maximum number of attaches and turn requests in a minute.
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

/// The wishes that a client stated.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    heartbeat: Option<Time>,
    hold: Option<Time>,
}

/// Returns the time that a wish leads to. A wish makes a time shorter, never longer than the gateway's own.
fn granted(wish: Option<Time>, own: Time) -> Time {
    wish.map_or(own, |wish| wish.max(limits::SHORTEST_WISH).min(own))
}

impl ServerSession {
    /// Returns the interval at which this session's sockets and streams are pinged.
    pub(super) fn heartbeat(&self) -> Time {
        granted(self.wishes.heartbeat, self.settings.heartbeat)
    }

    /// Returns how long its polls are held.
    pub(super) fn hold(&self) -> Time {
        granted(self.wishes.hold, self.settings.hold)
    }

    /// Notes the wishes of a hello that attaches. A wish that it does not state stays as it was. Returns true if it
    /// states one.
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

    /// Returns true if a leg with this number attached before, and is not forgotten.
    #[must_use]
    pub fn knows_leg(&self, number: LegNumber) -> bool {
        self.legs.iter().any(|leg| leg.number == number)
    }

    /// Refuses a new leg of a transport that is not offered. An existing leg may go on.
    pub(super) fn check_offered(&self, number: LegNumber, transport: Transport) -> Result<(), Refusal> {
        if self.knows_leg(number) || self.offered.contains(&transport) { Ok(()) } else { Err(not_offered(transport)) }
    }

    /// Offers other transports from now on, and announces them on all legs. Legs of any other transport have the
    /// jitter to leave.
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

    /// Ends a leg whose time to leave is over. Returns why, if it did.
    pub(super) fn end_if_overstaying(&mut self, now: Time, number: LegNumber) -> Option<Refusal> {
        let open = self.leg(number).filter(|leg| leg.state == State::Open);
        let why = open.and_then(|leg| leg.overstays(now))?;
        self.end_leg(number, &why);
        Some(why)
    }
}

impl Leg {
    /// Returns why the leg must end, if its time to leave is over.
    pub(super) fn overstays(&self, now: Time) -> Option<Refusal> {
        self.leaves_at.filter(|at| now >= *at).map(|_| not_offered(self.transport()))
    }
}

/// Returns why a leg of this transport is refused or ended.
#[must_use]
pub fn not_offered(transport: Transport) -> Refusal {
    Leaving::NotOffered(transport).into()
}
