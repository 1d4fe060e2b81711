//! Accepts what comes up, from sockets and from bodies: hellos, link frames and numbered lines.

use super::leg::{Leg, State};
use super::{Carrier, Output, ServerSession};
use crate::protocol::code::{Leaving, Limit, Mistake, Refusal};
use crate::protocol::limits;
use crate::protocol::up::{Command, Hello, Up};
use crate::protocol::{LegNumber, Seq, Transport, down};
use crate::session::Time;
use crate::session::outgoing::BeyondSent;

impl ServerSession {
    /// Accepts a socket's first hello, or a stream's body. A second attach of a leg replaces the first carrier,
    /// which gets `end` (rule 8).
    pub(super) fn attach_stream(
        &mut self,
        now: Time,
        carrier: Carrier,
        transport: Transport,
        hello: Hello,
        frames: Vec<Up>,
    ) -> Result<(), Refusal> {
        self.check(&hello, &frames)?;
        self.check_transport(hello.leg, transport)?;
        self.check_offered(hello.leg, transport)?;
        self.spend_attach(now)?;
        self.accept(now, &hello)?;
        let number = hello.leg;
        if self.leg(number).is_some_and(|leg| leg.state == State::Ended) {
            self.finish(carrier, down::end(Some(hello.nonce), &Leaving::Replaced.into()));
            self.take_lines(now, hello.next, frames);
            return Ok(());
        }
        if let Some(leg) = self.leg(number) {
            let (older, nonce) = (leg.carrier.take(), leg.nonce.clone());
            if let Some(older) = older {
                self.finish(older, down::end(Some(nonce), &Leaving::Replaced.into()));
            }
        }
        // An active leg stays active on its new carrier. A browser that repeats a POST by itself reads the second
        // answer, whose welcome shows the leg's own turn.
        let leaves_at = self.leg(number).and_then(|leg| leg.leaves_at);
        self.legs.retain(|leg| leg.number != number);
        let mut leg = Leg::new(now, number, transport, hello.nonce.clone());
        leg.carrier = Some(carrier);
        leg.leaves_at = leaves_at;
        if let Some(flow) = leg.carriage.flow_mut() {
            flow.ping_at = now + self.settings.heartbeat;
        }
        leg.cursor = self.base(hello.received);
        self.add(leg);
        self.wish(now, &hello);
        self.grant(now, number, &hello);
        self.body(now, &hello, frames);
        self.make_room(number);
        Ok(())
    }

    /// Accepts a send: link frames for the leg that it names, and lines from any leg (rule 9).
    pub(super) fn send(&mut self, now: Time, carrier: Carrier, hello: Hello, frames: Vec<Up>) -> Result<(), Refusal> {
        self.check(&hello, &frames)?;
        if self.turns_away(now, carrier, &hello.nonce) {
            return Ok(());
        }
        let asks = hello.turn > self.turn;
        if asks {
            self.spend_attach(now)?;
        }
        self.accept(now, &hello)?;
        let number = hello.leg;
        let may_ask = self.leg(number).is_some_and(|leg| leg.is_attached() && !leg.writes_once());
        if may_ask {
            self.grant(now, number, &hello);
        }
        self.send_read(number, &hello);
        if let Some(leg) = self.leg(number) {
            leg.hear(now);
        }
        self.body(now, &hello, frames);
        // A client that names the incarnation has read a welcome. Nothing more of a welcome would count here (rule
        // 9).
        let answer = if hello.id.is_some() {
            self.brief(hello.nonce, None, hello.next.previous())
        } else {
            let next = self.base(hello.received);
            self.welcome(now, hello.nonce, number, next)
        };
        self.finish(carrier, answer);
        Ok(())
    }

