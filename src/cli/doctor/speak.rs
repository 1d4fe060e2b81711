//! The protocol of PROTOCOL.md, as raw as can be: a session of a probe's own, an inbox of frames, and what can be
//! wrong.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use super::target::Target;
use crate::protocol::token::Token;

/// How long an opening may take before it counts as lost.
pub(super) const OPEN: Duration = Duration::from_secs(6);
/// How long a frame may take.
pub(super) const FRAME: Duration = Duration::from_secs(4);
/// How long to wait for a second write to push the first out.
pub(super) const NUDGE: Duration = Duration::from_secs(2);
/// The code by which the gateway refuses a token, and by which it ends the legs of clients that do not sign in.
pub(super) const UNAUTHORIZED: &str = "unauthorized";
/// Frames that wait for the probe. It asks for one at a time.
const INBOX: usize = 64;

/// Figures by name. The ending of a name gives the unit: `_ms`, `_s`, `_bytes`.
pub(super) type Figures = Map<String, Value>;

/// The result of a probe that nothing stopped: a code of `words.json`, and figures.
pub(super) struct Outcome {
    pub(super) code: &'static str,
    pub(super) figures: Figures,
}

/// The reason why a probe stopped, in the same terms.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub(super) code: &'static str,
    pub(super) figures: Figures,
    pub(super) cause: Option<Cause>,
}

/// Why there was no connection, if more is known than that there was none.
#[derive(Debug, Clone)]
pub(super) enum Cause {
    /// Nothing listens at the port.
    Closed,
    /// The complaint of TLS.
    Certificate(String),
}

impl Stop {
    pub(super) fn new(code: &'static str) -> Self {
        Self { code, figures: Figures::new(), cause: None }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.figures.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn because(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }
}

/// The time when something began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun(Instant);

impl Begun {
    pub(super) fn now() -> Self {
        Self(Instant::now())
    }

    pub(super) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    pub(super) fn ms(self) -> u64 {
        milliseconds(self.elapsed())
    }

    fn since(self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// Returns a stop with this code, with the time from the beginning until now.
    pub(super) fn stop(self, code: &'static str) -> Stop {
        Stop::new(code).with("after_ms", self.ms())
    }
}

pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A session of a probe's own, on one leg. Its secret and its token are never printed.
pub(super) struct Session {
    secret: String,
    token: Option<Token>,
    id: Option<Value>,
    /// The user whom the gateway welcomed.
    pub(super) user: Option<String>,
}

/// A hello, ready to be sent, and the nonce that its answer must echo.
pub(super) struct Hello {
    pub(super) nonce: String,
    pub(super) line: String,
}

impl Session {
    pub(super) fn new(target: &Target) -> Self {
        Self { secret: random(), token: target.token().cloned(), id: None, user: None }
    }

    /// Returns the same session, for a task beside this one.
    pub(super) fn again(&self) -> Self {
        Self { secret: self.secret.clone(), token: None, id: self.id.clone(), user: None }
    }

    /// Returns a hello that attaches the leg, and so asks for its turn.
    pub(super) fn attach(&self) -> Hello {
        self.hello(true)
    }

    /// Returns a hello for a send.
    pub(super) fn name(&self) -> Hello {
        self.hello(false)
    }

    fn hello(&self, attach: bool) -> Hello {
        let nonce = random();
        let mut hello = json!({ "v": 1, "session": self.secret, "leg": 1, "received": 0, "next": 1, "nonce": nonce });
        if attach {
            hello["turn"] = 1.into();
        }
        match (&self.id, &self.token) {
            (Some(id), _) => hello["id"] = id.clone(),
            // The hellos after the welcome must not carry it.
            (None, Some(token)) if attach => hello["token"] = token.reveal().into(),
            (None, _) => {}
        }
        Hello { nonce, line: json!({ "hello": hello }).to_string() }
    }

    /// Accepts the answer to a hello, or says what is wrong with it.
    pub(super) fn welcome(&mut self, frame: &Value, nonce: &str) -> Result<(), Stop> {
        self.check(frame, nonce)?;
        if let Some(id) = frame["welcome"].get("id") {
            self.id = Some(id.clone());
            self.user = frame["welcome"]["user"].as_str().map(str::to_owned);
        }
        Ok(())
    }

