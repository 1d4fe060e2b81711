//! One rule, one test.

use std::sync::Arc;

use crate::protocol::code::Code;
use crate::protocol::frame::RawFrame;
use crate::protocol::up::{Hello, Up};
use crate::protocol::{Line, SessionId, Transport};
use crate::session::Time;
use crate::session::server::{Carrier, Input, Output, Resolution, Room, ServerSession, Settings, resolve};

const SECRET: &str = "a-secret-of-22-characters-or-more";

fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn id(text: &str) -> SessionId {
    SessionId::try_from(text.to_owned()).unwrap()
}

fn frame(text: &str) -> Up {
    Up::read(&RawFrame::text(text.to_owned())).unwrap()
}

fn hello(leg: u32, rest: &str) -> Hello {
    let text = format!(r#"{{"hello":{{"v":1,"session":"{SECRET}","leg":{leg},"next":1,"nonce":"n{leg}"{rest}}}}}"#);
    match frame(&text) {
        Up::Hello(hello) => hello,
        other => panic!("{other:?}"),
    }
}

/// A session, and what it did.
struct Bench {
    session: ServerSession,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        Self { session: ServerSession::new(Time::ZERO, id("s1"), Arc::new(settings)) }
    }

    fn attach(&mut self, ms: u64, leg: u32, transport: Transport, rest: &str) {
        let input =
            Input::Attach { carrier: Carrier(u64::from(leg)), transport, hello: hello(leg, rest), frames: Vec::new() };
        self.session.handle(at(ms), input).unwrap();
    }

    fn frame(&mut self, ms: u64, leg: u32, text: &str) {
        let input = Input::Frame { carrier: Carrier(u64::from(leg)), frame: frame(text) };
        self.session.handle(at(ms), input).unwrap();
    }

    fn write(&mut self, ms: u64, leg: u32) -> Vec<String> {
        let mut out = Vec::new();
        let room = Room { bytes: usize::MAX };
        let carrier = Carrier(u64::from(leg));
        self.session.write(at(ms), carrier, room, &mut out);
        let text = |line: &Line| String::from_utf8(line.json().to_vec()).unwrap();
        out.iter().map(text).collect()
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.session.poll_output()).collect()
    }
}

