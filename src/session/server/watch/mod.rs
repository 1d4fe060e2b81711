//! A session under arbitrary operations, with the invariants that must hold all the same.
//!
//! The simulation plays schedules of networks. An operation here is any call of any client. The lines of this client are honest in one
//! way only: each one names its number. So the accepted and the written lines show whether one is lost, duplicated or reordered. A
//! test and the fuzz target `session` try arbitrary sequences. This module must know no rule that a caller cannot see.

pub(crate) mod operations;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use self::operations::{ALL_BYTES, Hello, Operation, Text, read};
use crate::protocol::code::Limit;
use crate::protocol::frame::RawFrame;
use crate::protocol::limits::{self, Limits};
use crate::protocol::up::Up;
use crate::protocol::{Line, SessionId, Transport};
use crate::session::Time;
use crate::session::server::{Carrier, Input, Output, ServerSession, Settings};
use crate::simulation::Random;

const REPLAY_FRAMES: usize = 6;
/// Timeouts that may come in a row at one moment before something spins.
const MOST_TIMEOUTS: usize = 8;
/// Writes in a row before something spins.
const MOST_WRITES: usize = 20;
/// A leg and a turn above all others.
const LAST: u32 = 1_000;

/// Does to a session what these bytes choose. Panics if it breaks an invariant.
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut random = Random::of(bytes);
    run(fresh(), std::iter::from_fn(|| random.has_choices().then(|| Operation::draw(&mut random))));
}

/// The session that all is done to.
pub(super) fn fresh() -> ServerSession {
    let limits = Limits { replay_frames: REPLAY_FRAMES, ..Limits::default() };
    let settings = Settings { limits, ..Settings::default() };
    let id = SessionId::try_from("s1".to_owned()).expect("an id");
    ServerSession::new(Time::ZERO, id, Arc::new(settings))
}

/// Does all this to a session. Panics if it breaks an invariant.
pub(super) fn run(session: ServerSession, operations: impl IntoIterator<Item = Operation>) {
    let mut watch = Watch::new(session);
    for operation in operations {
        watch.apply(operation);
        watch.check();
        if watch.session.is_expired() {
            return;
        }
    }
    watch.resume();
}

/// What a caller sees of the session, and what must be true of it.
struct Watch {
    session: ServerSession,
    now: Time,
    counted: u64,
    carriers: Vec<(Carrier, Transport)>,
    ended: BTreeSet<Carrier>,
    /// A hello is answered by one welcome; that of a send by two, when it asks.
    welcomes_owed: u32,
    taken: u64,
    turn: u64,
    pushed: u64,
    told: u64,
    dropped: u64,
    /// Up: the number of the next line on a socket, once it was stated.
    up: BTreeMap<Carrier, u64>,
    /// Down: the number of the next line on a carrier, as it was stated and counted since.
    down: BTreeMap<Carrier, u64>,
    /// The greatest number that was written, and the greatest that the client said it had.
    sent: u64,
    acknowledged: u64,
}

impl Watch {
    fn new(session: ServerSession) -> Self {
        Self {
            session,
            now: Time::ZERO,
            counted: 0,
            carriers: Vec::new(),
            ended: BTreeSet::new(),
            welcomes_owed: 0,
            taken: 0,
            turn: 0,
            pushed: 0,
            told: 0,
            dropped: 0,
            up: BTreeMap::new(),
            down: BTreeMap::new(),
            sent: 0,
            acknowledged: 0,
        }
    }

    fn carrier(&mut self) -> Carrier {
        self.counted += 1;
        Carrier(self.counted)
    }

    /// The carrier at this place, the newest first.
    fn at(&self, place: usize) -> Option<(Carrier, Transport)> {
        self.carriers.iter().rev().nth(place).copied()
    }

