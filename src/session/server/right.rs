//! The right of a client to be here: whose session it is, and until when (rule 13). And the end that the client itself
//! asks for (rule 14).
//!
//! An expired right ends legs, never the session: a fresh token restores all that it interrupted. Nothing here may
//! check a token. The caller does, and tells the outcome.

use super::ServerSession;
use super::events::{Carrier, Output, Right};
use crate::protocol::code::{Leaving, Mistake, Refusal};
use crate::protocol::down::{self, TokenAnswer};
use crate::protocol::token::Token;
use crate::protocol::{LegNumber, Line, Nonce};
use crate::session::{Time, milliseconds};

impl ServerSession {
    /// Returns true if the session belongs to this user. For any other user its secret is unknown.
    #[must_use]
    pub fn belongs_to(&self, user: Option<&str>) -> bool {
        self.right.as_ref().and_then(|right| right.user.as_deref()) == user || self.ignores_users()
    }

    /// Returns true if the session belongs to this user, or to no user yet.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn is_new_or_of(&self, user: Option<&str>) -> bool {
        self.right.is_none() || self.belongs_to(user)
    }

    /// Returns when the client's right ends, and when the session does because of its `bye`, for the simulation.
    #[cfg(test)]
    pub(crate) fn ends(&self) -> (Option<Time>, Option<Time>) {
        (self.right.as_ref().and_then(|right| right.until), self.bye_at)
    }

    /// Answers a request whose client has no right any more, if it is one. It changes nothing else.
    pub(super) fn turns_away(&mut self, now: Time, carrier: Carrier, nonce: &Nonce) -> bool {
        let is_locked = self.is_locked(now);
        if is_locked {
            let why = self.why_locked();
            self.finish(carrier, down::end(Some(nonce.clone()), &why));
        }
        is_locked
    }

    /// Returns why the right of the client has ended: with its token, or because it never had one.
    fn why_locked(&self) -> Refusal {
        let has_user = self.right.as_ref().is_some_and(|right| right.user.is_some());
        if has_user { Mistake::TokenExpired.into() } else { Mistake::SignIn.into() }
    }

    /// Renews the right of the client. If an older token comes late, the one that lasts longer counts.
    pub(super) fn renew(&mut self, right: Option<Box<Right>>) {
        let Some(right) = right else { return };
        if self.right.is_some() && self.ignores_refresh() {
            return;
        }
        let lasts = |right: &Right| right.until.unwrap_or(Time::MAX);
        if self.right.as_ref().is_none_or(|held| lasts(held) <= lasts(&right)) {
            self.right = Some(right);
        }
    }

    /// Returns true if the client's right has ended. Nothing of it is accepted then, and nothing is acknowledged, so
    /// the client repeats it with a fresh token.
    pub(super) fn is_locked(&self, now: Time) -> bool {
        self.right.as_ref().and_then(|right| right.until).is_some_and(|until| now >= until) && self.locks()
    }

    /// Returns when the legs must end, because the client's right does.
    pub(super) fn locks_at(&self) -> Option<Time> {
        let until = self.right.as_ref()?.until?;
        (self.attached() > 0).then_some(until)
    }

    /// Ends the attached legs. A poll that comes later is refused by itself.
    pub(super) fn lock(&mut self, now: Time) {
        if self.expiry_ends_session() {
            return self.expire(&Leaving::Expired.into());
        }
        let attached: Vec<LegNumber> = self.legs.iter().filter(|leg| leg.is_attached()).map(|leg| leg.number).collect();
        for number in attached {
            self.end_leg(number, &self.why_locked());
            self.last_alive = now;
        }
    }

    /// Requests the check of a fresh token. Each costs an attach, so that no client keeps the gateway busy with
    /// signatures.
    pub(super) fn token(&mut self, now: Time, leg: LegNumber, token: Token) {
        match self.spend_attach(now) {
            Ok(()) => self.outputs.push_back(Output::Token { leg, token }),
            Err(refusal) => self.answer_token(leg, refused(&refusal)),
        }
    }

    /// Handles the outcome of a check. A refusal changes nothing: the token before holds until it expires.
    pub(super) fn token_checked(&mut self, now: Time, leg: LegNumber, outcome: Result<Box<Right>, Refusal>) {
        let right = match outcome {
            Ok(right) if self.right.is_some() && self.belongs_to(right.user.as_deref()) => right,
            Ok(_) => return self.answer_token(leg, refused(&Mistake::OtherUser.into())),
            Err(refusal) => return self.answer_token(leg, refused(&refusal)),
        };
        self.renew(Some(right));
        self.answer_token(leg, TokenAnswer::Accepted { expires_ms: self.expires_ms(now).unwrap_or(u64::MAX >> 11) });
    }

    /// Returns how long the client's right lasts, for a welcome.
    pub(super) fn expires_ms(&self, now: Time) -> Option<u64> {
        let until = self.right.as_ref()?.until?;
        Some(milliseconds(until.saturating_sub(now)))
    }

    fn answer_token(&mut self, leg: LegNumber, answer: TokenAnswer) {
        let line: Line = down::token(answer);
        if let Some(leg) = self.leg(leg) {
            leg.token = Some(line);
        }
    }

    /// Handles `bye`: the session ends after this time, unless its client comes back before (rule 14).
    pub(super) fn bye(&mut self, now: Time, after: Time) {
        if self.ignores_bye() {
            return;
        }
        if after.is_zero() {
            return self.finish_session(&Leaving::Bye.into(), Output::Left);
        }
        self.bye_at = Some(now + after);
    }
}

fn refused(refusal: &Refusal) -> TokenAnswer {
    TokenAnswer::Refused { code: refusal.code().name().to_owned(), message: refusal.message() }
}
