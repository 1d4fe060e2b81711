//! The judgements of hellos that are under way.
//!
//! The link itself awaits a later verdict, so the verdict needs no task, and no lock is held meanwhile. Legs that
//! ask the same question together share one judgement.
//!
//! # Layout
//! - `sharing`: which hellos share a judgement: a pure machine

mod sharing;
#[cfg(test)]
mod simulation;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use tokio::sync::watch;
use tokio::time::Instant;

use self::sharing::{Desk, PATIENCE, Place};
use super::clock::Clock;
use super::sessions::going_away;
use crate::backend::access::Admitted;
use crate::protocol::code::{Fault, Refusal};
use crate::protocol::token::Token;
use crate::protocol::up::Hello;
use crate::protocol::{LegNumber, Secret};

/// The backend's verdict about a client.
pub(super) type Verdict = Result<Admitted, Refusal>;

/// A verdict that comes later.
pub(super) type Awaited = BoxFuture<'static, Verdict>;

/// The question that a judgement answers. Another token is another question, also with the same secret.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Question {
    secret: Secret,
    token: Option<Token>,
}

/// A wait for a verdict.
pub(super) struct Waiting {
    pub(super) verdict: Awaited,
    /// The verdict comes by then.
    pub(super) until: Instant,
    /// An earlier poll of the leg was told to wait. This one waits in silence.
    pub(super) is_told: bool,
    leg: LegNumber,
    seat: Arc<Seat>,
}

type Seats = Mutex<Desk<Question, Shared<Awaited>>>;

/// The judgements that are under way.
pub(super) struct Judgements {
    desk: Arc<Seats>,
    clock: Clock,
}

/// A link's place at a judgement. Dropping it gives the place back.
struct Seat {
    desk: Arc<Seats>,
    place: Place<Question, Shared<Awaited>>,
}

impl Judgements {
    pub(super) fn new(clock: Clock) -> Self {
        Self { desk: Arc::new(Mutex::new(Desk::new())), clock }
    }

    /// Waits for the verdict about a hello, from `asked` or from the judgement that is under way. A node that is
    /// `leaving` waits for none.
    pub(super) fn wait(
        &self,
        hello: &Hello,
        token: Option<&Token>,
        asked: Awaited,
        mut leaving: watch::Receiver<bool>,
    ) -> Waiting {
        let question = Question { secret: hello.secret.clone(), token: token.cloned() };
        let mut desk = lock(&self.desk);
        let place = desk.join(self.clock.now(), question, || refusing_panics(asked).shared());
        let is_told = desk.is_told(&place, hello.leg);
        drop(desk);
        let until = self.clock.origin + place.until;
        let seat = Arc::new(Seat { desk: Arc::clone(&self.desk), place });
        let (waiting, until_then) = (Arc::clone(&seat), until);
        let wait = async move {
            tokio::select! {
                biased;
                verdict = waiting.place.judging.clone() => {
                    lock(&waiting.desk).judged(&waiting.place);
                    verdict
                }
                _ = leaving.wait_for(|leaving| *leaving) => Err(going_away()),
                () = tokio::time::sleep_until(until) => Err(Fault::Undecided(PATIENCE).into()),
            }
        };
        Waiting { verdict: wait.boxed(), until: until_then, is_told, leg: hello.leg, seat }
    }
}

impl Waiting {
    /// Lets the judgement go on without its link, a poll that was told to wait. The next poll of the client joins it,
    /// and finds its verdict even if that came in between.
    pub(super) fn promise(self) {
        let Self { until, leg, seat, .. } = self;
        if lock(&seat.desk).promise(&seat.place, leg) {
            tokio::spawn(async move {
                let _ = tokio::time::timeout_at(until, seat.place.judging.clone()).await;
                tokio::time::sleep_until(until).await;
            });
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.desk).leave(&self.place);
    }
}

/// Turns the panic of a judgement into a refusal. A fault of the backend must not spread to the connections that
/// wait for it.
fn refusing_panics(asked: Awaited) -> Awaited {
    let refused = |_| Err(Fault::Judgement.into());
    AssertUnwindSafe(asked).catch_unwind().map(move |verdict| verdict.unwrap_or_else(refused)).boxed()
}

fn lock(desk: &Seats) -> MutexGuard<'_, Desk<Question, Shared<Awaited>>> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}
