//! What time alone causes. The whole session has one deadline: the earliest of those below.

use super::answer::AnswerNow;
use super::carriage::{Carriage, Flow};
use super::leg::Leg;
use super::{Carrier, ServerSession};
use crate::protocol::code::{Leaving, Refusal};
use crate::protocol::{LegNumber, limits};
use crate::session::Time;

impl ServerSession {
    /// Returns when [`super::Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.expired {
            return None;
        }
        let ack = self.ack_at.filter(|_| self.active_carrier().is_some());
        let session = earlier(earlier(ack, self.locks_at()), self.expires_at());
        let attached = self.legs.iter().filter(|leg| leg.is_attached());
        attached.fold(session, |earliest, leg| earlier(earliest, self.leg_deadline(leg)))
    }

    /// Returns true if a client reads: its leg is attached, or it polls and did so within the last heartbeat.
    #[must_use]
    pub fn has_reader(&self, now: Time) -> bool {
        let active = self.legs.iter().find(|leg| Some(leg.number) == self.active);
        let polls = |leg: &Leg| leg.writes_once() && now < self.last_alive + self.settings.heartbeat;
        active.is_some_and(|leg| leg.is_attached() || polls(leg))
    }

    /// Returns when the session expires: by rule 12, because its client said `bye` (rule 14), or because its client never confirmed it.
    fn expires_at(&self) -> Option<Time> {
        if !self.confirmed {
            return Some(self.created + limits::HELLO_DEADLINE);
        }
        let unattached = (self.attached() == 0).then_some(self.last_alive + self.settings.resume);
        earlier(unattached, self.bye_at)
    }

    fn leg_deadline(&self, leg: &Leg) -> Option<Time> {
        let candidate = self.active != Some(leg.number) && !leg.proven;
        let unproven = candidate.then_some(leg.attached_at + limits::CANDIDATE_DEADLINE);
        let of_carriage = match &leg.carriage {
            Carriage::Poll(parked) => {
                let held = parked.answer.is_none().then_some(parked.held_until);
                earlier(held, parked.gathers_until)
            }
            Carriage::Stream(flow) | Carriage::Socket(flow, _) => {
                let ping = (!flow.ping_due).then_some(flow.ping_at);
                let pong = leg.pong_at().filter(|_| !leg.pong_ripe);
                earlier(earlier(ping, pong), Some(self.silent_at(flow)))
            }
        };
        earlier(of_carriage, earlier(unproven, leg.leaves_at))
    }

    /// Returns when a leg counts as dead of silence. The gateway's own heartbeat counts, even if the client wished
    /// for shorter pings: a background tab stays as slow as before.
    fn silent_at(&self, flow: &Flow) -> Time {
        flow.heard + self.settings.heartbeat * limits::SILENT_HEARTBEATS
    }

    /// Makes the answer of a poll due with what there is, because its client stopped waiting. It is no
    /// [`super::Input`], because it causes only lines for this carrier, and the carrier's owner asks for them.
    pub fn hurry(&mut self, carrier: Carrier) {
        if let Some(parked) = self.leg_of(carrier).and_then(|leg| leg.carriage.parked_mut()) {
            parked.answer.get_or_insert(AnswerNow::Held);
        }
    }

    pub(super) fn timeout(&mut self, now: Time) {
        if self.expires_at().is_some_and(|at| now >= at) {
            self.expire(&Leaving::Expired.into());
            return;
        }
        if self.locks_at().is_some_and(|at| now >= at) {
            self.lock(now);
        }
        if self.ack_at.is_some_and(|at| now >= at) {
            self.make_ack_due();
        }
        for (number, refusal) in self.overdue_legs(now) {
            self.end_leg(number, &refusal);
            self.last_alive = now;
        }
        let heartbeat = self.heartbeat();
        for leg in self.legs.iter_mut().filter(|leg| leg.is_attached()) {
            leg.pong_ripe |= leg.pong_at().is_some_and(|at| at <= now);
            match &mut leg.carriage {
                Carriage::Poll(parked) => {
                    if now >= parked.held_until {
                        parked.answer.get_or_insert(AnswerNow::Held);
                    }
                    parked.gathers_until.take_if(|until| now >= *until);
                }
                Carriage::Stream(flow) | Carriage::Socket(flow, _) => {
                    if now >= flow.ping_at {
                        flow.ping_due = true;
                        flow.ping_at = now + heartbeat;
                    }
                }
            }
        }
    }

    fn overdue_legs(&self, now: Time) -> Vec<(LegNumber, Refusal)> {
        let overdue = |leg: &Leg| {
            let overstays = leg.overstays(now);
            if overstays.is_some() {
                return overstays;
            }
            if leg.carriage.flow().is_some_and(|flow| now >= self.silent_at(flow)) {
                return Some(Leaving::Silent.into());
            }
            let candidate = self.active != Some(leg.number) && !leg.proven;
            (candidate && now >= leg.attached_at + limits::CANDIDATE_DEADLINE).then(|| Leaving::Unproven.into())
        };
        let attached = self.legs.iter().filter(|leg| leg.is_attached());
        attached.filter_map(|leg| overdue(leg).map(|refusal| (leg.number, refusal))).collect()
    }
}

/// Returns the earlier of two times, of those that there are.
fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
