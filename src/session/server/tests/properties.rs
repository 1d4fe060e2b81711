//! Plays random sequences of operations, sensible or not. The simulation's schedules are what networks do; these
//! are what any client can do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use crate::protocol::frame::RawFrame;
use crate::protocol::limits::{self, Limits};
use crate::protocol::up::Up;
use crate::protocol::{Line, SessionId, Transport, body};
use crate::session::Time;
use crate::session::server::{Carrier, Input, Output, Room, ServerSession, Settings};

const REPLAY_FRAMES: usize = 6;
/// More timeouts than this in a row at one moment are an endless loop.
const MOST_TIMEOUTS: usize = 8;

#[derive(Debug, Clone)]
struct Hello {
    id: Option<bool>,
    leg: u32,
    turn: Option<u32>,
    received: u64,
    next: u64,
    wish: Option<u64>,
}

#[derive(Debug, Clone)]
enum Operation {
    Attach(Transport, Hello, Vec<String>),
    Send(Hello, Vec<String>),
    /// A frame on one of the sockets that ever existed.
    Frame(usize, String),
    Again(usize, Hello),
    /// A frame with a text of this many bytes.
    Push(usize),
    Link,
    Offer(Vec<Transport>, u64),
    Closed(usize),
    Timeout,
    Later(u64),
    /// Carriers get room of this many bytes.
    Write(usize),
}

