//! The client's right to be here: tokens that expire, decisions that take a while, another user, and the end by `bye`.

use super::*;
use crate::protocol::up::Hello;
use crate::protocol::{Nonce, Seq, SessionId};
use crate::session::milliseconds;
use crate::session::server_side::{stated, stating};

/// The leg of the other user.
const INTRUDER: LegNumber = LegNumber(9_999);
/// A `bye` arrives within this time, and ends its session.
const LONGEST_BYE: Time = Time::from_secs(20);
/// The time that a `bye` leaves to a client that comes back.
const MAY_RETURN: Time = Time::from_secs(10);

/// The rights of a schedule.
#[derive(Default)]
pub(super) struct Rights {
    /// How long each token lasts. `None`: no client needs one.
    life: Option<Time>,
    /// When the token of the client expires.
    until: Time,
    renew_at: Time,
    /// The application forgets to renew it in time.
    is_late: bool,
    has_intruder: bool,
    end: End,
}

/// How the client ends its session, after everything has arrived.
#[derive(Default, Clone)]
enum End {
    /// It does not.
    #[default]
    Never,
    Planned,
    PlannedWithReturn,
    /// Behind the message of this number.
    Said(SessionId, Time, u64),
    SaidWithReturn(SessionId, Time),
    /// It came back before this time.
    Returned(SessionId, Time),
}

impl Rights {
    pub(super) const fn is_leaving(&self) -> bool {
        !matches!(self.end, End::Never | End::Planned | End::PlannedWithReturn)
    }
}

impl Schedule {
    /// Draws the rights. A session lives for `resume` without a leg.
    pub(super) fn draw_rights(&mut self, resume: Time) {
        let is_hard = self.network.is_hard();
        if !is_hard && self.random.percent(30) {
            // A session that dies soon without a leg says nothing about its return.
            let returns = self.random.percent(50) && resume > MAY_RETURN;
            self.rights.end = if returns { End::PlannedWithReturn } else { End::Planned };
        }
        if !self.random.percent(40) {
            return;
        }
        let takes = self.random.pick(&[0, 0, 300, 1_900]);
        // A token must not expire on a slow line, or before the decision.
        let life = if is_hard { 60_000 } else { 1_500 + 3 * takes + self.random.below(6_000) };
        self.rights.life = Some(Time::from_millis(life));
        let server = std::mem::replace(&mut self.server, ServerSide::new(Box::new(|_, _| unreachable!("no client"))));
        self.server = server.checking(Box::new(stated), Time::from_millis(takes));
        self.renew();
        if self.random.percent(50) {
            let at = self.random.milliseconds(9_000);
            self.agenda.plan(at, Event::Intrude);
        }
    }

    /// Gives the client a fresh token.
    fn renew(&mut self) {
        let Some(life) = self.rights.life else { return };
        self.rights.until = self.now + life;
        self.rights.renew_at = self.now + life * 6 / 10 + self.random.milliseconds(milliseconds(life) * 3 / 10);
        self.rights.is_late = !self.quiet() && self.random.percent(25);
        if let Some(token) = stating("ann", self.rights.until) {
            self.client.handle(self.now, Input::Token(token));
        }
    }

    /// Renews the token when its time has come: before it expires, or behind that if the application is late.
    pub(super) fn refresh(&mut self) {
        let rights = &self.rights;
        let due = if rights.is_late { rights.until + Time::from_millis(300) } else { rights.renew_at };
        if rights.life.is_some() && self.now >= due {
            self.renew();
        }
    }

    /// A leg that ended for want of a token makes the application ask for one.
    pub(super) fn legs_end(&mut self, why: &str) {
        if why == "unauthorized" && self.now >= self.rights.until {
            self.renew();
        }
    }

    pub(super) fn waits(&mut self, leg: LegNumber, most: Time) {
        if let Some(owned) = self.owned.get_mut(&leg) {
            owned.opened = self.now + most;
        }
    }

    /// Another user tries to join with the secret of the session.
    pub(super) fn intrude(&mut self) -> Result<(), String> {
        let (Some(id), Some(secret)) = (self.server.newest(), self.server.secret().cloned()) else { return Ok(()) };
        let hello = Hello {
            secret,
            id: Some(id),
            leg: INTRUDER,
            turn: None,
            received: Seq::NONE,
            next: Seq::FIRST,
            nonce: Nonce::try_from("eve".to_owned()).map_err(|_| "a nonce")?,
            token: stating("eve", self.now + Time::from_secs(60)),
            heartbeat_ms: None,
            hold_ms: None,
            report: None,
        };
        self.counted += 1;
        self.server.socket(self.now, Carrier(self.counted), &hello.line().received());
        self.rights.has_intruder = true;
        Ok(())
    }

    pub(super) fn check_intruder(&mut self) -> Result<(), String> {
        if !self.rights.has_intruder {
            return Ok(());
        }
        let session = self.server.newest().and_then(|id| self.server.session(&id));
        if session.is_some_and(|session| session.knows_leg(INTRUDER)) {
            return Err("another user joined the session".to_owned());
        }
        Ok(())
    }

    /// Checks that the session accepts lines only while its client has a right.
    pub(super) fn check_right(&mut self, id: &SessionId) -> Result<(), String> {
        let now = self.now;
        let until = self.server.session(id).and_then(|session| session.ends().0);
        if until.is_some_and(|until| now >= until) {
            return Err("a line was taken after the right of the client had ended".to_owned());
        }
        Ok(())
    }

    /// Ends the session as planned. Returns true at the end of that.
    pub(super) fn leave(&mut self) -> Result<bool, String> {
        let now = self.now;
        let end = self.rights.end.clone();
        match end {
            End::Never => return Ok(true),
            End::Planned | End::PlannedWithReturn => {
                let Some((id, ..)) = self.client.numbers() else { return Ok(true) };
                let id = id.clone();
                let is_for_good = matches!(end, End::Planned);
                if is_for_good {
                    (0..2).for_each(|_| self.push_up(Message::Short));
                }
                self.client.handle(now, Input::Bye(if is_for_good { Time::ZERO } else { MAY_RETURN }));
                self.rights.end =
                    if is_for_good { End::Said(id, now, self.ledger.pushed_up) } else { End::SaidWithReturn(id, now) };
            }
            End::Said(id, at, last) => {
                if self.server.session(&id).is_none() {
                    // The session may also have ended without its `bye`. Then the client is told.
                    let is_whole = self.server.left() != Some(&id) || self.ledger.has_taken(last);
                    return if is_whole { Ok(true) } else { Err("lines before a bye were lost".to_owned()) };
                }
                // The leg may have died under the bye, which nothing repeats.
                self.client.handle(now, Input::Bye(Time::ZERO));
                if now > at + LONGEST_BYE {
                    return Err(format!("a bye was ignored: client {:?}; server {:?}", self.client, self.server));
                }
            }
            End::SaidWithReturn(id, at) => {
                let bye_at = self.server.session(&id).and_then(|session| session.ends().1);
                if let Some(bye_at) = bye_at.filter(|bye_at| *bye_at > now + Time::from_millis(2_500)) {
                    // A token must not expire before the decision about the leg.
                    self.renew();
                    self.open();
                    self.rights.end = End::Returned(id, bye_at);
                } else if now > at + LONGEST_BYE {
                    // A client that polls on has come back already.
                    return Ok(true);
                }
            }
            End::Returned(id, bye_at) => {
                if self.server.session(&id).is_none() {
                    return Err(format!("a session ended although its client came back: client {:?}", self.client));
                }
                return Ok(now > bye_at);
            }
        }
        Ok(false)
    }
}
