//! What the client knows of one leg.

use super::Route;
use crate::protocol::{Line, Nonce, Transport};
use crate::session::Time;

/// Where a leg is in its life. A leg that is over is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Hello went out, or will when the socket opens. Next: `Usable`.
    Opening,
    /// Its welcome was read.
    Usable,
}

/// A poll or a send under way.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    /// What the answer must echo.
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
    /// The turn asked for on it; 0 for a candidate.
    pub(super) turn: u32,
    /// A welcome showed its turn.
    pub(super) confirmed: bool,
    /// The turn has yet to be asked for, or the send that carried it was not answered.
    pub(super) asking: bool,
    /// Lines go up before the welcome (a resume on a socket).
    pub(super) rides: bool,
    /// On a socket: the number of the next line is to be stated, after a welcome.
    pub(super) stating: bool,
    /// Up: the number of the next line on this leg.
    pub(super) up: u64,
    /// Down: the number of the next line, once stated.
    pub(super) down: Option<u64>,
    /// What the first line down must echo.
    pub(super) nonce: Option<Nonce>,
    /// Link frames for the next send or poll.
    pub(super) links: Vec<Line>,
    pub(super) send: Option<InFlight>,
    pub(super) poll: Option<InFlight>,
    /// Sends and polls that failed since the last of their kind that did not: while the one gets through, the other may not.
    pub(super) failed_sends: usize,
    pub(super) failed_polls: usize,
    /// No request before this.
    pub(super) retry_at: Option<Time>,
    /// A loser is read until then.
    pub(super) retire_at: Option<Time>,
}

impl Leg {
    pub(super) fn new(number: u32, transport: Transport) -> Self {
        Self {
            number,
            transport,
            state: State::Opening,
            turn: 0,
            confirmed: false,
            asking: false,
            rides: false,
            stating: false,
            up: 1,
            down: None,
            nonce: None,
            links: Vec::new(),
            send: None,
            poll: None,
            failed_sends: 0,
            failed_polls: 0,
            retry_at: None,
            retire_at: None,
        }
    }

    /// The count of failures on a route.
    pub(super) fn failures(&mut self, route: Route) -> &mut usize {
        if route == Route::Poll { &mut self.failed_polls } else { &mut self.failed_sends }
    }

    /// The turn for a hello: none for a candidate.
    pub(super) fn asked_turn(&self) -> Option<u32> {
        (self.turn > 0).then_some(self.turn)
    }
}
