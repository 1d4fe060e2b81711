//! How much passes at once: publications to a channel of the probe's own, up in one POST and down in the answer of a
//! poll. A gateway that denies the channel still reads the POST, so the way up can be tested without a sign-in.

use std::time::Duration;

use serde_json::Value;

use super::http::{self, Shared};
use super::leg::figures;
use super::speak::{Begun, Outcome, Session, Stop, random};

const MOST: u64 = 60_000;
const LEAST: u64 = 1000;
const LIMIT: Duration = Duration::from_secs(4);
/// After this time, no further size is tried.
pub(super) const ALL: Duration = Duration::from_secs(14);
/// The longest part. A line may have 55 KB, and the other lines of the answer must fit too.
const PART: u64 = 25_000;
/// The number of the request for the channel.
const ASKED: u64 = 1;

/// What passed of one size: the milliseconds that it took each way.
struct Tried {
    up: Option<u64>,
    down: Option<u64>,
    /// The gateway denies the channel.
    is_denied: bool,
    how: String,
}

pub(super) async fn find(target: &Shared) -> Result<Outcome, Stop> {
    let begun = Begun::now();
    let (mut up, mut down) = ((0, 0), (0, 0));
    let mut failed: Option<(u64, String)> = None;
    let mut bytes = MOST;
    let mut is_denied = false;
    while bytes >= LEAST && begun.elapsed() < ALL && down.0 == 0 && !is_denied {
        let tried = attempt(target, bytes).await;
        if let (Some(ms), 0) = (tried.up, up.0) {
            up = (bytes, ms);
        }
        if let Some(ms) = tried.down {
            down = (bytes, ms);
        }
        is_denied = tried.is_denied;
        // Bytes that vanish cost the whole limit, so the steps get larger.
        let step = if tried.how == "no answer" { 4 } else { 2 };
        if tried.up.is_none() {
            failed = Some((bytes, tried.how));
        }
        bytes /= step;
    }
    let passed = [("up_bytes", up.0), ("up_ms", up.1), ("down_bytes", down.0), ("down_ms", down.1)];
    let told = |code, failed: Option<(u64, String)>| {
        let mut stop = Stop::new(code);
        if let Some((bytes, how)) = failed {
            stop = stop.with("failed_bytes", bytes).with("how", how);
        }
        stop
    };
    if up.0 == 0 {
        return Err(told("fails", failed));
    }
    let code = match failed {
        Some(_) if is_denied => "up_only_limited",
        None if is_denied => "up_only",
        Some(_) => "up_limited",
        None if down.0 < MOST => "down_limited",
        None => "works",
    };
    let mut all = figures(passed);
    if is_denied {
        all.retain(|name, _| name.starts_with("up_"));
    }
    all.extend(told(code, failed).figures);
    Ok(Outcome { code, figures: all })
}

/// Tries one size, in a session of its own.
async fn attempt(target: &Shared, bytes: u64) -> Tried {
    let mut tried = Tried { up: None, down: None, is_denied: false, how: String::new() };
    if let Err(stop) = exchange(target, bytes, &mut tried).await {
        tried.how = match stop.code {
            "answered" => format!("status {}", stop.figures.get("status").unwrap_or(&Value::Null)),
            "no_answer" => "no answer".to_owned(),
            _ => "refused".to_owned(),
        };
    }
    tried
}

async fn exchange(target: &Shared, bytes: u64, tried: &mut Tried) -> Result<(), Stop> {
    let mut session = Session::new(target);
    let first = session.attach();
    session.welcome(&http::post(target, "poll", first.line, LIMIT).await?.first(), &first.nonce)?;
    let hello = session.name();
    let body = format!("{}\n{}", hello.line, publications(bytes));
    let answer = http::post(target, "send", body, LIMIT).await?;
    session.check(&answer.first(), &hello.nonce)?;
    tried.up = Some(answer.ms);
    let answer = http::post(target, "poll", session.attach().line, LIMIT).await?;
    if answer.text.len() as u64 >= bytes {
        tried.down = Some(answer.ms);
    }
    let mut frames = answer.text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    tried.is_denied = frames.any(|frame| frame["err"] == ASKED);
    Ok(())
}

/// Returns lines of so many bytes in all: a subscription to a channel with a secret name, and publications to it.
fn publications(bytes: u64) -> String {
    let channel = format!("doctor/{}", random());
    let mut lines = vec![format!(r#"{{"sub":"{channel}","id":{ASKED}}}"#)];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(PART);
        let data = "x".repeat(usize::try_from(part).unwrap_or_default());
        lines.push(format!(r#"{{"pub":"{channel}","data":"{data}"}}"#));
        left -= part;
    }
    lines.join("\n")
}
