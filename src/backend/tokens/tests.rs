//! The verifier with real signatures. The clock of the day is an argument; [`remote`] has a real key server.

mod files;
mod maker;
mod remote;
mod secrets;
mod table;

use std::time::{Duration, UNIX_EPOCH};

use self::maker::token;
use super::*;
use crate::protocol::code::{Mistake, Reason};

const SECRET: &str = "a secret that only the tests have";

/// Returns a moment of the day, this many seconds after 1970.
fn day(seconds: u64) -> Moment {
    Moment { day: UNIX_EPOCH + Duration::from_secs(seconds), at: Instant::now() }
}

/// Returns what a decision says, which must be there at once.
#[track_caller]
fn now(decision: Decision<Result<Arc<Identity>, Refusal>>) -> Result<Arc<Identity>, Refusal> {
    match decision {
        Decision::Now(verdict) => verdict,
        Decision::Later(_) => panic!("the decision comes later"),
    }
}

async fn whenever(decision: Decision<Result<Arc<Identity>, Refusal>>) -> Result<Arc<Identity>, Refusal> {
    match decision {
        Decision::Now(verdict) => verdict,
        Decision::Later(verdict) => verdict.await,
    }
}

/// Returns the fault of a token.
#[track_caller]
fn fault(verdict: Result<Arc<Identity>, Refusal>) -> BadToken {
    let refusal = verdict.expect_err("the token is bad");
    match refusal.reason() {
        Reason::Mistake(Mistake::Token(why)) => *why,
        other => panic!("{other}"),
    }
}
