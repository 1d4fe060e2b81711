//! What happens by itself. One deadline for the whole session: the earliest of those below.

use super::ServerSession;
use super::answer::AnswerNow;
use super::leg::Leg;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::{LegNumber, limits};
use crate::session::Time;

impl ServerSession {
    /// When [`super::Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.expired {
            return None;
        }
        let legs = self.legs.iter().filter(|leg| leg.is_attached()).filter_map(|leg| self.leg_deadline(leg));
        let ack = self.ack_at.filter(|_| self.active_carrier().is_some());
        legs.chain(ack).chain(self.expires_at()).min()
    }

    /// Whether a client is there to read: its leg is attached, or it polls, and asked within the last heartbeat.
    #[must_use]
    pub fn has_reader(&self, now: Time) -> bool {
        let active = self.legs.iter().find(|leg| Some(leg.number) == self.active);
        let polls = |leg: &Leg| leg.writes_once() && now < self.alive + self.settings.heartbeat;
        active.is_some_and(|leg| leg.is_attached() || polls(leg))
    }

    /// Rule 12, and the bound on sessions that nobody answers for.
    fn expires_at(&self) -> Option<Time> {
        if !self.confirmed {
            return Some(self.created + limits::HELLO_DEADLINE);
        }
        (self.attached() == 0).then_some(self.alive + self.settings.resume)
    }

    fn leg_deadline(&self, leg: &Leg) -> Option<Time> {
        let candidate = self.active != Some(leg.number) && !leg.proven;
        let unproven = candidate.then_some(leg.attached_at + limits::CANDIDATE_DEADLINE);
        if leg.writes_once() {
            let held = leg.answer.is_none().then_some(leg.held_until);
            return [unproven, held, leg.gathers_until, leg.leaves_at].into_iter().flatten().min();
        }
        let ping = (!leg.ping_due).then_some(leg.ping_at);
        let pong = leg.pong_at().filter(|_| !leg.pong_ripe);
        [unproven, ping, leg.leaves_at, Some(self.silent_at(leg)), pong].into_iter().flatten().min()
    }

    /// By the gateway's own heartbeat, however short a client wished its pings to be: a background tab is as slow as before.
    fn silent_at(&self, leg: &Leg) -> Time {
        leg.heard + self.settings.heartbeat * limits::SILENT_HEARTBEATS
    }

    pub(super) fn timeout(&mut self, now: Time) {
        if self.expires_at().is_some_and(|at| now >= at) {
            self.expire();
            return;
        }
        if self.ack_at.is_some_and(|at| now >= at) {
            self.acknowledge_now();
        }
        for (number, refusal) in self.overdue_legs(now) {
            self.end_leg(number, &refusal);
            self.alive = now;
        }
        let heartbeat = self.heartbeat();
        for leg in self.legs.iter_mut().filter(|leg| leg.is_attached()) {
            leg.pong_ripe |= leg.pong_at().is_some_and(|at| at <= now);
            if leg.writes_once() {
                if now >= leg.held_until {
                    leg.answer.get_or_insert(AnswerNow::Held);
                }
                leg.gathers_until.take_if(|until| now >= *until);
            } else if now >= leg.ping_at {
                leg.ping_due = true;
                leg.ping_at = now + heartbeat;
            }
        }
    }

    fn overdue_legs(&self, now: Time) -> Vec<(LegNumber, Refusal)> {
        let overdue = |leg: &Leg| {
            let overstays = leg.overstays(now);
            if overstays.is_some() {
                return overstays;
            }
            if !leg.writes_once() && now >= self.silent_at(leg) {
                return Some(Refusal::new(Code::Timeout, "nothing was heard on this leg for five heartbeats"));
            }
            let candidate = self.active != Some(leg.number) && !leg.proven;
            (candidate && now >= leg.attached_at + limits::CANDIDATE_DEADLINE)
                .then(|| Refusal::new(Code::Refused, "this candidate did not prove itself within 30 s"))
        };
        let attached = self.legs.iter().filter(|leg| leg.is_attached());
        attached.filter_map(|leg| overdue(leg).map(|refusal| (leg.number, refusal))).collect()
    }
}