    /// Checks that a frame is the answer to a hello, or says what is wrong with it.
    pub(super) fn check(&self, frame: &Value, nonce: &str) -> Result<(), Stop> {
        let (welcome, end) = (&frame["welcome"], &frame["end"]);
        if end["v"] == 1 && (end["code"] == "refused" || end["code"] == "forbidden") {
            return Err(Stop::new("off"));
        }
        if end["v"] == 1 && end["code"] == UNAUTHORIZED {
            return Err(Stop::new(UNAUTHORIZED));
        }
        if end["code"] == "full" || frame["code"] == "full" {
            return Err(Stop::new("full"));
        }
        let brief = self.id.is_some() && frame["nonce"] == nonce;
        let whole = welcome["v"] == 1 && welcome["nonce"] == nonce;
        if brief || whole { Ok(()) } else { Err(Stop::new("foreign")) }
    }
}

/// Returns 128 random bits in 32 characters.
pub(super) fn random() -> String {
    // A UUID of version 4 has six bits that are not random.
    let [one, two] = [Uuid::new_v4(), Uuid::new_v4()].map(|id| id.simple().to_string());
    format!("{}{}", &one[..12], &two[12..])
}

/// A frame that comes down a leg, or a note of how far the leg came.
pub(super) enum Event {
    Frame(Value),
    /// How much of an answer passed so far: the code for the case that the rest is held back.
    Passed(&'static str),
    /// One request was lost, and the next one is under way.
    Lost(Begun),
    End(Stop, Begun),
}

pub(super) type Arrivals = mpsc::Sender<Event>;

/// The frames of a leg, as they come.
pub(super) struct Inbox {
    events: mpsc::Receiver<Event>,
    /// How the leg ended or what it lost, and when.
    ended: Option<(Stop, Begun)>,
    /// When the last frame came.
    moved: Begun,
    longest_silence: Duration,
    pub(super) passed: &'static str,
}

impl Inbox {
    pub(super) fn new(passed: &'static str) -> (Arrivals, Self) {
        let (sender, events) = mpsc::channel(INBOX);
        (sender, Self { events, ended: None, moved: Begun::now(), longest_silence: Duration::ZERO, passed })
    }

    /// Returns for how long no frame has come: until now, or until the leg ended.
    pub(super) fn silence(&self) -> Duration {
        self.ended.as_ref().map_or_else(|| self.moved.elapsed(), |(_, when)| when.since(self.moved))
    }

    /// Returns the longest stretch without a frame, the present one included.
    pub(super) fn longest_silence(&self) -> Duration {
        self.longest_silence.max(self.silence())
    }

    /// Restarts the count of the longest silence.
    pub(super) fn forget_silence(&mut self) {
        self.longest_silence = Duration::ZERO;
    }

    /// Returns the time from `opened` until the leg ended, or until now.
    pub(super) fn age(&self, opened: Begun) -> Duration {
        self.ended.as_ref().map_or_else(|| opened.elapsed(), |(_, when)| when.since(opened))
    }

    /// Returns the next frame. Otherwise says how the leg ended, or stops with this code at the limit.
    pub(super) async fn next(&mut self, limit: Duration, code: &'static str) -> Result<Value, Stop> {
        let begun = Begun::now();
        timeout(limit, self.arrival()).await.unwrap_or_else(|_| Err(begun.stop(code)))
    }

    async fn arrival(&mut self) -> Result<Value, Stop> {
        loop {
            match self.events.recv().await {
                Some(Event::Frame(frame)) => {
                    self.longest_silence = self.longest_silence();
                    self.moved = Begun::now();
                    return Ok(frame);
                }
                Some(Event::Passed(passed)) => self.passed = passed,
                Some(Event::Lost(when)) => {
                    self.ended = Some((Stop::new("lost"), when));
                    return Err(Stop::new("lost"));
                }
                Some(Event::End(stop, when)) => self.ended = Some((stop, when)),
                None => return Err(self.ended.as_ref().map_or_else(|| Stop::new("cut"), |(stop, _)| stop.clone())),
            }
        }
    }
}
