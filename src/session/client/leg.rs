//! One leg, as the client's half of a session knows it: plain data.
//!
//! Its twin is `client-js/src/session/leg.js`.

use super::Route;
use crate::protocol::{Line, Nonce, Transport};
use crate::session::Time;

/// The stage of a leg's life. The session forgets a leg that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No welcome was read, and no line goes up.
    Opening,
    /// Its socket opened in a resume, so lines go up before the welcome.
    Resuming,
    /// Its welcome was read.
    Usable,
}

/// A poll or a send under way.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    /// The nonce that the answer must echo.
    pub(super) nonce: Nonce,
    /// The turn it carried.
    pub(super) turn: Option<u32>,
    /// The number after the last line it carried.
    pub(super) until: u64,
    /// The link frames it carried, for a repetition.
    pub(super) links: Vec<Line>,
}

/// One leg.
#[derive(Debug)]
pub struct Leg {
    pub(super) number: u32,
    pub(super) transport: Transport,
    pub(super) state: State,
    /// The turn requested on it; none for a candidate.
    pub(super) turn: Option<u32>,
    /// The turn must still be requested, or the send that requested it was not answered.
    pub(super) is_requesting_turn: bool,
    /// On a socket: an `ack` must state the number of the next line.
    pub(super) must_state_next: bool,
    /// The nonce that the first frame on a socket or a stream must echo.
    pub(super) nonce: Option<Nonce>,
    /// The number of the next line that goes up on it.
    pub(super) next_up: u64,
    /// The number of the next line that comes down on it; none until the gateway stated it.
    pub(super) next_down: Option<u64>,
    /// Link frames for the next write, send or poll.
    pub(super) links: Vec<Line>,
    pub(super) send: Option<Flight>,
    pub(super) poll: Option<Flight>,
    /// Failures since the last success, by route: sends may get through while polls do not.
    pub(super) failed_sends: usize,
    pub(super) failed_polls: usize,
    /// No request goes before this.
    pub(super) retry_at: Option<Time>,
    /// A loser is read until this (rule 5).
    pub(super) retire_at: Option<Time>,
}

impl Leg {
    pub(super) fn new(number: u32, transport: Transport, turn: Option<u32>) -> Self {
        Self {
            number,
            transport,
            state: State::Opening,
            turn,
            is_requesting_turn: false,
            must_state_next: false,
            nonce: None,
            next_up: 1,
            next_down: None,
            links: Vec::new(),
            send: None,
            poll: None,
            failed_sends: 0,
            failed_polls: 0,
            retry_at: None,
            retire_at: None,
        }
    }

    /// The request of a route that is under way. A stream's is not kept.
    pub(super) fn flight(&mut self, route: Route) -> &mut Option<Flight> {
        if route == Route::Poll { &mut self.poll } else { &mut self.send }
    }

    /// The count of failures on a route.
    pub(super) fn failures(&mut self, route: Route) -> &mut usize {
        if route == Route::Poll { &mut self.failed_polls } else { &mut self.failed_sends }
    }
}
