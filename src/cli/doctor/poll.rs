//! Long-poll by itself. The gateway answers the first poll at once and holds the next ones; sends make it answer them.

use std::time::Duration;

use serde_json::{Value, json};

use super::http::{self, Shared};
use super::leg::{Leg, Reader, TRIES, Up};
use super::speak::{Arrivals, Begun, Event, Hello, Inbox, OPEN, Session, Stop, UNAUTHORIZED};

/// The longest time that the gateway holds a poll: 25 s, or up to 120 s if the operator set more.
const HELD: Duration = Duration::from_secs(125);

pub(super) async fn open(target: &Shared) -> Result<Leg, Stop> {
    let begun = Begun::now();
    let mut session = Session::new(target);
    let mut lost = 0;
    loop {
        let hello = session.attach();
        match poll(target, &mut session, hello, OPEN).await {
            Ok(_) => break,
            Err(stop) if stop.code == "refused" && lost + 1 < TRIES => lost += 1,
            Err(stop) => return Err(stop),
        }
    }
    let open_ms = begun.ms();
    let (arrivals, inbox) = Inbox::new("mute_later");
    let polling = session.again();
    let reader = Reader(tokio::spawn(hold(target.clone(), polling, arrivals)));
    Ok(Leg {
        inbox,
        user: session.user.clone(),
        up: Up::Sends(target.clone(), session),
        open_ms,
        opened: Begun::now(),
        late: "mute_later",
        lost,
        _reader: reader,
    })
}

/// Sends one poll after the other, until too many in a row fail.
async fn hold(target: Shared, mut session: Session, arrivals: Arrivals) {
    let mut failed = 0;
    loop {
        let asked = Begun::now();
        let hello = session.attach();
        let frames = match poll(&target, &mut session, hello, HELD).await {
            Ok(frames) => frames,
            Err(stop) => {
                failed += 1;
                let last = failed == TRIES || stop.code == UNAUTHORIZED;
                let event = match stop.code {
                    UNAUTHORIZED => Event::End(stop, Begun::now()),
                    _ if last => Event::End(asked.stop("cut"), Begun::now()),
                    _ => Event::Lost(Begun::now()),
                };
                // The probe may be over.
                if arrivals.send(event).await.is_err() || last {
                    return;
                }
                continue;
            }
        };
        failed = 0;
        // This is not a frame of the protocol: it only ends the silence.
        for frame in std::iter::once(json!({ "answered": true })).chain(frames) {
            let _ = arrivals.send(Event::Frame(frame)).await;
        }
    }
}

async fn poll(target: &Shared, session: &mut Session, hello: Hello, limit: Duration) -> Result<Vec<Value>, Stop> {
    let answer = http::post(target, "poll", hello.line, limit).await?;
    let first = answer.first();
    if first.is_null() {
        return Err(answer.wrong());
    }
    session.welcome(&first, &hello.nonce)?;
    Ok(answer.text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap_or_default()).collect())
}