/// 1. A session lives on one socket for longer than `resume`; nothing but frames comes.
/// 2. The client states a number that leaves some out, and the leg ends with `gap`.
/// 3. Time was counted from the attach: the session expired before the client could come back.
#[test]
fn a_session_outlives_the_leg_that_was_ended_for_what_it_did_wrong() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","turn":1,"received":0"#);
    bench.frame(1, 1, r#"{"ack":0,"next":1}"#);
    bench.frame(500_000, 1, r#"{"ack":0,"next":9}"#);
    assert_eq!(bench.session.poll_timeout(), Some(at(620_000)));
    bench.session.handle(at(500_000), Input::Timeout).unwrap();
    assert!(!bench.session.is_expired());
}

/// 1. A leg is ended for a broken frame, and its socket is still read.
/// 2. What comes on it is refused again and again.
/// 3. If each refusal counted as a sign of life, a client that lost its mind would hold a session for ever.
#[test]
fn an_ended_leg_keeps_no_session_alive() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","turn":1,"received":0,"id":"s1""#);
    bench.frame(10, 1, r#"{"msg":1}"#);
    bench.frame(90_000, 1, r#"{"msg":1}"#);
    assert_eq!(bench.session.poll_timeout(), Some(at(120_010)));
}

/// 1. A ping waits until 20 ms after its leg's welcome; the time comes.
/// 2. Before it is written the leg is granted a turn, and the welcome that confirms goes first.
/// 3. The pong has to wait again, but was still due: the leg wanted to write, and had nothing to say, again and again.
#[test]
fn a_pong_that_must_wait_again_is_not_due() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","received":0"#);
    bench.write(0, 1);
    bench.frame(1, 1, r#"{"ping":7}"#);
    bench.session.handle(at(20), Input::Timeout).unwrap();
    let ask = Up::Hello(hello(1, r#","turn":1,"received":0"#));
    let carrier = Carrier(1);
    bench.session.handle(at(20), Input::Frame { carrier, frame: ask }).unwrap();
    assert_eq!(bench.write(20, 1).len(), 1);
    assert_eq!(bench.session.wants_write().count(), 0);
    assert_eq!(bench.session.poll_timeout(), Some(at(40)));
    bench.session.handle(at(40), Input::Timeout).unwrap();
    assert_eq!(bench.write(40, 1), [r#"{"pong":7}"#]);
}

/// 1. A client attaches a leg by socket, then polls in the name of the same leg.
/// 2. The poll took the socket's place in a leg that still counted as a socket, so that its one answer was written in pieces.
#[test]
fn a_leg_keeps_its_transport() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","turn":1,"received":0"#);
    for transport in [Transport::Poll, Transport::Sse] {
        let input = Input::Attach {
            carrier: Carrier(2),
            transport,
            hello: hello(1, r#","turn":2,"received":0"#),
            frames: Vec::new(),
        };
        assert_eq!(bench.session.handle(at(1), input).unwrap_err().code, Code::BadFrame);
    }
    assert_eq!(bench.write(1, 1).len(), 1);
}

#[test]
fn a_hello_joins_creates_or_is_gone() {
    let (held, other) = (id("s1"), id("s2"));
    let unnamed = hello(1, r#","received":0"#);
    let named = hello(1, r#","received":0,"id":"s1""#);
    assert_eq!(resolve(None, &unnamed, true), Resolution::Create);
    assert_eq!(resolve(None, &unnamed, false), Resolution::Gone);
    assert_eq!(resolve(None, &named, true), Resolution::Gone);
    assert_eq!(resolve(Some(&held), &unnamed, true), Resolution::Join);
    assert_eq!(resolve(Some(&held), &named, true), Resolution::Join);
    assert_eq!(resolve(Some(&other), &named, true), Resolution::Gone);
}

#[test]
fn a_poll_is_used_up_by_one_write() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::Poll, r#","turn":1,"received":0"#);
    assert_eq!(bench.write(0, 1).len(), 1);
    let line = Line::compose(|buffer| buffer.extend_from_slice(b"{\"msg\":1}"));
    bench.session.handle(at(1), Input::Push(line)).unwrap();
    assert_eq!(bench.session.wants_write().count(), 0);
    assert!(bench.write(1, 1).is_empty());
}

#[test]
fn room_is_kept_but_one_line_goes_however_long_it_is() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","turn":1,"received":0"#);
    bench.write(0, 1);
    for _ in 0..3 {
        let line = Line::compose(|buffer| buffer.extend_from_slice(b"{\"msg\":\"0123456789\"}"));
        bench.session.handle(at(1), Input::Push(line)).unwrap();
    }
    let mut out = Vec::new();
    bench.session.write(at(1), Carrier(1), Room { bytes: 1 }, &mut out);
    assert_eq!(out.len(), 1);
    bench.session.write(at(1), Carrier(1), Room { bytes: 30 }, &mut out);
    assert_eq!(out.len(), 3);
}

#[test]
fn the_winner_is_told_before_its_lines_and_the_loser_is_told_the_end() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","turn":1,"received":0"#);
    bench.write(0, 1);
    bench.attach(1, 2, Transport::Sse, r#","turn":2,"received":0"#);
    let ended = |output: &Output| matches!(output, Output::Finish { carrier, .. } if carrier.0 == 1);
    assert!(bench.outputs().iter().any(ended));
    assert_eq!(bench.session.active_carrier(), Some(Carrier(2)));
    assert!(bench.write(1, 2)[0].starts_with(r#"{"welcome""#));
    assert!(bench.write(1, 1).is_empty());
}

#[test]
fn nothing_follows_expiry() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::Sse, r#","turn":1,"received":0"#);
    bench.session.handle(at(10_000), Input::Timeout).unwrap();
    assert_eq!(bench.outputs().last(), Some(&Output::Expired));
    assert!(bench.session.is_expired());
    assert_eq!(bench.session.poll_timeout(), None);
    assert_eq!(bench.session.wants_write().count(), 0);
}
