//! What goes up. After every input the legs are looked at in the order of their opening, and whatever may go, goes.

use super::leg::{InFlight, Leg, State};
use super::{ClientSession, Mutant, Output, Route};
use crate::protocol::{Line, Transport, down};

impl ClientSession {
    pub(super) fn advance(&mut self) {
        self.ask_again();
        let current = self.current();
        let legs: Vec<(u32, Transport)> = self.legs.iter().map(|leg| (leg.number, leg.transport)).collect();
        for (number, transport) in legs {
            let carries = current == Some(number);
            match transport {
                Transport::WebSocket => self.advance_socket(number, carries),
                Transport::Sse => self.advance_stream(number, carries),
                Transport::Poll => self.advance_poll(number, carries),
            }
        }
    }

    /// Rule 4: when the leg with the greatest turn was dropped, ask anew on one that is kept, the newest first.
    fn ask_again(&mut self) {
        let top = self.legs.iter().map(|leg| leg.turn).max().unwrap_or(0);
        let lost = if self.mutation.is(Mutant::NotAskingAgain) { top == 0 } else { top < self.turn || top == 0 };
        if !lost {
            return;
        }
        let usable = self.legs.iter_mut().filter(|leg| leg.state == State::Usable);
        if let Some(leg) = usable.max_by_key(|leg| (leg.retire_at.is_none(), leg.number)) {
            leg.retire_at = None;
            let number = leg.number;
            self.ask(number);
        }
    }

    fn advance_socket(&mut self, number: u32, carries: bool) {
        let Some(leg) = self.legs.iter_mut().find(|leg| leg.number == number) else {
            return;
        };
        if leg.state != State::Usable && !leg.rides {
            return;
        }
        let mut out = Vec::new();
        if std::mem::take(&mut leg.asking) {
            let turn = leg.asked_turn();
            out.push(self.hello(number, turn).1);
        }
        let lowest = self.outgoing.lowest();
        let (last, ack_due) = (self.outgoing.last(), self.ack_due);
        let Some(leg) = self.leg(number) else { return };
        out.append(&mut leg.links);
        let from = leg.up.max(lowest);
        let has_lines = carries && from <= last;
        if leg.stating || (carries && ack_due) || (has_lines && from != leg.up) {
            leg.stating = false;
            leg.up = from;
            self.tell();
            out.push(down::ack(self.received, Some(from)));
        }
        if has_lines {
            self.write_lines(number, from, &mut out);
        }
        if !out.is_empty() {
            self.outputs.push_back(Output::Write(number, out));
        }
    }

    fn write_lines(&mut self, number: u32, from: u64, out: &mut Vec<Line>) {
        let mut next = from;
        while let Some(line) = self.outgoing.hand_out(next, usize::MAX) {
            out.push(line.clone());
            next += 1;
        }
        if let Some(leg) = self.leg(number) {
            leg.up = next;
        }
    }

    /// A socket opened: hello, and on a resume the lines at once behind the number of the first.
    pub(super) fn socket_opened(&mut self, number: u32) {
        let Some(leg) = self.leg(number).filter(|leg| leg.state == State::Opening) else {
            return;
        };
        let turn = leg.asked_turn();
        let (nonce, hello) = self.hello(number, turn);
        let rides = turn.is_some() && self.may_bring_lines();
        self.outputs.push_back(Output::Write(number, vec![hello]));
        let lowest = self.outgoing.lowest();
        let Some(leg) = self.leg(number) else { return };
        leg.nonce = Some(nonce);
        leg.rides = rides;
        leg.stating = rides;
        leg.up = lowest;
    }

    fn advance_stream(&mut self, number: u32, carries: bool) {
        let (last, ack_due) = (self.outgoing.last(), self.ack_due);
        let Some(leg) = self.leg(number) else { return };
        let due = leg.asking || !leg.links.is_empty() || (carries && (leg.up <= last || ack_due));
        if due && leg.may_send() {
            self.send(number, carries);
        }
    }

