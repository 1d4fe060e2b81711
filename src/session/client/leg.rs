//! One leg, as the client's half of a session knows it: plain data.
//!
//! Its twin is `client-js/src/session/leg.js`.

use std::ops::{Index, IndexMut};

use super::Route;
use crate::protocol::{LegNumber, Line, Nonce, Seq, Transport, Turn};
use crate::session::Time;

/// The stage of a leg's life. The session forgets a leg that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No welcome was read, and no line goes up.
    Opening,
    /// Its welcome was read.
    Usable,
}

/// A request under way.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    /// The nonce that the answer must echo.
    pub(super) nonce: Nonce,
    /// The turn it carried.
    pub(super) turn: Option<Turn>,
    /// The number of the first line it carried.
    pub(super) from: Seq,
    /// The number after the last one.
    pub(super) until: Seq,
    /// The link frames it carried, for a repetition.
    pub(super) links: Vec<Line>,
    /// The length of its body.
    pub(super) size: usize,
    /// When it was issued.
    pub(super) at: Time,
    /// A pong showed that it arrived.
    pub(super) is_delivered: bool,
}

impl Flight {
    /// Returns true if it carries numbered lines.
    pub(super) fn carries_lines(&self) -> bool {
        self.until > self.from
    }
}

/// The state of one route of a leg.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The request that is under way.
    pub(super) flight: Option<Flight>,
    /// The failures since the last success: sends may get through while polls do not.
    pub(super) failures: usize,
    /// No request goes before this.
    pub(super) retry_at: Option<Time>,
}

/// The requests of a leg, by route.
#[derive(Debug, Default)]
pub(super) struct Requests([Request; Route::ALL.len()]);

impl Requests {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Request> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Request> {
        self.0.iter_mut()
    }
}

impl Index<Route> for Requests {
    type Output = Request;

    fn index(&self, route: Route) -> &Request {
        &self.0[route as usize]
    }
}

impl IndexMut<Route> for Requests {
    fn index_mut(&mut self, route: Route) -> &mut Request {
        &mut self.0[route as usize]
    }
}

/// One leg.
#[derive(Debug)]
pub struct Leg {
    pub(super) number: LegNumber,
    pub(super) transport: Transport,
    pub(super) state: State,
    /// The turn requested on it. A candidate has none.
    pub(super) turn: Option<Turn>,
    /// The turn must still be requested, or the send that requested it was not answered.
    pub(super) is_requesting_turn: bool,
    /// On a socket: an `ack` must state the number of the next line.
    pub(super) must_state_next: bool,
    /// The nonce of its first hello.
    pub(super) nonce: Option<Nonce>,
    /// The number of the next line that goes up on it. A number below the lowest unacknowledged one means that
    /// lowest one.
    pub(super) next_up: Seq,
    /// The number of the next line that comes down on it. `None` until the gateway stated it.
    pub(super) next_down: Option<Seq>,
    /// Link frames for the next write, send or poll.
    pub(super) links: Vec<Line>,
    pub(super) requests: Requests,
    /// How often in a row a send was refused beside a held poll or stream.
    pub(super) refusals: usize,
    /// How often the lowest line failed as the only one of its body.
    pub(super) line_failures: usize,
    /// A request without lines passed since a body with lines last failed.
    pub(super) has_passed: bool,
    /// It carried a line that the gateway refuses, and that was withdrawn since.
    pub(super) carried_withdrawn: bool,
    /// On a socket: the lowest line cannot pass, so no line goes.
    pub(super) is_blocked: bool,
    /// When it was opened.
    pub(super) opened_at: Time,
    /// The shortest round trip measured on it, including its opening.
    pub(super) round_trip: Time,
    /// A loser is read until this (rule 5).
    pub(super) retire_at: Option<Time>,
}

impl Leg {
    pub(super) fn new(number: LegNumber, transport: Transport, turn: Option<Turn>, now: Time) -> Self {
        Self {
            number,
            transport,
            state: State::Opening,
            turn,
            is_requesting_turn: false,
            must_state_next: false,
            nonce: None,
            next_up: Seq::NONE,
            next_down: None,
            links: Vec::new(),
            requests: Requests::default(),
            refusals: 0,
            line_failures: 0,
            has_passed: false,
            carried_withdrawn: false,
            is_blocked: false,
            opened_at: now,
            round_trip: Time::ZERO,
            retire_at: None,
        }
    }
}
