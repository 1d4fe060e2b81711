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

use self::sharing::{Desk, PATIENCE, Place};
use super::clock::Clock;
use super::sessions::going_away;
use crate::backend::Identity;
use crate::protocol::Secret;
use crate::protocol::code::{Fault, Refusal};
use crate::protocol::token::Token;
use crate::protocol::up::Hello;

/// The backend's verdict about a client.
pub(super) type Verdict = Result<Identity, Refusal>;

/// A verdict that comes later.
pub(super) type Awaited = BoxFuture<'static, Verdict>;

/// The question that a judgement answers. Another token is another question, also with the same secret.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Question {
    secret: Secret,
    token: Option<Token>,
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
    pub(super) fn wait(&self, hello: &Hello, asked: Awaited, mut leaving: watch::Receiver<bool>) -> Awaited {
        let question = Question { secret: hello.secret.clone(), token: hello.token.clone() };
        let place = lock(&self.desk).join(self.clock.now(), question, || refusing_panics(asked).shared());
        let until = self.clock.origin + place.until;
        let seat = Seat { desk: Arc::clone(&self.desk), place };
        let wait = async move {
            tokio::select! {
                biased;
                verdict = seat.place.judging.clone() => {
                    lock(&seat.desk).judged(&seat.place);
                    verdict
                }
                _ = leaving.wait_for(|leaving| *leaving) => Err(going_away()),
                () = tokio::time::sleep_until(until) => Err(Fault::Undecided(PATIENCE).into()),
            }
        };
        wait.boxed()
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