fn hello() -> impl Strategy<Value = Hello> {
    (
        prop::option::weighted(0.7, prop::bool::weighted(0.95)),
        1..6u32,
        prop::option::weighted(0.6, 1..12u32),
        prop_oneof![8 => Just(0), 6 => 0..8u64, 1 => Just(limits::NUMBER - 1)],
        prop_oneof![8 => Just(1), 6 => 1..8u64, 1 => Just(limits::NUMBER - 1)],
        prop::option::weighted(0.2, prop_oneof![0..20_000u64, Just(limits::NUMBER - 1)]),
    )
        .prop_map(|(id, leg, turn, received, next, wish)| Hello {
            received: if id.is_some() { received } else { 0 },
            id,
            leg,
            turn,
            next,
            wish,
        })
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..9u64).prop_map(|id| format!(r#"{{"pub":"a","id":{id},"data":{id}}}"#)),
        1 => Just(r#"{"sub":"","id":1}"#.to_owned()),
        2 => (0..9u64).prop_map(|value| format!(r#"{{"ping":{value}}}"#)),
        1 => Just(r#"{"pong":1}"#.to_owned()),
        3 => (0..8u64, 1..8u64).prop_map(|(ack, next)| format!(r#"{{"ack":{ack},"next":{next}}}"#)),
        1 => (0..8u64).prop_map(|ack| format!(r#"{{"ack":{ack}}}"#)),
        1 => Just("nonsense".to_owned()),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let transport = prop::sample::select(Transport::ALL.to_vec());
    let lines = || prop::collection::vec(line(), 0..4);
    prop_oneof![
        4 => (transport, hello(), lines()).prop_map(|(t, h, l)| Operation::Attach(t, h, l)),
        3 => (hello(), lines()).prop_map(|(h, l)| Operation::Send(h, l)),
        6 => (0..9usize, line()).prop_map(|(place, line)| Operation::Frame(place, line)),
        2 => (0..9usize, hello()).prop_map(|(place, hello)| Operation::Again(place, hello)),
        5 => prop_oneof![3 => Just(0), 1 => 1_000..5_000usize].prop_map(Operation::Push),
        1 => Just(Operation::Link),
        1 => (prop::sample::subsequence(Transport::ALL.to_vec(), 1..=3), 0..5_000u64).prop_map(|(t, j)| Operation::Offer(t, j)),
        2 => (0..9usize).prop_map(Operation::Closed),
        3 => Just(Operation::Timeout),
        4 => prop_oneof![0..50u64, 900..2_000u64, 10_000..40_000u64].prop_map(Operation::Later),
        6 => prop_oneof![1..60usize, Just(10_000)].prop_map(Operation::Write),
    ]
}

/// A caller's view of the session, with checks of all that must be true of it.
struct Watch {
    session: ServerSession,
    now: Time,
    counted: u64,
    carriers: Vec<(Carrier, Transport)>,
    ended: BTreeSet<Carrier>,
    /// One welcome answers a hello. A send that requests a turn gets two.
    welcomes_owed: u32,
    taken: u64,
    turn: u64,
    pushed: u64,
    told: u64,
    dropped: u64,
}

impl Watch {
    fn new() -> Self {
        let settings =
            Settings { limits: Limits { replay_frames: REPLAY_FRAMES, ..Limits::default() }, ..Settings::default() };
        let id = SessionId::try_from("s1".to_owned()).unwrap();
        Self {
            session: ServerSession::new(Time::ZERO, id, Arc::new(settings)),
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
        }
    }

    fn carrier(&mut self) -> Carrier {
        self.counted += 1;
        Carrier(self.counted)
    }

    fn socket(&self, place: usize) -> Option<Carrier> {
        let mut sockets = self.carriers.iter().rev();
        let socket = sockets.nth(place).filter(|(_, t)| *t == Transport::WebSocket);
        socket.map(|(carrier, _)| *carrier)
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Attach(transport, hello, lines) => self.attach(transport, &hello, &lines),
            Operation::Send(hello, lines) => {
                if let Ok(body) = read(&hello, &lines) {
                    let (carrier, now) = (self.carrier(), self.now);
                    let (hello, frames) = (body.hello, body.frames);
                    let input = Input::Send { carrier, hello, frames };
                    if self.session.handle(now, input).is_ok() {
                        self.welcomes_owed += 2;
                    }
                }
            }
            Operation::Frame(place, text) => self.frame(place, &text),
            Operation::Again(place, hello) => self.frame(place, &hello.text()),
            Operation::Push(bytes) => {
                self.pushed += 1;
                self.session.push(composed(&format!(r#"{{"msg":"{}"}}"#, "x".repeat(bytes))));
            }
            Operation::Link => self.input(Input::Link(composed(r#"{"goaway":{}}"#))),
            Operation::Offer(transports, jitter) => {
                self.input(Input::Offer(transports.into(), Time::from_millis(jitter)));
            }
            Operation::Closed(place) => {
                if place < self.carriers.len() {
                    let (carrier, _) = self.carriers.remove(place);
                    self.ended.insert(carrier);
                    self.input(Input::Closed(carrier));
                }
            }
            Operation::Timeout => self.timeout(),
            Operation::Later(ms) => self.now += Time::from_millis(ms),
            Operation::Write(bytes) => self.write(bytes),
        }
    }

    fn attach(&mut self, transport: Transport, hello: &Hello, lines: &[String]) {
        let lines = if transport == Transport::WebSocket { &[] } else { lines };
        let Ok(body) = read(hello, lines) else { return };
        let carrier = self.carrier();
        let attach = Input::Attach { carrier, transport, network: None, hello: body.hello, frames: body.frames };
        if self.session.handle(self.now, attach).is_ok() {
            self.carriers.push((carrier, transport));
            self.welcomes_owed += 1;
        }
    }

    fn frame(&mut self, place: usize, text: &str) {
        let Some(carrier) = self.socket(place) else {
            return;
        };
        self.welcomes_owed += u32::from(text.contains("hello"));
        self.input(match Up::read(&RawFrame::text(text.to_owned())) {
            Ok(frame) => Input::Frame { carrier, frame },
            Err(refusal) => Input::Refused { carrier, refusal },
        });
    }

    fn input(&mut self, input: Input) {
        assert!(self.session.handle(self.now, input).is_ok(), "only requests are refused");
    }

    /// Meets the deadline. The next one must be later, after a few steps at most.
    fn timeout(&mut self) {
        let Some(due) = self.session.poll_timeout() else {
            return;
        };
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
            let moved = self.session.write(self.now, carrier, Room { bytes }, |line| lines.push(line.clone()));
            assert!(moved || self.session.poll_timeout() == due, "a write that moves the deadline must report that");
            assert!(!lines.is_empty(), "a carrier that wants to write has lines");
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
                Output::Command(_) => self.taken += 1,
                Output::Finish { carrier, lines } => {
                    self.written(carrier, &lines);
                    self.ended.insert(carrier);
                }
                Output::Overrun { through } => {
                    assert!(through.0 > self.dropped && through.0 <= self.pushed);
                    self.dropped = through.0;
                }
                Output::Expired => assert!(self.session.is_expired()),
            }
        }
    }

    fn written(&mut self, carrier: Carrier, lines: &[Line]) {
        assert!(!self.ended.contains(&carrier), "{carrier:?} has ended");
        let mut kinds = BTreeMap::<String, u32>::new();
        for line in lines {
            let frame: serde_json::Value = serde_json::from_slice(line.json()).unwrap();
            let verb = frame.as_object().unwrap().keys().find(|key| *key != "next").unwrap();
            *kinds.entry(verb.clone()).or_default() += 1;
            let welcome = &frame["welcome"];
            self.grows(&welcome["received"], &welcome["turn"]);
            self.grows(&frame["ack"], &serde_json::Value::Null);
        }
        for (kind, count) in &kinds {
            assert!(*count == 1 || kind == "msg", "{count} {kind} in one write");
        }
        if kinds.contains_key("welcome") {
            assert!(self.welcomes_owed > 0, "a welcome that no hello asked for");
            self.welcomes_owed -= 1;
        }
    }

    /// Checks that the stated numbers and turns only grow.
    fn grows(&mut self, received: &serde_json::Value, turn: &serde_json::Value) {
        if let Some(received) = received.as_u64() {
            assert!(received >= self.told && received <= self.taken);
            self.told = received;
        }
        if let Some(turn) = turn.as_u64() {
            assert!(turn >= self.turn);
            self.turn = turn;
        }
    }

    fn check(&mut self) {
        self.drain();
        let (frames, _) = self.session.kept();
        assert!(frames <= REPLAY_FRAMES);
        let attached = self.session.wants_write().count();
        assert!(attached <= limits::ATTACHED_LEGS);
    }
}

impl Hello {
    fn text(&self) -> String {
        let id = self.id.map_or(String::new(), |ours| format!(r#","id":"{}""#, if ours { "s1" } else { "s2" }));
        let turn = self.turn.map_or(String::new(), |turn| format!(r#","turn":{turn}"#));
        let wish = self.wish.map_or(String::new(), |wish| format!(r#","heartbeat_ms":{wish},"hold_ms":{wish}"#));
        format!(
            r#"{{"hello":{{"v":1,"session":"a-secret-of-22-or-more-xx","leg":{},"received":{},"next":{},"nonce":"n"{id}{turn}{wish}}}}}"#,
            self.leg, self.received, self.next
        )
    }
}

fn read(hello: &Hello, lines: &[String]) -> Result<body::Body, ()> {
    let mut text = hello.text();
    for line in lines {
        text.push('\n');
        text.push_str(line);
    }
    // The hello of another incarnation does not come this far.
    if hello.id == Some(false) {
        return Err(());
    }
    body::read(&Bytes::from(text)).map_err(|_| ())
}

fn is_numbered(line: &Line) -> bool {
    line.json().starts_with(br#"{"msg":"#)
}

/// Returns the value of a `bytes` frame right before the first numbered line.
fn announced(lines: &[Line]) -> Option<u64> {
    let before = lines.iter().take_while(|line| !is_numbered(line)).last()?;
    let frame: serde_json::Value = serde_json::from_slice(before.json()).unwrap();
    frame["bytes"].as_u64()
}

/// Returns the value that such a frame must have on a socket.
fn to_be_announced(lines: &[Line]) -> Option<u64> {
    let bytes: usize = lines.iter().filter(|line| is_numbered(line)).map(Line::cost).sum();
    (bytes >= limits::ANNOUNCED_BYTES).then_some(bytes as u64)
}

fn composed(text: &str) -> Line {
    Line::compose(|buffer| buffer.extend_from_slice(text.as_bytes()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_operations_keeps_the_bounds(
        operations in prop::collection::vec(operation(), 1..80),
    ) {
        let mut watch = Watch::new();
        for operation in operations {
            watch.apply(operation);
            watch.check();
            if watch.session.is_expired() {
                break;
            }
        }
    }
}
