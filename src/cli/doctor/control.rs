//! The first question (does the gateway answer?), and the shortest request of a session.

use std::time::Duration;

use super::http::{self, Shared};
use super::leg::{SLOW_MS, figures};
use super::speak::{Cause, OPEN, Outcome, Session, Stop};

const LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn ask(target: &Shared) -> Result<Outcome, Stop> {
    let nonce = Session::new(target).name().nonce;
    let path = target.route(&format!("control?nonce={nonce}"));
    let answer = match http::get(target, &path, LIMIT).await {
        Ok(answer) => answer,
        Err(stop) => return Err(why_none(target, stop).await),
    };
    let first = answer.first();
    if answer.status == 200 && first["v"] == 1 && first["control"] == true && first["nonce"] == nonce {
        let code = if answer.ms > SLOW_MS { "slow" } else { "ours" };
        return Ok(Outcome { code, figures: figures([("ms", answer.ms)]) });
    }
    if answer.status == 403 && first["code"] == "forbidden" {
        return Err(Stop::new("gate"));
    }
    if answer.is_full() {
        return Err(Stop::new("full"));
    }
    Err(Stop::new(strangeness(answer.status)).with("status", answer.status))
}

/// Finds out why there is no answer at all.
async fn why_none(target: &Shared, stop: Stop) -> Stop {
    match (&stop.cause, stop.code) {
        (Some(Cause::Certificate(why)), _) => Stop::new("certificate").with("detail", why.as_str()),
        (Some(Cause::Closed), _) => Stop::new("closed"),
        (None, "refused") if !target.has_address().await => Stop::new("no_name"),
        (None, "refused") => Stop { code: "unreachable", ..stop },
        _ => stop,
    }
}

/// Returns the code for the thing that answers in the gateway's place, by its status.
fn strangeness(status: u16) -> &'static str {
    match status {
        407 => "login",
        ..400 | 511 => "portal",
        400..500 => "not_here",
        500.. => "broken",
    }
}

/// Sends in the name of a session that never existed. The gateway says so, and keeps nothing for it.
pub(super) async fn send(target: &Shared) -> Result<Outcome, Stop> {
    let hello = Session::new(target).name();
    let answer = http::post(target, "send", hello.line, OPEN).await?;
    if answer.first()["end"]["nonce"] != hello.nonce {
        return Err(answer.wrong());
    }
    Ok(Outcome { code: "works", figures: figures([("ms", answer.ms)]) })
}
