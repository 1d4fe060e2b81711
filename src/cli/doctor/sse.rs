//! SSE by itself: the stream that a POST opens, and sends beside it.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use tokio::time::sleep;

use super::http::{self, Shared};
use super::leg::{Leg, Reader, TRIES, Up};
use super::speak::{Arrivals, Begun, Event, FRAME, Inbox, NUDGE, OPEN, Session, Stop};

/// The longest event that is put together.
const LONGEST: usize = 128 * 1024;
/// The pause after the pings: the gateway answers four a second.
const AFTER_PINGS: Duration = Duration::from_millis(300);

pub(super) async fn open(target: &Shared) -> Result<Leg, Stop> {
    let begun = Begun::now();
    let session = Session::new(target);
    let hello = session.attach();
    let (arrivals, inbox) = Inbox::new("held_headers");
    let reader = Reader(tokio::spawn(read(target.clone(), hello.line, arrivals)));
    let up = Up::Sends(target.clone(), session);
    let mut leg =
        Leg { inbox, up, open_ms: 0, opened: begun, late: "held_later", user: None, lost: 0, _reader: reader };
    let first = leg.inbox.next(OPEN, "held").await;
    let first = match first {
        Ok(first) => first,
        Err(stop) => return Err(leg.look_into(stop, begun).await),
    };
    let Up::Sends(_, session) = &mut leg.up else { unreachable!("it was made so above") };
    session.welcome(&first, &hello.nonce)?;
    leg.user.clone_from(&session.user);
    leg.open_ms = begun.ms();
    leg.opened = Begun::now();
    leg.inbox.passed = "held_later";
    // The stream carries the first write. The question is whether it carries a second one.
    while let Err(stop) = leg.up.send(r#"{"ping":0}"#).await {
        leg.lost += 1;
        if stop.code != "lost" || leg.lost == TRIES || begun.elapsed() > OPEN {
            return Err(if stop.code == "lost" { Stop::new("send_failed") } else { stop });
        }
    }
    if let Err(stop) = leg.inbox.next(FRAME, "held").await {
        return Err(leg.look_into(stop, begun).await);
    }
    sleep(AFTER_PINGS).await;
    Ok(leg)
}

impl Leg {
    /// Finds out whether something is held back or lost: another write tells.
    async fn look_into(&mut self, stop: Stop, begun: Begun) -> Stop {
        if stop.code != "held" {
            return stop;
        }
        let waited = begun.stop("held");
        if self.up.send(r#"{"ping":1}"#).await.is_err() {
            let code = if self.inbox.passed == "held_headers" { "no_answer" } else { "send_failed" };
            return Stop { code, ..waited };
        }
        match self.inbox.next(NUDGE, "held").await {
            Ok(_) => Stop::new("one_behind"),
            Err(_) => Stop { code: self.inbox.passed, ..waited },
        }
    }
}

/// Opens the stream and reads it to its end, which is always a fault.
async fn read(target: Shared, hello: String, arrivals: Arrivals) {
    let stop = match stream(&target, hello, &arrivals).await {
        Ok(opened) => opened.stop("cut"),
        Err(stop) => stop,
    };
    // The probe may be over.
    let _ = arrivals.send(Event::End(stop, Begun::now())).await;
}

async fn stream(target: &Shared, hello: String, arrivals: &Arrivals) -> Result<Begun, Stop> {
    let begun = Begun::now();
    let response = http::begin(target, Request::post(target.route("stream")), hello).await?;
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let ours = response.status() == 200 && kind.starts_with("text/event-stream");
    if !ours {
        return Err(http::read(response, begun).await?.wrong());
    }
    // If the probe is over, the end of the leg ends this task.
    let _ = arrivals.send(Event::Passed("held_body")).await;
    let opened = Begun::now();
    let mut body = response.into_body();
    let mut text = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let _ = arrivals.send(Event::Passed("held_prelude")).await;
        text.extend_from_slice(frame.data_ref().map_or(&[], |bytes| bytes));
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            if let Some(data) = event.strip_prefix(b"data: ") {
                let frame = serde_json::from_slice(data).unwrap_or_default();
                let _ = arrivals.send(Event::Frame(frame)).await;
            }
        }
        if text.len() > LONGEST {
            return Err(Stop::new("foreign"));
        }
    }
    Ok(opened)
}