    fn advance_poll(&mut self, number: u32, carries: bool) {
        let last = self.outgoing.last();
        let Some(leg) = self.leg(number).filter(|leg| leg.state == State::Usable && leg.retry_at.is_none()) else {
            return;
        };
        if leg.asking || !leg.links.is_empty() || (carries && leg.poll.is_none()) {
            let asks = leg.asking;
            self.poll(number, asks);
        }
        if carries && self.leg(number).is_some_and(|leg| leg.up <= last && leg.may_send()) {
            self.send(number, true);
        }
    }

    /// One send: all that gathered, from the lowest number that is not acknowledged.
    fn send(&mut self, number: u32, carries: bool) {
        let Some(leg) = self.leg(number) else { return };
        let turn = leg.asked_turn().filter(|_| leg.asking);
        let links = if leg.transport == Transport::Sse { std::mem::take(&mut leg.links) } else { Vec::new() };
        let flight = self.body(number, Route::Send, turn, links, carries);
        if let Some(leg) = self.leg(number) {
            leg.send = Some(flight);
        }
    }

    /// One poll. It repeats its leg's turn; one that asks brings the lines.
    pub(super) fn poll(&mut self, number: u32, asks: bool) {
        let Some(leg) = self.leg(number) else { return };
        leg.asking = false;
        // What takes the place of another poll brings what that one may not have delivered.
        let mut links = leg.poll.take().map_or_else(Vec::new, |replaced| replaced.links);
        links.append(&mut leg.links);
        let turn = leg.asked_turn();
        let brings = asks && turn.is_some() && self.may_bring_lines();
        let flight = self.body(number, Route::Poll, turn, links, brings);
        if let Some(leg) = self.leg(number) {
            leg.poll = Some(flight);
        }
    }

    /// A stream's only request.
    pub(super) fn attach(&mut self, number: u32, route: Route) {
        let Some(turn) = self.leg(number).map(|leg| leg.asked_turn()) else {
            return;
        };
        let brings = turn.is_some() && self.may_bring_lines();
        let flight = self.body(number, route, turn, Vec::new(), brings);
        if let Some(leg) = self.leg(number) {
            leg.nonce = Some(flight.nonce);
        }
    }

    /// Rule 2: the first hellos bring no lines.
    fn may_bring_lines(&self) -> bool {
        self.id().is_some() || self.mutation.is(Mutant::LinesWithCreatingHello)
    }

    fn body(&mut self, number: u32, route: Route, turn: Option<u32>, links: Vec<Line>, lines: bool) -> InFlight {
        let (nonce, hello) = self.hello(number, turn);
        let mut body = vec![hello];
        body.extend(links.iter().cloned());
        let mut until = self.outgoing.lowest();
        if lines {
            // The first line goes however long it is: no line is longer than a body may be.
            let mut room = usize::MAX;
            let limits = self.limits();
            let mut bytes: usize = body.iter().map(|line| line.cost() + 1).sum();
            while body.len() < limits.body_lines
                && let Some(line) = self.outgoing.hand_out(until, room)
            {
                bytes += line.cost() + 1;
                room = limits.body_bytes.saturating_sub(bytes);
                body.push(line.clone());
                until += 1;
            }
            if let Some(leg) = self.leg(number) {
                leg.up = until;
            }
        }
        if self.id().is_some() {
            self.tell();
        }
        self.outputs.push_back(Output::Request(number, route, body));
        InFlight { nonce, turn, until, links }
    }

    /// What was received is being told.
    fn tell(&mut self) {
        self.told = self.received;
        self.owed_bytes = 0;
        (self.ack_at, self.ack_due) = (None, false);
    }
}

impl Leg {
    fn may_send(&self) -> bool {
        self.state == State::Usable && self.send.is_none() && self.retry_at.is_none()
    }
}
