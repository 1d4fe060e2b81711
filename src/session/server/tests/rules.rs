//! One rule, one test.

use std::sync::Arc;

use crate::protocol::code::{Leaving, Mistake, Refusal};
use crate::protocol::frame::RawFrame;
use crate::protocol::up::{Hello, Up};
use crate::protocol::{LegNumber, Line, NetworkId, Nonce, SessionId, Transport};
use crate::session::Time;
use crate::session::server::{Carrier, Input, Output, Resolution, ServerSession, Settings, resolve};

const SECRET: &str = "a-secret-of-22-characters-or-more";

pub(super) const fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn id(text: &str) -> SessionId {
    SessionId::try_from(text.to_owned()).unwrap()
}

pub(super) fn frame(text: &str) -> Up {
    Up::read(&RawFrame::text(text.to_owned())).unwrap()
}

pub(super) fn hello(leg: u32, rest: &str) -> Hello {
    let text = format!(r#"{{"hello":{{"v":1,"session":"{SECRET}","leg":{leg},"next":1,"nonce":"n{leg}"{rest}}}}}"#);
    match frame(&text) {
        Up::Hello(hello) => hello,
        other => panic!("{other:?}"),
    }
}

/// A session, and all that it did.
pub(super) struct Bench {
    pub(super) session: ServerSession,
}

impl Bench {
    pub(super) fn new(settings: Settings) -> Self {
        Self { session: ServerSession::new(Time::ZERO, id("s1"), Arc::new(settings)) }
    }

    pub(super) fn attach(&mut self, ms: u64, leg: u32, transport: Transport, rest: &str) {
        self.carried(ms, leg, transport, u64::from(leg), rest).unwrap();
    }

    /// Attaches a leg by the given carrier and transport.
    fn carried(&mut self, ms: u64, leg: u32, transport: Transport, carrier: u64, rest: &str) -> Result<(), Refusal> {
        let (carrier, hello) = (Carrier(carrier), hello(leg, rest));
        let input = Input::Attach { carrier, transport, network: None, right: None, hello, frames: Vec::new() };
        self.session.handle(at(ms), input)
    }

    fn offer(&mut self, ms: u64, transports: &[Transport], jitter: u64) {
        self.session.handle(at(ms), Input::Offer(transports.into(), at(jitter))).unwrap();
    }

    fn timeout(&mut self, ms: u64) {
        self.session.handle(at(ms), Input::Timeout).unwrap();
    }

    /// Returns the codes of the ended legs, by carrier.
    pub(super) fn ends(&mut self) -> Vec<(u64, String)> {
        let end = |output: Output| {
            let Output::Finish { carrier, lines } = output else { return None };
            let line: serde_json::Value = serde_json::from_slice(lines[0].json()).unwrap();
            Some((carrier.0, line["end"]["code"].as_str()?.to_owned()))
        };
        self.outputs().into_iter().filter_map(end).collect()
    }

    fn frame(&mut self, ms: u64, leg: u32, text: &str) {
        let input = Input::Frame { carrier: Carrier(u64::from(leg)), frame: frame(text) };
        self.session.handle(at(ms), input).unwrap();
    }

    pub(super) fn write(&mut self, ms: u64, leg: u32) -> Vec<String> {
        let mut out = Vec::new();
        let carrier = Carrier(u64::from(leg));
        self.session.write(at(ms), carrier, usize::MAX, |line| out.push(line.clone()));
        let text = |line: &Line| String::from_utf8(line.json().to_vec()).unwrap();
        out.iter().map(text).collect()
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.session.poll_output()).collect()
    }
}

/// 1. A session lives on one socket for longer than `resume`, and only frames come.
/// 2. The client states a number that skips some, and the leg ends with `gap`.
/// 3. Once, time counted from the attach: the session expired before the client could come back.
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