    /// Accepts one frame on a socket.
    pub(super) fn socket_frame(&mut self, now: Time, carrier: Carrier, frame: Up) -> Result<(), Refusal> {
        let Some(leg) = self.leg_of(carrier) else {
            return Ok(());
        };
        leg.hear(now);
        let number = leg.number;
        match frame {
            Up::Hello(hello) => self.second_hello(now, number, &hello),
            Up::Ack { received, next } => {
                self.take_ack(received)?;
                self.confirmed |= next.is_some();
                next.map_or(Ok(()), |next| self.state_next(number, next))
            }
            Up::Command(command) => {
                let next = self.leg(number).and_then(|leg| leg.carriage.next_up());
                let Some(count) = next.and_then(Option::as_mut) else {
                    return Err(Mistake::Unnumbered.into());
                };
                let line = *count;
                *count = line.next();
                self.take(now, line, command);
                Ok(())
            }
            link => {
                self.link_frame(now, number, link);
                Ok(())
            }
        }
    }

    fn second_hello(&mut self, now: Time, number: LegNumber, hello: &Hello) -> Result<(), Refusal> {
        if hello.leg != number {
            return Err(Mistake::OtherLeg { named: hello.leg, leg: number }.into());
        }
        if hello.id.as_ref().is_some_and(|id| *id != self.id) {
            return Err(Leaving::Incarnation.into());
        }
        if hello.turn > self.turn {
            self.spend_attach(now)?;
        }
        self.accept(now, hello)?;
        self.second_hello_read(number, hello);
        self.grant(now, number, hello);
        Ok(())
    }

    /// Accepts the stated number of the next line on a socket (rule 6). A number above the expected one is a gap
    /// (rule 7).
    fn state_next(&mut self, number: LegNumber, next: Seq) -> Result<(), Refusal> {
        if next > self.received.next() {
            return Err(Mistake::Gap { next, received: self.received }.into());
        }
        if let Some(stated) = self.leg(number).and_then(|leg| leg.carriage.next_up()) {
            *stated = Some(next);
        }
        Ok(())
    }

    /// Makes a leg active if the requested turn is greater than the session's, and the leg has not ended (rule 3).
    /// Returns true if this hello made the leg active.
    pub(super) fn grant(&mut self, now: Time, number: LegNumber, hello: &Hello) -> bool {
        if hello.turn.is_none() {
            return false;
        }
        self.turn_repeated(now, number, hello);
        if !self.activates(hello.turn > self.turn) || self.leg(number).is_none_or(|leg| !leg.may_be_active()) {
            return false;
        }
        if let Some(loser) = self.active.replace(number).filter(|loser| *loser != number) {
            self.end_leg(loser, &Leaving::Replaced.into());
        }
        self.active = Some(number);
        self.turn = self.turn.max(hello.turn);
        let base = self.base(hello.received);
        let confirms = self.confirms();
        if let Some(leg) = self.leg(number) {
            leg.cursor = base;
            if let Some(flow) = leg.carriage.flow_mut() {
                flow.welcome_due |= confirms;
            }
        }
        true
    }

    /// Accepts the frames of a body. Link frames belong to the leg that the hello names, and lines are accepted by
    /// number.
    pub(super) fn body(&mut self, now: Time, hello: &Hello, frames: Vec<Up>) {
        let (lines, links): (Vec<Up>, Vec<Up>) = frames.into_iter().partition(|frame| matches!(frame, Up::Command(_)));
        let mut bye = None;
        for link in links {
            match link {
                Up::Bye { after } if !self.takes_bye_first() => bye = Some(after),
                link => self.link_frame(now, hello.leg, link),
            }
        }
        self.take_lines(now, hello.next, lines);
        // The lines of the body count before its `bye` (rule 14).
        if let Some(after) = bye {
            self.bye(now, after);
        }
    }

    fn link_frame(&mut self, now: Time, number: LegNumber, frame: Up) {
        match frame {
            Up::Ping { value, pad } => {
                let pad = self.pong_pad(pad);
                if let Some(leg) = self.leg(number) {
                    leg.pinged(now, down::pong(&value, pad.as_deref()), pad.is_some());
                }
            }
            Up::Pong(_) => {
                if let Some(leg) = self.leg(number) {
                    leg.proven = true;
                }
            }
            Up::Token(token) => self.token(now, number, token),
            Up::Bye { after } => self.bye(now, after),
            // In a body the hello states all this already. The check of the hello covers a number beyond what was
            // sent.
            Up::Ack { .. } | Up::Hello(_) | Up::Command(_) => {}
        }
    }

