//! The protocol of PROTOCOL.md, as raw as can be: a session of a probe's own, an inbox of frames, and what can be wrong.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

/// How long an opening may take before it counts as lost.
pub(super) const OPEN: Duration = Duration::from_secs(6);
/// How long a frame may take.
pub(super) const FRAME: Duration = Duration::from_secs(4);
/// How long to see whether a second write pushes the first out.
pub(super) const NUDGE: Duration = Duration::from_secs(2);
/// Frames that wait to be looked at. A probe asks for one at a time.
const INBOX: usize = 64;

/// Figures by name, whose ending says the unit: `_ms`, `_s`, `_bytes`.
pub(super) type Figures = Map<String, Value>;

/// What a probe found, when nothing stopped it: a code of `words.json`, and figures.
pub(super) struct Outcome {
    pub(super) code: &'static str,
    pub(super) figures: Figures,
}

/// What stopped a probe, in the same terms.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub(super) code: &'static str,
    pub(super) figures: Figures,
    pub(super) cause: Option<Cause>,
}

/// Why there was no connection, where that says more than that there was none.
#[derive(Debug, Clone)]
pub(super) enum Cause {
    /// Nothing listens at the port.
    Closed,
    /// What TLS complained of.
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

/// When something began.
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

    /// It stopped now.
    pub(super) fn stop(self, code: &'static str) -> Stop {
        Stop::new(code).with("after_ms", self.ms())
    }
}

pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A session of a probe's own, on one leg. Its secret is never printed.
pub(super) struct Session {
    secret: String,
    id: Option<Value>,
}

/// A hello, ready to be sent, and what its answer must echo.
pub(super) struct Hello {
    pub(super) nonce: String,
    pub(super) line: String,
}

impl Session {
    pub(super) fn new() -> Self {
        Self { secret: random(), id: None }
    }

    /// The same session, for a task beside this one.
    pub(super) fn again(&self) -> Self {
        Self { secret: self.secret.clone(), id: self.id.clone() }
    }

    /// One that attaches the leg, and so asks for its turn.
    pub(super) fn attach(&self) -> Hello {
        self.hello(true)
    }

    /// One for a send.
    pub(super) fn name(&self) -> Hello {
        self.hello(false)
    }

    fn hello(&self, attach: bool) -> Hello {
        let nonce = random();
        let mut hello = json!({ "v": 1, "session": self.secret, "leg": 1, "received": 0, "next": 1, "nonce": nonce });
        if attach {
            hello["turn"] = 1.into();
        }
        if let Some(id) = &self.id {
            hello["id"] = id.clone();
        }
        Hello { nonce, line: json!({ "hello": hello }).to_string() }
    }

    /// Takes the answer to a hello, or says what is wrong with it.
    pub(super) fn welcome(&mut self, frame: &Value, nonce: &str) -> Result<(), Stop> {
        self.check(frame, nonce)?;
        if let Some(id) = frame["welcome"].get("id") {
            self.id = Some(id.clone());
        }
        Ok(())
    }

    /// Whether it is the answer to a hello, or else what is wrong with it.
    pub(super) fn check(&self, frame: &Value, nonce: &str) -> Result<(), Stop> {
        let (welcome, end) = (&frame["welcome"], &frame["end"]);
        if end["v"] == 1 && (end["code"] == "refused" || end["code"] == "forbidden") {
            return Err(Stop::new("off"));
        }
        if end["code"] == "full" || frame["code"] == "full" {
            return Err(Stop::new("full"));
        }
        let brief = self.id.is_some() && frame["nonce"] == nonce;
        let whole = welcome["v"] == 1 && welcome["nonce"] == nonce;
        if brief || whole { Ok(()) } else { Err(Stop::new("foreign")) }
    }
}

/// 128 random bits in 32 characters.
pub(super) fn random() -> String {
    // A UUID of version 4 has six bits that are not random.
    let [one, two] = [Uuid::new_v4(), Uuid::new_v4()].map(|id| id.simple().to_string());
    format!("{}{}", &one[..12], &two[12..])
}

/// What comes down a leg, or says how far it came.
pub(super) enum Event {
    Frame(Value),
    /// How much of an answer passed so far: the code for what would then be held back.
    Passed(&'static str),
    /// One request was lost, and the next one is under way.
    Lost(Begun),
    End(Stop, Begun),
}

pub(super) type Arrivals = mpsc::Sender<Event>;

/// The frames of a leg, as they come.
pub(super) struct Inbox {
    events: mpsc::Receiver<Event>,
    /// How it ended or what was lost of it, and when.
    ended: Option<(Stop, Begun)>,
    /// When a frame came last.
    moved: Begun,
    longest_silence: Duration,
    pub(super) passed: &'static str,
}

impl Inbox {
    pub(super) fn new(passed: &'static str) -> (Arrivals, Self) {
        let (sender, events) = mpsc::channel(INBOX);
        (sender, Self { events, ended: None, moved: Begun::now(), longest_silence: Duration::ZERO, passed })
    }

    /// For how long nothing has come; of what has ended, had come.
    pub(super) fn silence(&self) -> Duration {
        self.ended.as_ref().map_or_else(|| self.moved.elapsed(), |(_, when)| when.since(self.moved))
    }

    /// The longest stretch without a frame, the present one included.
    pub(super) fn longest_silence(&self) -> Duration {
        self.longest_silence.max(self.silence())
    }

    /// From now on the longest silence counts anew.
    pub(super) fn forget_silence(&mut self) {
        self.longest_silence = Duration::ZERO;
    }

    /// How long after this it ended, or how long ago this was.
    pub(super) fn age(&self, opened: Begun) -> Duration {
        self.ended.as_ref().map_or_else(|| opened.elapsed(), |(_, when)| when.since(opened))
    }

    /// The next frame; or how the leg ended, or a stop of this code at the limit.
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
