//! The questions that every transport gets after its welcome: a proof, round trips, a silence. This module knows a
//! transport only by how its lines go up.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::http;
use super::speak::{Begun, FRAME, Figures, Inbox, OPEN, Outcome, Session, Stop, UNAUTHORIZED, milliseconds};
use super::target::Target;

const ROUNDS: u32 = 5;
/// Requests in a row that must fail before they count as a refusal. Fewer count as losses.
pub(super) const TRIES: u32 = 3;
/// The pause between pings: the gateway answers four a second.
const APART: Duration = Duration::from_millis(260);
/// The limit for all rounds: on a slow path they end early.
const ALL_ROUNDS: Duration = Duration::from_secs(7);
/// People notice a round trip above this.
pub(super) const SLOW_MS: u64 = 600;
/// Bytes of padding: more than one packet holds.
const PADDING: usize = 4000;

/// A transport whose welcome came. Dropping it closes it.
pub(super) struct Leg {
    pub(super) inbox: Inbox,
    pub(super) up: Up,
    /// The time until the welcome, and when that was.
    pub(super) open_ms: u64,
    pub(super) opened: Begun,
    /// The code for a pong that never comes.
    pub(super) late: &'static str,
    /// The user whom the welcome names.
    pub(super) user: Option<String>,
    /// Requests that were lost before the welcome.
    pub(super) lost: u32,
    /// The task that reads the leg.
    pub(super) _reader: Reader,
}

/// How lines go up.
pub(super) enum Up {
    Socket(mpsc::Sender<String>),
    Sends(Arc<Target>, Session),
}

