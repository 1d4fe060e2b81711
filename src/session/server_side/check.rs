//! The check of tokens on the server's side of a simulation: at once, or after a while, in which clients are told to wait.

use std::collections::BTreeSet;

use crate::protocol::code::{Mistake, Refusal};
use crate::protocol::token::Token;
use crate::protocol::up::{Hello, Up};
use crate::protocol::{LegNumber, Line, Secret, Transport, down};
use crate::session::server::{Carrier, Right};
use crate::session::{Time, milliseconds};

/// Decides about the token of a client, or about its absence.
pub type Check = Box<dyn Fn(Time, Option<&Token>) -> Result<Box<Right>, Refusal>>;

/// A hello whose decision has come: its carrier, its transport, its frames, and the decision.
type Decided = (Carrier, Transport, Hello, Vec<Up>, Result<Box<Right>, Refusal>);

/// What becomes of a hello.
pub(super) enum Judged {
    Now(Hello, Vec<Up>, Result<Box<Right>, Refusal>),
    /// Its client is told to wait. A poll is over then.
    Told(Line),
    /// It waits in silence.
    Held,
}

/// The checks, and the hellos that wait for them.
pub(super) struct Checks {
    check: Check,
    takes: Time,
    /// When the decision about a leg comes.
    legs: Vec<((Secret, LegNumber), Time)>,
    /// The legs whose client was told to wait.
    told: BTreeSet<u32>,
    waiting: Vec<(Time, Carrier, Transport, Hello, Vec<Up>)>,
}

impl Checks {
    pub(super) fn new(check: Check, takes: Time) -> Self {
        Self { check, takes, legs: Vec::new(), told: BTreeSet::new(), waiting: Vec::new() }
    }

    pub(super) fn check(&self, now: Time, token: Option<&Token>) -> Result<Box<Right>, Refusal> {
        (self.check)(now, token)
    }

    pub(super) fn judge(
        &mut self,
        now: Time,
        carrier: Carrier,
        transport: Transport,
        hello: Hello,
        frames: Vec<Up>,
    ) -> Judged {
        let leg = (hello.secret.clone(), hello.leg);
        let due = match self.legs.iter().find(|(other, _)| *other == leg) {
            Some((_, due)) => *due,
            None => {
                self.legs.push((leg, now + self.takes));
                now + self.takes
            }
        };
        if now >= due {
            let outcome = self.check(now, hello.token.as_ref());
            return Judged::Now(hello, frames, outcome);
        }
        let is_told = !self.told.insert(hello.leg.0);
        let line = down::wait(hello.nonce.clone(), milliseconds(due - now));
        // A poll that was told to wait is over. The next one waits in silence.
        if is_told || transport != Transport::Poll {
            self.waiting.push((due, carrier, transport, hello, frames));
        }
        if is_told { Judged::Held } else { Judged::Told(line) }
    }

    /// Removes and returns the hellos whose decision has come.
    pub(super) fn decided(&mut self, now: Time) -> Vec<Decided> {
        let decided: Vec<_> = self.waiting.extract_if(.., |(due, ..)| *due <= now).collect();
        let decide = |(_, carrier, transport, hello, frames): (Time, Carrier, Transport, Hello, Vec<Up>)| {
            let outcome = self.check(now, hello.token.as_ref());
            (carrier, transport, hello, frames, outcome)
        };
        decided.into_iter().map(decide).collect()
    }

    /// Returns when the next decision comes.
    pub(super) fn due(&self) -> Option<Time> {
        self.waiting.iter().map(|(due, ..)| *due).min()
    }
}

/// Returns the token of a simulation, which states its user and the end of its life: `ann@1500`.
pub fn stating(user: &str, until: Time) -> Option<Token> {
    Token::new(format!("{user}@{}", milliseconds(until))).ok()
}

/// Checks the token of a simulation.
pub fn stated(now: Time, token: Option<&Token>) -> Result<Box<Right>, Refusal> {
    let (user, until) = token.and_then(|token| token.reveal().split_once('@')).ok_or(Mistake::NoToken)?;
    let until = Time::from_millis(until.parse().map_err(|_| Mistake::NoToken)?);
    if now >= until {
        return Err(Mistake::TokenExpired.into());
    }
    Ok(Box::new(Right { user: Some(user.into()), until: Some(until) }))
}
