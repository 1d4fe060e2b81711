//! Writes what goes down: link frames first, then numbered lines, composed at the moment they are written.

use serde_json::Number;

use super::answer::AnswerNow;
use super::carriage::Carriage;
use super::{Carrier, Output, ServerSession};
use crate::protocol::code::Refusal;
use crate::protocol::{LegNumber, Line, Nonce, Seq, Transport, down, limits};
use crate::session::outgoing::Outgoing;
use crate::session::{Time, milliseconds};

impl ServerSession {
    /// Returns the carriers that something can be written to at this moment.
    pub fn wants_write(&self) -> impl Iterator<Item = Carrier> + '_ {
        self.legs.iter().filter(|leg| leg.is_attached() && self.is_due(leg)).filter_map(|leg| leg.carrier)
    }

    /// Returns true if something can be written to this carrier.
    #[must_use]
    pub fn wants_write_on(&self, carrier: Carrier) -> bool {
        self.legs.iter().any(|leg| leg.carrier == Some(carrier) && leg.is_attached() && self.is_due(leg))
    }

    /// Returns the carrier that a pushed frame would be written to, if one is attached.
    #[must_use]
    pub fn active_carrier(&self) -> Option<Carrier> {
        let active = self.active?;
        self.legs.iter().find(|leg| leg.number == active && leg.is_attached())?.carrier
    }

    /// Hands out, line by line, all that is due on a carrier, up to `most` bytes in line form. One line is written
    /// even if it is longer. It writes nothing to a leg that has ended, and a single line uses a poll up. An
    /// acknowledgement that is due soon goes with the write (rule 11).
    ///
    /// Returns true if [`Self::poll_timeout`] may have changed. Numbered lines alone do not change it, except on a
    /// poll, which they use up.
    pub fn write(&mut self, now: Time, carrier: Carrier, most: usize, mut out: impl FnMut(&Line)) -> bool {
        let Some(place) = self.legs.iter().position(|leg| leg.carrier == Some(carrier) && leg.is_attached()) else {
            return false;
        };
        let leg = &self.legs[place];
        if !self.is_due(leg) {
            return false;
        }
        let active = self.active == Some(leg.number);
        let overrun = leg.cursor < self.outgoing.lowest();
        let rides = active && self.ack_at.is_some_and(|at| at <= now + limits::ACK_RIDES);
        // An answer begins with a welcome.
        let opens = leg.carriage.flow().is_none_or(|flow| flow.welcome_due);
        let links = opens || leg.wants_links() || overrun || rides;
        if links {
            if let Some(flow) = self.legs[place].carriage.flow_mut() {
                flow.ack_due |= rides;
            }
            self.write_links(now, place, active, &mut out);
        }
        let lines = if active { self.write_lines(place, most, &mut out) } else { 0 };
        let leg = &mut self.legs[place];
        if let Carriage::Poll(parked) = &mut leg.carriage {
            leg.carrier = None;
            parked.answer = None;
            parked.long_answer = lines >= limits::LONG_ANSWER && leg.cursor > self.outgoing.last();
            self.last_alive = now;
        }
        links
    }

    fn is_due(&self, leg: &super::leg::Leg) -> bool {
        match &leg.carriage {
            Carriage::Poll(parked) => self.answer_now(leg, parked).is_some(),
            Carriage::Stream(flow) | Carriage::Socket(flow, _) => {
                let lines = self.active == Some(leg.number) && leg.cursor <= self.outgoing.last();
                flow.welcome_due || lines || leg.wants_links()
            }
        }
    }

    fn write_links(&mut self, now: Time, place: usize, active: bool, out: &mut impl FnMut(&Line)) {
        let lowest = self.outgoing.lowest();
        let leg = &mut self.legs[place];
        let overrun = active && leg.cursor < lowest;
        leg.cursor = leg.cursor.max(lowest);
        let (welcome, ack) = match leg.carriage.flow_mut() {
            Some(flow) => (std::mem::take(&mut flow.welcome_due), std::mem::take(&mut flow.ack_due)),
            None => (true, false),
        };
        let (number, cursor, nonce) = (leg.number, leg.cursor, leg.nonce.clone());
        if welcome {
            if let Some(flow) = leg.carriage.flow_mut() {
                flow.welcomed = Some(now);
            }
            // A pong that was ripe after an earlier welcome must wait again.
            leg.pong_ripe = false;
            out(&self.opening(now, nonce, number, cursor));
        } else if ack || (overrun && self.states_overrun()) {
            out(&self.ack(active.then_some(cursor)));
        }
        let leg = &mut self.legs[place];
        if let Some(pong) = leg.pong_at().filter(|at| *at <= now).and_then(|_| leg.pong.take()) {
            leg.pong_ripe = false;
            out(&pong.line);
        }
        if leg.carriage.flow_mut().is_some_and(|flow| std::mem::take(&mut flow.ping_due)) {
            out(&down::ping(&Number::from(milliseconds(now)), None));
        }
        if let Some(line) = leg.link.take() {
            out(&line);
        }
        if let Some(token) = leg.token.take() {
            out(&token);
        }
        if let Some(config) = leg.config.take() {
            if let Some(parked) = leg.carriage.parked_mut() {
                parked.news = true;
            }
            out(&config);
        }
    }

    /// Writes numbered lines, and returns their number. On a socket it first announces the bytes of a large write.
    fn write_lines(&mut self, place: usize, most: usize, out: &mut impl FnMut(&Line)) -> usize {
        let leg = &mut self.legs[place];
        // Most lines go alone. The cost of such a line is known below, so only several lines are summed here.
        let alone = leg.cursor == self.outgoing.last();
        if !alone && self.outgoing.bytes() >= limits::ANNOUNCED_BYTES && leg.transport() == Transport::WebSocket {
            let bytes = self.outgoing.bytes_from(leg.cursor, most);
            if bytes >= limits::ANNOUNCED_BYTES {
                announce(bytes, out);
            }
        }
        let (mut lines, mut bytes) = (0, 0);
        while bytes < most
            && let Some(line) = self.outgoing.hand_out(leg.cursor, usize::MAX)
        {
            bytes += line.cost();
            if bytes >= limits::ANNOUNCED_BYTES && alone && leg.transport() == Transport::WebSocket {
                announce(bytes, out);
            }
            out(line);
            leg.cursor = leg.cursor.next();
            lines += 1;
        }
        lines
    }

    /// Returns the first frame of a leg or of a poll's answer.
    pub(super) fn opening(&mut self, now: Time, nonce: Nonce, number: LegNumber, next: Seq) -> Line {
        let parked = self.leg(number).and_then(|leg| leg.carriage.parked());
        match parked.filter(|parked| !parked.news).and_then(|parked| parked.knows) {
            Some(known) => self.brief(nonce, Some(next), known),
            None => self.welcome(now, nonce, number, next),
        }
    }

    fn ack(&mut self, next: Option<Seq>) -> Line {
        self.acknowledge();
        down::ack(self.received, next)
    }

    /// Makes an acknowledgement due (rule 11) on the active leg; for a parked poll that means its answer. Without
    /// an active leg the next welcome acknowledges.
    pub(super) fn make_ack_due(&mut self) {
        self.ack_at = None;
        let Some(active) = self.active else { return };
        match self.leg(active).map(|leg| &mut leg.carriage) {
            Some(Carriage::Poll(parked)) => {
                parked.answer.get_or_insert(AnswerNow::Ack);
            }
            Some(Carriage::Stream(flow) | Carriage::Socket(flow, _)) => flow.ack_due = true,
            None => {}
        }
    }

    /// Ends the remaining legs for this reason, because the session is over.
    pub(super) fn expire(&mut self, why: &Refusal) {
        self.finish_session(why, Output::Expired);
    }

    /// Ends the remaining legs for this reason, and the session with this output.
    pub(super) fn finish_session(&mut self, why: &Refusal, last: Output) {
        if std::mem::replace(&mut self.expired, true) {
            return;
        }
        self.end_legs(why);
        // A holder of the session must not keep its frames alive.
        self.outgoing = Outgoing::default();
        self.outputs.push_back(last);
    }
}

/// Announces how many bytes the following lines have.
#[cold]
fn announce(bytes: usize, out: &mut impl FnMut(&Line)) {
    out(&down::bytes(bytes as u64));
}