/// A task that ends with its leg.
pub(super) struct Reader(pub(super) JoinHandle<()>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Up {
    pub(super) async fn send(&self, line: &str) -> Result<(), Stop> {
        match self {
            Self::Socket(lines) => {
                // A socket that is gone says so in its inbox.
                let _ = lines.send(line.to_owned()).await;
                Ok(())
            }
            Self::Sends(target, session) => {
                let hello = session.name();
                let body = format!("{}\n{line}", hello.line);
                let answer = http::post(target, "send", body, OPEN).await.map_err(|stop| match stop.code {
                    "refused" | "no_answer" => Stop::new("lost"),
                    "full" | UNAUTHORIZED => stop,
                    _ => Stop::new("send_failed"),
                })?;
                let first = answer.first();
                // If the gateway does not know the session, it never saw the request that should have made it.
                if first["end"]["code"] == "gone" {
                    return Err(Stop::new("no_answer").with("after_ms", answer.ms));
                }
                session.check(&first, &hello.nonce).map_err(|_| Stop::new("send_failed"))
            }
        }
    }
}

impl Leg {
    /// Asks for a proof and several round trips. One lost request does not end it: the next ones tell a loss from a
    /// refusal.
    pub(super) async fn prove(&mut self) -> Result<Outcome, Stop> {
        let begun = Begun::now();
        let mut trips = Vec::new();
        let mut last = None;
        for _ in 0..ROUNDS {
            if begun.elapsed() >= ALL_ROUNDS {
                break;
            }
            let round = Begun::now();
            match self.round_trip(self.late, 0).await {
                Ok(trip) => trips.push(trip),
                Err(stop) if self.may_be_lost(&stop) => {
                    self.lost += 1;
                    last = Some(stop);
                }
                Err(stop) => return Err(stop),
            }
            sleep(APART.saturating_sub(round.elapsed())).await;
        }
        if trips.is_empty() {
            return Err(last.filter(|stop| stop.code != "lost").unwrap_or_else(|| Stop::new("send_failed")));
        }
        if self.lost > 0 {
            return Err(Stop::new("loses").with("lost", self.lost));
        }
        if matches!(self.up, Up::Socket(_)) {
            self.round_trip("large_lost", PADDING).await.map_err(|stop| match stop.code {
                "large_lost" => Stop::new("large_lost").with("bytes", PADDING),
                _ => stop,
            })?;
        }
        trips.sort_unstable();
        let rtt = trips.get(trips.len() / 2).copied().unwrap_or_default();
        let worst = trips.last().copied().unwrap_or_default();
        let code = if rtt > SLOW_MS { "slow" } else { "works" };
        Ok(Outcome { code, figures: figures([("open_ms", self.open_ms), ("rtt_ms", rtt), ("worst_ms", worst)]) })
    }

    /// Returns whether another round trip can tell. A poll's answer can vanish with its pong, unnoticed.
    fn may_be_lost(&self, stop: &Stop) -> bool {
        stop.code == "lost" || (stop.code == "mute_later" && matches!(self.up, Up::Sends(..)))
    }

    /// Watches a silent leg: nothing goes up but answers to the gateway's pings. At the end it must still carry a ping.
    /// The gateway itself ends the leg of a client that does not sign in.
    pub(super) async fn watch(&mut self, watch: Duration) -> Outcome {
        let begun = Begun::now();
        self.inbox.forget_silence();
        let ended = loop {
            match self.inbox.next(watch.saturating_sub(begun.elapsed()), "quiet").await {
                Ok(frame) if frame["end"]["code"] == UNAUTHORIZED => break Err(Stop::new(UNAUTHORIZED)),
                Ok(frame) => {
                    if let Err(stop) = self.answer(&frame).await {
                        break Err(stop);
                    }
                }
                Err(stop) if stop.code == "quiet" => break Ok(()),
                Err(stop) => break Err(stop),
            }
        };
        let age = milliseconds(self.inbox.age(self.opened));
        let silence = milliseconds(self.inbox.silence());
        let watched = begun.ms();
        let longest = milliseconds(self.inbox.longest_silence()).min(watched);
        let code = match ended {
            Err(stop) if stop.code == UNAUTHORIZED => {
                return Outcome { code: "ended", figures: figures([("watched_ms", watched), ("silence_ms", longest)]) };
            }
            Err(_) => "cut",
            Ok(()) => match self.round_trip("silent", 0).await {
                Ok(_) => {
                    return Outcome {
                        code: "lived",
                        figures: figures([("watched_ms", watched), ("silence_ms", longest)]),
                    };
                }
                Err(stop) if stop.code == "silent" => "silent",
                Err(_) => "cut",
            },
        };
        Outcome { code, figures: figures([("age_ms", age), ("silence_ms", silence)]) }
    }

    /// Sends a ping and waits for its pong; returns the milliseconds. Meanwhile it answers the gateway's own pings.
    async fn round_trip(&mut self, code: &'static str, padding: usize) -> Result<u64, Stop> {
        let begun = Begun::now();
        // The gateway ignores unknown keys. The number must differ only from the last one.
        let number = rand_number();
        let ping = if padding == 0 { json!({ "ping": number }).to_string() } else { padded(number, padding) };
        self.up.send(&ping).await?;
        loop {
            let left = FRAME.saturating_sub(begun.elapsed());
            let frame = self.inbox.next(left, code).await?;
            if frame["pong"] == number {
                return Ok(begun.ms());
            }
            self.answer(&frame).await?;
        }
    }

    async fn answer(&self, frame: &Value) -> Result<(), Stop> {
        match &frame["ping"] {
            Value::Null => Ok(()),
            ping => self.up.send(&json!({ "pong": ping }).to_string()).await,
        }
    }
}

/// Pads a ping. The verb must come first.
fn padded(number: u64, padding: usize) -> String {
    format!("{{\"ping\":{number},\"pad\":\"{}\"}}", "x".repeat(padding))
}

fn rand_number() -> u64 {
    u64::from(uuid::Uuid::new_v4().as_fields().0)
}

pub(super) fn figures<const N: usize>(pairs: [(&str, u64); N]) -> Figures {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}
