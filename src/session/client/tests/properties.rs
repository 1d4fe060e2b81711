//! Plays random sequences of operations, sensible or not: the gateway says anything, and the owner does anything.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use crate::protocol::frame::RawFrame;
use crate::protocol::{Code, LegNumber, Line, Transport, limits};
use crate::session::Time;
use crate::session::client::{ClientSession, Failure, Input, Output, Reset, Route};

/// The most bytes and lines of a body, as the invented gateway states them.
const BODY_BYTES: usize = 400;
const BODY_LINES: usize = 4;
/// More timeouts than this in a row at one moment are an endless loop.
const MOST_TIMEOUTS: usize = 8;

/// A frame of an invented gateway. If `ours`, it echoes the last nonce of its leg and route, as a real one does.
#[derive(Debug, Clone)]
enum Said {
    Welcome { ours: bool, id: u8, turn: u32, received: u64, next: u64 },
    End(bool, &'static str),
    Ack(u64, Option<u64>),
    Numbered,
    Text(&'static str),
}

#[derive(Debug, Clone)]
enum Operation {
    OpenLeg(Transport),
    SocketOpened(LegNumber),
    FrameArrived(LegNumber, Said),
    AnswerArrived(LegNumber, Route, Vec<Said>),
    RequestFailed(LegNumber, Route, Failure),
    LegDied(LegNumber),
    RequestTurn(LegNumber, bool, bool),
    SendPing(LegNumber, bool),
    WithdrawLine,
    /// A frame with a text of this many bytes.
    Push(usize),
    Timeout,
    Later(u64),
}

fn small() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0..9u64, 1 => Just(limits::NUMBER - 1), 1 => Just(limits::NUMBER), 1 => Just(u64::MAX)]
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        6 => (prop::bool::weighted(0.95), prop_oneof![9 => Just(1u8), 1 => Just(2u8)], 0..6u32, prop_oneof![3 => Just(0), 1 => small()], prop_oneof![3 => Just(1), 1 => small()])
            .prop_map(|(ours, id, turn, received, next)| Said::Welcome { ours, id, turn, received, next }),
        1 => (any::<bool>(), prop::sample::select(vec!["gone", "replaced", "gap", "bad_frame"])).prop_map(|(ours, code)| Said::End(ours, code)),
        2 => (small(), prop::option::of(small())).prop_map(|(ack, next)| Said::Ack(ack, next)),
        6 => Just(Said::Numbered),
        2 => prop::sample::select(vec![r#"{"ping":3}"#, r#"{"pong":3}"#, r#"{"pong":3,"pad":"x"}"#, r#"{"pong":-1.5}"#, r#"{"goaway":{}}"#, "", "[]", "nonsense"]).prop_map(Said::Text),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let leg = || (1..6u32).prop_map(LegNumber);
    let route = || prop::sample::select(Route::ALL.to_vec());
    let failure = || {
        let statuses = vec![None, Some(403), Some(413), Some(429), Some(503)];
        let codes = prop_oneof![4 => Just(None), 1 => Just(Some(Code::BadFrame)), 1 => Just(Some(Code::Internal))];
        (prop::sample::select(statuses), codes).prop_map(|(status, code)| Failure { status, code })
    };
    prop_oneof![
        4 => prop::sample::select(Transport::ALL.to_vec()).prop_map(Operation::OpenLeg),
        4 => leg().prop_map(Operation::SocketOpened),
        9 => (leg(), said()).prop_map(|(leg, said)| Operation::FrameArrived(leg, said)),
        9 => (leg(), route(), prop::collection::vec(said(), 0..4))
            .prop_map(|(leg, route, said)| Operation::AnswerArrived(leg, route, said)),
        4 => (leg(), route(), failure()).prop_map(|(leg, route, failure)| Operation::RequestFailed(leg, route, failure)),
        2 => leg().prop_map(Operation::LegDied),
        3 => (leg(), any::<bool>(), any::<bool>()).prop_map(|(leg, pings, is_long)| Operation::RequestTurn(leg, pings, is_long)),
        2 => (leg(), any::<bool>()).prop_map(|(leg, is_long)| Operation::SendPing(leg, is_long)),
        1 => Just(Operation::WithdrawLine),
        5 => prop_oneof![3 => Just(1), 1 => 50..300usize, 1 => 1_000..2_000usize].prop_map(Operation::Push),
        4 => Just(Operation::Timeout),
        3 => prop_oneof![0..50u64, 900..7_000u64].prop_map(Operation::Later),
    ]
}

/// The owner of a session. It checks all that it sees against the rules.
struct Watch {
    session: ClientSession,
    now: Time,
    opened: u32,
    over: BTreeSet<LegNumber>,
    usable: BTreeSet<LegNumber>,
    /// The nonces by leg and route; those of a socket stand under `Stream`.
    nonces: BTreeMap<(LegNumber, u8), String>,
    counted: u64,
    turn: u64,
    received: u64,
    pushed: usize,
    /// The numbered lines as they last went up, by number.
    lines: BTreeMap<u64, Value>,
    /// The number of the next line that goes up a socket.
    next_up: BTreeMap<LegNumber, u64>,
    /// The frames whose outcome a reset made unknown.
    unknown: usize,
}

impl Watch {
    fn new() -> Self {
        let mut given = 0;
        let random = Box::new(move |_| {
            given += 1;
            format!("{given}-and-22-or-more-of-them")
        });
        Self {
            session: ClientSession::new(random),
            now: Time::ZERO,
            opened: 0,
            over: BTreeSet::new(),
            usable: BTreeSet::new(),
            nonces: BTreeMap::new(),
            counted: 0,
            turn: 0,
            received: 0,
            pushed: 0,
            lines: BTreeMap::new(),
            next_up: BTreeMap::new(),
            unknown: 0,
        }
    }

    fn apply(&mut self, operation: Operation) {
        let input = match operation {
            Operation::OpenLeg(transport) => {
                self.opened += 1;
                Input::OpenLeg(transport)
            }
            Operation::SocketOpened(leg) => Input::SocketOpened(leg),
            Operation::FrameArrived(leg, said) => {
                let frame = self.frame(&said, leg, Route::Stream);
                Input::FrameArrived(leg, frame)
            }
            Operation::AnswerArrived(leg, route, said) => {
                let frames = said.iter().map(|said| self.frame(said, leg, route));
                Input::AnswerArrived(leg, route, frames.collect())
            }
            Operation::RequestFailed(leg, route, failure) => Input::RequestFailed(leg, route, failure),
            Operation::LegDied(leg) => {
                self.over.extend((leg.0 <= self.opened).then_some(leg));
                Input::LegDied(leg)
            }
            Operation::RequestTurn(leg, pings, is_long) => Input::RequestTurn { leg, pings, is_long },
            Operation::SendPing(leg, is_long) => Input::SendPing { leg, is_long },
            Operation::WithdrawLine => Input::WithdrawLine,
            Operation::Push(bytes) => {
                self.pushed += 1;
                let text = format!(r#"{{"msg":"{}","id":{}}}"#, "x".repeat(bytes), self.pushed);
                Input::Push(Line::compose(|buffer| {
                    buffer.extend_from_slice(text.as_bytes());
                }))
            }
            Operation::Timeout => return self.timeout(),
            Operation::Later(ms) => {
                self.now += Time::from_millis(ms);
                return;
            }
        };
        self.session.handle(self.now, input);
        self.drain();
    }

    fn frame(&self, said: &Said, leg: LegNumber, route: Route) -> RawFrame {
        let nonce = |ours: bool| {
            let ours = self.nonces.get(&(leg, route as u8)).filter(|_| ours);
            ours.map_or("foreign", String::as_str)
        };
        RawFrame::text(match said {
            Said::Welcome { ours, id, turn, received, next } => format!(
                r#"{{"welcome":{{"v":1,"nonce":"{}","id":"s{id}","leg":{leg},"turn":{turn},"received":{received},"next":{next},"transports":[],"heartbeat_ms":1,"hold_ms":1,"resume_ms":1,"limits":{{"replay_frames":8,"replay_bytes":80,"body_bytes":{BODY_BYTES},"body_lines":{BODY_LINES},"line_bytes":65536}}}}}}"#,
                nonce(*ours)
            ),
            Said::End(ours, code) => {
                format!(r#"{{"end":{{"v":1,"nonce":"{}","code":"{code}"}}}}"#, nonce(*ours))
            }
            Said::Ack(ack, None) => format!(r#"{{"ack":{ack}}}"#),
            Said::Ack(ack, Some(next)) => format!(r#"{{"ack":{ack},"next":{next}}}"#),
            Said::Numbered => r#"{"msg":"down"}"#.to_owned(),
            Said::Text(text) => (*text).to_owned(),
        })
    }

    /// Meets the deadline. The next one must be later, after a few steps at most.
    fn timeout(&mut self) {
        let Some(due) = self.session.poll_timeout() else {
            return;
        };
        self.now = self.now.max(due);
        for _ in 0..MOST_TIMEOUTS {
            self.session.handle(self.now, Input::Timeout);
            self.drain();
            if self.session.poll_timeout().is_none_or(|at| at > self.now) {
                return;
            }
        }
        panic!("the timeout spins at {:?}: {:?}", self.now, self.session);
    }

    fn drain(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.session.poll_output() {
            outputs += 1;
            assert!(outputs < 200, "outputs are bounded by the input");
            self.happened(output);
        }
        let (frames, _) = self.session.kept();
        assert!(frames <= self.pushed - self.unknown);
        if let Some(current) = self.session.current() {
            assert!(!self.over.contains(&current));
        }
    }

    fn happened(&mut self, output: Output) {
        match output {
            Output::Write(leg, lines) => {
                self.written(leg, None, &lines);
            }
            Output::Post { leg, route, lines, timeout } => {
                assert!(lines[0].json().starts_with(b"{\"hello\""));
                let numbered = self.written(leg, Some(route), &lines);
                let bytes: usize = lines.iter().map(|line| line.cost() + 1).sum();
                assert!(numbered < 2 || (bytes <= BODY_BYTES && lines.len() <= BODY_LINES), "{bytes}");
                assert!(numbered == 0 || !matches!(route, Route::Stream | Route::Links));
                // Link frames may leave no room for lines.
                if lines.len() < BODY_LINES {
                    assert_eq!(timeout.is_some(), matches!(route, Route::Send | Route::Links) || numbered > 0);
                    assert!(numbered > 0 || route != Route::Send);
                }
            }
            Output::LegUsable(leg) => {
                self.lives(leg);
                assert!(self.usable.insert(leg), "usable once");
            }
            Output::LegActive(leg) | Output::Pong { leg, .. } | Output::LineStuck(leg) | Output::OneRequest(leg) => {
                self.lives(leg);
                assert!(self.usable.contains(&leg));
            }
            Output::LegDropped(leg, _) => {
                self.lives(leg);
                self.over.insert(leg);
            }
            Output::Reset(Reset::Gone, lost) => {
                self.unknown += usize::try_from(lost).unwrap();
                (self.turn, self.received) = (0, 0);
                self.lines.clear();
                assert!((1..=self.opened).all(|leg| self.over.contains(&LegNumber(leg))));
            }
            Output::Reset(Reset::Overrun, lost) => assert!(lost > 0),
            Output::UnknownOutcome(lines) => assert!(!lines.is_empty()),
            Output::Deliver(_) | Output::Link(_) | Output::Wait(..) | Output::TokenAnswered(_) => {}
        }
    }

    fn lives(&self, leg: LegNumber) {
        assert!(leg.0 <= self.opened && !self.over.contains(&leg), "leg {leg} is over");
    }

    /// Checks lines that go up. Numbers and nonces only grow, and one write holds one hello and one `ack` at most.
    /// Returns the number of numbered lines.
    fn written(&mut self, leg: LegNumber, route: Option<Route>, lines: &[Line]) -> usize {
        self.lives(leg);
        assert!(!lines.is_empty());
        assert!(lines.len() == 1 || self.usable.contains(&leg), "only a hello goes to a leg before its welcome");
        let (mut hellos, mut acks, mut numbered) = (0, 0, 0);
        for line in lines {
            let frame: Value = serde_json::from_slice(line.json()).unwrap();
            if let Some(hello) = frame.get("hello") {
                hellos += 1;
                self.hello(leg, route, hello);
                if route.is_some() {
                    self.next_up.insert(leg, hello["next"].as_u64().unwrap());
                }
            } else if let Some(ack) = frame["ack"].as_u64() {
                acks += 1;
                self.grown(ack);
                let next = frame["next"].as_u64().filter(|next| *next >= 1);
                self.next_up.insert(leg, next.unwrap());
            } else if frame.get("ping").or(frame.get("pong")).is_none() {
                numbered += 1;
                self.numbered(leg, &frame);
            }
        }
        assert!(hellos <= 1 && acks <= 1, "{hellos} hellos and {acks} acks at once");
        numbered
    }

    /// Checks rule 10: a number keeps its line. Only a filler may replace a line, and the filler stays.
    fn numbered(&mut self, leg: LegNumber, frame: &Value) {
        let next = self.next_up.get_mut(&leg).expect("no numbered line without a stated number");
        let number = *next;
        *next += 1;
        let before = self.lines.insert(number, frame.clone()).unwrap_or_else(|| frame.clone());
        assert!(*frame == before || frame.get("skip").is_some(), "{number} was {before}, and is {frame}");
        assert_eq!(frame["id"], before["id"]);
    }

    fn hello(&mut self, leg: LegNumber, route: Option<Route>, hello: &Value) {
        assert_eq!(hello["leg"], leg.0);
        let nonce = hello["nonce"].as_str().unwrap().to_owned();
        let count: u64 = nonce.rsplit('.').next().unwrap().parse().unwrap();
        assert!(count > self.counted, "a nonce is used once");
        self.counted = count;
        // The gateway echoes the nonce of a socket's first hello in its answer to the second.
        let key = (leg, route.unwrap_or(Route::Stream) as u8);
        if route.is_some() || !self.nonces.contains_key(&key) {
            self.nonces.insert(key, nonce);
        }
        if let Some(turn) = hello["turn"].as_u64() {
            self.turn = self.turn.max(turn);
        }
        self.grown(hello["received"].as_u64().unwrap());
        assert!(hello["next"].as_u64().unwrap() >= 1);
        if hello.get("id").is_none() {
            assert_eq!(hello["received"], 0);
        }
    }

    fn grown(&mut self, received: u64) {
        assert!(received >= self.received, "{received} after {}", self.received);
        self.received = received;
    }
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
        }
    }
}