/// 1. A leg ends because of a broken frame, but its socket is still read.
/// 2. The gateway refuses each frame that comes on it.
/// 3. If each refusal counted as a sign of life, a broken client would hold a session for ever.
#[test]
fn an_ended_leg_keeps_no_session_alive() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","turn":1,"received":0,"id":"s1""#);
    bench.frame(10, 1, r#"{"msg":1}"#);
    bench.frame(90_000, 1, r#"{"msg":1}"#);
    assert_eq!(bench.session.poll_timeout(), Some(at(120_010)));
}

/// 1. A ping waits until 20 ms after its leg's welcome, and the time comes.
/// 2. Before the pong is written, the leg gets a turn, and the confirming welcome goes first.
/// 3. The pong must wait again, but was still due: the leg wanted to write again and again, but had nothing to
///    write.
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
/// 2. Once, the poll replaced the socket in a leg that still counted as a socket, so its one answer was written in
///    pieces.
#[test]
fn a_leg_keeps_its_transport() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","turn":1,"received":0"#);
    for transport in [Transport::Poll, Transport::Sse] {
        let refused = bench.carried(1, 1, transport, 2, r#","turn":2,"received":0"#);
        assert_eq!(refused, Err(Mistake::OtherTransport { leg: LegNumber(1), transport: Transport::WebSocket }.into()));
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
    bench.session.push(line);
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
        bench.session.push(line);
    }
    let mut out = Vec::new();
    bench.session.write(at(1), Carrier(1), 1, |line| out.push(line.clone()));
    assert_eq!(out.len(), 1);
    bench.session.write(at(1), Carrier(1), 30, |line| out.push(line.clone()));
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

#[test]
fn an_acknowledgement_rides_on_a_line_that_goes_in_the_last_half_of_its_time() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","id":"s1","turn":1,"received":0"#);
    bench.write(0, 1);
    bench.frame(0, 1, r#"{"ack":0,"next":1}"#);
    bench.frame(0, 1, r#"{"pub":"a","data":1}"#);
    let mut told = |ms: u64| {
        bench.session.push(Line::compose(|buffer| buffer.extend_from_slice(br#"{"msg":1}"#)));
        let told = bench.write(ms, 1);
        (told.len() == 2).then(|| told[0].clone())
    };
    assert_eq!(told(499), None);
    assert_eq!(told(500), Some(r#"{"ack":1,"next":2}"#.to_owned()));
    assert_eq!(told(501), None, "it was told");
    assert_eq!(bench.session.poll_timeout(), Some(at(15_000)), "only the ping is left");
}

#[test]
fn a_wish_shortens_the_ping_rhythm_and_not_what_counts_as_silence() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","id":"s1","turn":1,"received":0,"heartbeat_ms":2000,"hold_ms":3000"#);
    let welcome = bench.write(0, 1).remove(0);
    assert!(welcome.contains(r#""heartbeat_ms":2000,"hold_ms":3000"#), "{welcome}");
    for ping in [2_000, 4_000] {
        assert_eq!(bench.session.poll_timeout(), Some(at(ping)));
        bench.timeout(ping);
        assert!(bench.write(ping, 1)[0].starts_with(r#"{"ping""#));
    }
    bench.timeout(74_999);
    assert!(bench.ends().is_empty());
    bench.timeout(75_000);
    assert_eq!(bench.ends(), [(1, "timeout".to_owned())]);
}

#[test]
fn wishes_are_bounded_and_stay_until_others_are_stated() {
    let mut bench = Bench::new(Settings::default());
    let mut told = |leg: u32, rest: &str| {
        bench.attach(0, leg, Transport::Sse, &format!(r#","id":"s1","received":0{rest}"#));
        let welcome: serde_json::Value = serde_json::from_str(&bench.write(0, leg)[0]).unwrap();
        ["heartbeat_ms", "hold_ms"].map(|key| welcome["welcome"][key].as_u64().unwrap())
    };
    assert_eq!(told(1, ""), [15_000, 25_000]);
    assert_eq!(told(2, r#","heartbeat_ms":0,"hold_ms":1"#), [1_000, 1_000]);
    assert_eq!(told(3, ""), [1_000, 1_000]);
    assert_eq!(told(4, r#","hold_ms":9007199254740991"#), [1_000, 25_000]);
    // Even a wish does not make a gateway slower than its settings.
    let mut quick = Bench::new(Settings { hold: at(100), ..Settings::default() });
    quick.attach(0, 1, Transport::Poll, r#","received":0,"hold_ms":5000"#);
    assert!(quick.write(0, 1)[0].contains(r#""hold_ms":100,"#));
}

#[test]
fn a_wish_holds_for_legs_that_were_there_and_for_the_poll_that_states_it() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","id":"s1","turn":1,"received":0"#);
    bench.write(0, 1);
    bench.attach(0, 2, Transport::Poll, r#","id":"s1","received":0"#);
    bench.write(0, 2);
    bench.attach(100, 2, Transport::Poll, r#","id":"s1","turn":2,"received":0"#);
    bench.write(100, 2);
    bench.carried(200, 2, Transport::Poll, 9, r#","id":"s1","turn":2,"received":0,"hold_ms":4000"#).unwrap();
    assert_eq!(bench.session.poll_timeout(), Some(at(4_200)));
    bench.carried(300, 3, Transport::WebSocket, 10, r#","id":"s1","received":0,"heartbeat_ms":1500"#).unwrap();
    assert_eq!(bench.session.poll_timeout(), Some(at(1_800)));
}

#[test]
fn every_leg_is_told_what_is_offered_beside_a_goaway_that_waits() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","id":"s1","turn":1,"received":0"#);
    bench.attach(0, 2, Transport::Poll, r#","id":"s1","received":0"#);
    for leg in [1, 2] {
        bench.write(0, leg);
    }
    let goaway = Line::compose(|buffer| buffer.extend_from_slice(br#"{"goaway":{}}"#));
    bench.session.handle(at(1), Input::Link(goaway)).unwrap();
    bench.offer(1, &[Transport::Sse], 3_000);
    bench.offer(2, &[Transport::Poll, Transport::WebSocket], 500);
    let config = r#"{"config":{"transports":["poll","websocket"],"jitter_ms":500}}"#;
    assert_eq!(bench.write(2, 1), [r#"{"goaway":{}}"#, config]);
    // Between two polls the leg has no carrier, so the next poll is answered at once.
    bench.carried(3, 2, Transport::Poll, 9, r#","id":"s1","received":0"#).unwrap();
    let mut out = Vec::new();
    bench.session.write(at(3), Carrier(9), 400, |line| out.push(line.clone()));
    assert_eq!(out[2].json(), config.as_bytes());
    assert_eq!(bench.session.wants_write().count(), 0);
}

#[test]
fn a_new_leg_must_be_of_a_transport_that_is_offered_and_takes_nothing_otherwise() {
    let mut bench = Bench::new(Settings { transports: [Transport::Sse].into(), ..Settings::default() });
    bench.attach(0, 1, Transport::Sse, r#","id":"s1","turn":1,"received":0"#);
    for transport in [Transport::WebSocket, Transport::Poll] {
        let refused = bench.carried(1, 2, transport, 2, r#","id":"s1","turn":2,"received":0"#);
        assert_eq!(refused, Err(Leaving::NotOffered(transport).into()));
    }
    assert_eq!(bench.session.active_carrier(), Some(Carrier(1)));
    bench.offer(2, &[Transport::Poll], 0);
    // An existing leg may get a new carrier.
    bench.carried(3, 1, Transport::Sse, 3, r#","id":"s1","turn":1,"received":0"#).unwrap();
    bench.attach(4, 4, Transport::Poll, r#","id":"s1","turn":2,"received":0"#);
    assert_eq!(bench.ends(), [(1, "replaced".to_owned()), (3, "replaced".to_owned())]);
}

#[test]
fn a_leg_that_stays_on_a_withdrawn_transport_ends_10_s_after_the_jitter() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","id":"s1","turn":1,"received":0"#);
    bench.attach(0, 2, Transport::Sse, r#","id":"s1","received":0"#);
    for leg in [1, 2] {
        bench.write(0, leg);
    }
    bench.offer(1_000, &[Transport::Poll], 500);
    // A leg stays if its transport is offered again in time.
    bench.offer(2_000, &[Transport::Poll, Transport::Sse], 9_000);
    bench.timeout(11_499);
    assert!(bench.ends().is_empty());
    assert_eq!(bench.session.poll_timeout(), Some(at(11_500)));
    bench.timeout(11_500);
    assert_eq!(bench.ends(), [(1, "refused".to_owned())]);
    assert_eq!(bench.session.active_carrier(), None);
    assert!(!bench.session.is_expired());
}

/// 1. Polls are withdrawn while a busy client is between two of them, again and again: each is answered at once.
/// 2. The time to leave comes at a moment when the leg has no carrier.
/// 3. Once, only attached legs ended: such a client would have stayed for ever.
#[test]
fn a_poll_that_comes_after_the_time_to_leave_is_answered_with_the_end() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::Poll, r#","turn":1,"received":0"#);
    bench.write(0, 1);
    bench.offer(1, &[Transport::WebSocket], 0);
    bench.carried(10_000, 1, Transport::Poll, 2, r#","id":"s1","turn":1,"received":0"#).unwrap();
    let mut out = Vec::new();
    bench.session.write(at(10_000), Carrier(2), 400, |line| out.push(line.clone()));
    assert_eq!(out.len(), 2);
    bench.carried(10_001, 1, Transport::Poll, 3, r#","id":"s1","turn":1,"received":0"#).unwrap();
    assert_eq!(bench.ends(), [(3, "refused".to_owned())]);
}

#[test]
fn a_welcome_tells_the_network_that_its_leg_comes_from() {
    let mut bench = Bench::new(Settings::default());
    for (leg, network) in [(1, Some(NetworkId(0xab))), (2, None)] {
        let (carrier, hello) = (Carrier(u64::from(leg)), hello(leg, r#","received":0"#));
        let transport = Transport::WebSocket;
        let input = Input::Attach { carrier, transport, network, right: None, hello, frames: Vec::new() };
        bench.session.handle(at(0), input).unwrap();
    }
    assert!(bench.write(0, 1)[0].contains(r#","network":"00000000000000ab","#));
    assert!(!bench.write(0, 2)[0].contains("network"));
}

/// 1. A polling client comes from another network, and the answer that says so may get lost.
/// 2. With a brief answer behind that one, the client would still rely on its memory of the old network.
#[test]
fn a_leg_that_came_from_another_network_is_told_so_with_every_answer() {
    let mut bench = Bench::new(Settings::default());
    let mut polled = 0;
    let mut polled_from = |network, rest: &str| {
        polled += 1;
        let mut hello = hello(1, &format!(r#","turn":1,"received":0{rest}"#));
        hello.nonce = Nonce::try_from(format!("p{polled}")).unwrap();
        let carrier = Carrier(1);
        let frames = vec![Up::Ping { value: 1.into(), pad: None }];
        let input = Input::Attach { carrier, transport: Transport::Poll, network, right: None, hello, frames };
        bench.session.handle(at(0), input).unwrap();
        bench.write(0, 1).remove(0)
    };
    let (one, other) = (Some(NetworkId(0xab)), Some(NetworkId(0xcd)));
    assert!(polled_from(one, "").contains(r#""network":"00000000000000ab""#));
    assert_eq!(polled_from(one, r#","id":"s1""#), r#"{"nonce":"p2","next":1}"#);
    for _ in 0..2 {
        assert!(polled_from(other, r#","id":"s1""#).contains(r#""network":"00000000000000cd""#));
    }
}