    /// Accepts the numbered lines of a body, or none of them if a number is missing (rule 7). If the body brings a
    /// duplicate, the active leg acknowledges at once, beside the answer. Either the answer before was lost, or
    /// something on the way alters all answers.
    pub(super) fn take_lines(&mut self, now: Time, next: Seq, lines: Vec<Up>) {
        if next > self.received.next() {
            return;
        }
        let commands = lines.into_iter().filter_map(|line| match line {
            Up::Command(command) => Some(command),
            _ => None,
        });
        let received = self.received;
        let mut number = next;
        for command in commands {
            if number <= received {
                self.make_ack_due();
            }
            self.take(now, number, command);
            number = number.next();
        }
    }

    /// Accepts a line by its number: each number once, in order. A duplicate makes an acknowledgement due too,
    /// because the last acknowledgement may have been lost.
    fn take(&mut self, now: Time, number: Seq, command: Command) {
        if self.is_locked(now) {
            return;
        }
        self.ack_at.get_or_insert(now + limits::ACK_DELAY);
        if number != self.received.next() {
            return;
        }
        self.received = number;
        self.unacknowledged_bytes += command.cost;
        self.outputs.push_back(Output::Command(command));
        let limits = &self.settings.limits;
        let unacknowledged = usize::try_from(self.received.since(self.acknowledged)).unwrap_or(usize::MAX);
        if unacknowledged >= limits.ack_frames() || self.unacknowledged_bytes >= limits.ack_bytes() {
            self.make_ack_due();
        }
    }

    /// Checks whether a hello can be accepted at all. It changes nothing.
    pub(super) fn check(&self, hello: &Hello, frames: &[Up]) -> Result<(), Refusal> {
        if hello.received > self.outgoing.sent() {
            return Err(Mistake::BeyondSent { received: hello.received, sent: self.outgoing.sent() }.into());
        }
        let lines = frames.iter().any(|frame| matches!(frame, Up::Command(_)));
        if hello.id.is_none() && lines && self.refuses_early_lines() {
            return Err(Mistake::LinesWithoutId.into());
        }
        Ok(())
    }

    /// Refuses a leg on another transport than its first. A poll in a socket's place would be written to like a
    /// socket.
    pub(super) fn check_transport(&self, number: LegNumber, transport: Transport) -> Result<(), Refusal> {
        match self.legs.iter().find(|leg| leg.number == number) {
            Some(leg) if leg.transport() != transport => {
                Err(Mistake::OtherTransport { leg: number, transport: leg.transport() }.into())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn accept(&mut self, now: Time, hello: &Hello) -> Result<(), Refusal> {
        self.take_ack(hello.received)?;
        self.confirmed |= hello.id.is_some();
        self.last_alive = now;
        Ok(())
    }

    /// Handles an acknowledgement of the client; the greatest counts (rule 7).
    fn take_ack(&mut self, received: Seq) -> Result<(), Refusal> {
        let beyond = |BeyondSent { received, sent }| Mistake::BeyondSent { received, sent }.into();
        self.outgoing.acknowledge(received).map_err(beyond)
    }

    /// Enforces the limit on attaches and turn requests, as a generic cell rate: a burst of a minute's worth, then
    /// evenly.
    pub(super) fn spend_attach(&mut self, now: Time) -> Result<(), Refusal> {
        let minute = Time::from_secs(60);
        let each = minute / self.settings.attaches_a_minute.max(1);
        let due = self.attach_budget.max(now);
        if due + each > now + minute {
            return Err(Limit::Attaches(due + each - now - minute).into());
        }
        self.attach_budget = due + each;
        Ok(())
    }

    /// Keeps at most three legs attached: the oldest candidate ends in favour of the newest leg.
    pub(super) fn make_room(&mut self, newest: LegNumber) {
        while self.attached() > limits::ATTACHED_LEGS {
            let active = self.active;
            let candidate = self
                .legs
                .iter()
                .find(|leg| leg.is_attached() && Some(leg.number) != active && leg.number != newest)
                .map(|leg| leg.number);
            let Some(candidate) = candidate else { return };
            self.end_leg(candidate, &Limit::Legs.into());
        }
        self.forget_legs();
    }
}