    fn socket(&self, place: usize) -> Option<Carrier> {
        self.at(place).filter(|(_, transport)| *transport == Transport::WebSocket).map(|(carrier, _)| carrier)
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Attach(transport, hello, lines) => {
                self.attach(transport, &hello, &lines);
            }
            Operation::Send(hello, lines) => self.send(&hello, &lines),
            Operation::Frame(place, text) => self.frame(place, &text),
            Operation::Again(place, hello) => self.hello(place, &hello),
            Operation::Push(bytes) => {
                self.pushed += 1;
                let text = format!(r#"{{"msg":{},"text":"{}"}}"#, self.pushed, "x".repeat(bytes));
                self.session.push(composed(&text));
            }
            Operation::Link => self.input(Input::Link(composed(r#"{"goaway":{}}"#))),
            Operation::Offer(bits, jitter) => self.offer(bits, jitter),
            Operation::Closed(place) => {
                if let Some((carrier, _)) = self.at(place) {
                    self.carriers.retain(|(other, _)| *other != carrier);
                    self.ended.insert(carrier);
                    self.input(Input::Closed(carrier));
                }
            }
            Operation::Hurry(place) => {
                if let Some((carrier, _)) = self.at(place) {
                    self.session.hurry(carrier);
                }
            }
            Operation::EndLegs => self.input(Input::EndLegs(Limit::Legs.into())),
            Operation::Timeout => self.timeout(),
            Operation::Later(ms) => self.now += Time::from_millis(ms),
            Operation::Write(bytes) => self.write(bytes),
        }
    }

    /// The new carrier, if the session took the hello.
    fn attach(&mut self, transport: Transport, hello: &Hello, lines: &[Text]) -> Option<Carrier> {
        let lines = if transport == Transport::WebSocket { &[] } else { lines };
        let body = read(hello, lines)?;
        let carrier = self.carrier();
        let attach =
            Input::Attach { carrier, transport, network: None, right: None, hello: body.hello, frames: body.frames };
        self.session.handle(self.now, attach).ok()?;
        self.carriers.push((carrier, transport));
        self.welcomes_owed += 1;
        self.body_taken(hello, lines);
        Some(carrier)
    }

    fn send(&mut self, hello: &Hello, lines: &[Text]) {
        let Some(body) = read(hello, lines) else { return };
        let carrier = self.carrier();
        let input = Input::Send { carrier, hello: body.hello, frames: body.frames };
        if self.session.handle(self.now, input).is_ok() {
            self.welcomes_owed += 2;
            self.body_taken(hello, lines);
        }
    }

    /// The session accepts all new lines of a body, or none if a number was left out (rule 7).
    fn body_taken(&mut self, hello: &Hello, lines: &[Text]) {
        self.acknowledged = self.acknowledged.max(hello.received);
        let numbered = lines.iter().filter(|line| line.is_numbered()).count() as u64;
        let has_gap = hello.next > self.taken + 1;
        let expected = if has_gap { self.taken } else { self.taken.max((hello.next + numbered).saturating_sub(1)) };
        self.drain();
        assert_eq!(self.taken, expected, "a body's lines are taken, each once");
    }

    fn frame(&mut self, place: usize, text: &Text) {
        let Some(carrier) = self.socket(place) else { return };
        let number = self.up.get(&carrier).copied();
        let is_due = number == Some(self.taken + 1) && !self.ended.contains(&carrier);
        self.message(carrier, &text.text(number.unwrap_or(0)));
        match text {
            Text::Ack(received, next) => {
                self.acknowledges(*received);
                self.up.extend(next.map(|next| (carrier, next)));
            }
            text if text.is_numbered() => {
                self.up.extend(number.map(|number| (carrier, number + 1)));
                self.drain();
                assert!(!is_due || number == Some(self.taken), "a socket's next line is taken");
            }
            _ => {}
        }
    }

    /// Another hello on a socket.
    fn hello(&mut self, place: usize, hello: &Hello) {
        let Some(carrier) = self.socket(place) else { return };
        self.welcomes_owed += 1;
        self.message(carrier, &hello.text());
        self.acknowledges(hello.received);
    }

    fn message(&mut self, carrier: Carrier, text: &str) {
        self.input(match Up::read(&RawFrame::text(text.to_owned())) {
            Ok(frame) => Input::Frame { carrier, frame },
            Err(refusal) => Input::Refused { carrier, refusal },
        });
    }

    /// A client cannot acknowledge a line that was never sent.
    fn acknowledges(&mut self, received: u64) {
        if received <= self.sent.max(self.dropped) {
            self.acknowledged = self.acknowledged.max(received);
        }
    }

    fn offer(&mut self, bits: u8, jitter: u64) {
        let offered = Transport::ALL.into_iter().filter(|transport| bits & (1 << transport.place()) != 0);
        self.input(Input::Offer(offered.collect(), Time::from_millis(jitter)));
    }

    fn input(&mut self, input: Input) {
        assert!(self.session.handle(self.now, input).is_ok(), "only requests are refused");
    }

    /// The deadline is met; the next is later, within few steps.
    fn timeout(&mut self) {
        let Some(due) = self.session.poll_timeout() else { return };
        self.now = self.now.max(due);
        for _ in 0..MOST_TIMEOUTS {
            self.input(Input::Timeout);
            self.drain();
            if self.session.poll_timeout().is_none_or(|at| at > self.now) {
                return;
            }
        }
        panic!("the timeout spins at {:?}: {:?}", self.now, self.session);
    }

    fn write(&mut self, bytes: usize) {
        let wanting: Vec<Carrier> = self.session.wants_write().collect();
        assert!(wanting.len() <= limits::ATTACHED_LEGS);
        for carrier in wanting {
            let mut lines = Vec::new();
            let due = self.session.poll_timeout();
            let moved = self.session.write(self.now, carrier, bytes, |line| lines.push(line.clone()));
            assert!(moved || self.session.poll_timeout() == due, "a write moved the deadline without a notice");
            assert!(!lines.is_empty(), "a carrier that wants to write has no line");
            self.written(carrier, &lines);
            let socket = self.carriers.contains(&(carrier, Transport::WebSocket));
            assert_eq!(announced(&lines), to_be_announced(&lines).filter(|_| socket), "{lines:?}");
            if self.carriers.contains(&(carrier, Transport::Poll)) {
                self.ended.insert(carrier);
            }
        }
    }

    fn drain(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.session.poll_output() {
            outputs += 1;
            assert!(outputs < 100, "outputs are bounded by the input");
            match output {
                Output::Command(command) => {
                    self.taken += 1;
                    assert_eq!(command.id, Some(self.taken), "each line is taken once, in order");
                }
                Output::Finish { carrier, lines } => {
                    self.written(carrier, &lines);
                    self.ended.insert(carrier);
                }
                Output::Overrun { through } => {
                    assert!(through.0 > self.dropped && through.0 <= self.pushed);
                    self.dropped = through.0;
                }
                Output::Token { .. } => {}
                Output::Left | Output::Expired => assert!(self.session.is_expired()),
            }
        }
    }

    fn written(&mut self, carrier: Carrier, lines: &[Line]) {
        assert!(!self.ended.contains(&carrier), "{carrier:?} has ended");
        let mut kinds = BTreeMap::<String, u32>::new();
        for line in lines {
            let frame: Value = serde_json::from_slice(line.json()).expect("a line is JSON");
            let mut keys = frame.as_object().expect("a line is an object").keys();
            let verb = keys.find(|key| *key != "next" && *key != "text").expect("a line has a verb");
            *kinds.entry(verb.clone()).or_default() += 1;
            let welcome = &frame["welcome"];
            self.grows(&welcome["received"], &welcome["turn"]);
            self.grows(&frame["received"], &Value::Null);
            self.grows(&frame["ack"], &Value::Null);
            self.states(carrier, &welcome["next"]);
            self.states(carrier, &frame["next"]);
            self.numbered(carrier, &frame["msg"]);
        }
        for (kind, count) in &kinds {
            assert!(*count == 1 || kind == "msg", "{count} {kind} in one write");
        }
        if kinds.contains_key("welcome") {
            assert!(self.welcomes_owed > 0, "a welcome that no hello asked for");
            self.welcomes_owed -= 1;
        }
    }

    /// Reported numbers and turns only grow.
    fn grows(&mut self, received: &Value, turn: &Value) {
        if let Some(received) = received.as_u64() {
            assert!(received >= self.told && received <= self.taken);
            self.told = received;
        }
        if let Some(turn) = turn.as_u64() {
            assert!(turn >= self.turn);
            self.turn = turn;
        }
    }

    /// Down, a stated number leaves out only what the client has, what this carrier brought, and what is gone (rules 6 and 7).
    fn states(&mut self, carrier: Carrier, next: &Value) {
        let Some(next) = next.as_u64() else { return };
        let came = self.down.get(&carrier).copied().unwrap_or(1);
        let most = came.max(self.acknowledged + 1).max(self.dropped + 1);
        assert!((1..=most).contains(&next), "{next} leaves a line out: {most} is due");
        self.down.insert(carrier, next);
    }

    /// A numbered line has the number that was stated and counted on its carrier.
    fn numbered(&mut self, carrier: Carrier, number: &Value) {
        let Some(number) = number.as_u64() else { return };
        assert_eq!(self.down.get(&carrier), Some(&number), "each line is written in order");
        self.down.insert(carrier, number + 1);
        self.sent = self.sent.max(number);
    }

    fn check(&mut self) {
        self.drain();
        let (frames, _) = self.session.kept();
        assert!(frames <= REPLAY_FRAMES);
        let attached = self.session.wants_write().count();
        assert!(attached <= limits::ATTACHED_LEGS);
    }

    /// An honest client that comes now gets all that is left, and its line is accepted.
    fn resume(mut self) {
        self.offer(u8::MAX, 0);
        // The attaches of a minute may be used up.
        self.now += Time::from_secs(60);
        let (received, next) = (self.acknowledged, self.taken + 1);
        let hello = Hello { id: Some(true), leg: LAST, turn: Some(LAST), received, next, wish: None };
        let carrier = self.attach(Transport::WebSocket, &hello, &[]).expect("an honest hello is taken");
        self.check();
        for _ in 0..MOST_WRITES {
            self.write(ALL_BYTES);
            self.check();
        }
        assert_eq!(self.session.wants_write().count(), 0, "the writes do not end");
        assert_eq!(
            self.down.get(&carrier),
            Some(&(self.pushed + 1)),
            "a pushed line neither came nor was reported as lost"
        );
        assert_eq!(self.told, self.taken, "an accepted line is not acknowledged");
        self.frame(0, &Text::Ack(self.pushed, Some(next)));
        self.frame(0, &Text::Publish);
        self.check();
        assert_eq!(self.taken, next, "a new line is taken");
        assert_eq!(self.session.kept(), (0, 0), "the session keeps acknowledged lines");
    }
}

fn is_numbered(line: &Line) -> bool {
    line.json().starts_with(br#"{"msg":"#)
}

/// What a `bytes` says that stands right before the first numbered line.
fn announced(lines: &[Line]) -> Option<u64> {
    let before = lines.iter().take_while(|line| !is_numbered(line)).last()?;
    let frame: Value = serde_json::from_slice(before.json()).ok()?;
    frame["bytes"].as_u64()
}

/// What it must say on a socket.
fn to_be_announced(lines: &[Line]) -> Option<u64> {
    let bytes: usize = lines.iter().filter(|line| is_numbered(line)).map(Line::cost).sum();
    (bytes >= limits::ANNOUNCED_BYTES).then_some(bytes as u64)
}

fn composed(text: &str) -> Line {
    Line::compose(|buffer| buffer.extend_from_slice(text.as_bytes()))
}
