//! The reasons to answer a poll (rule 8). A poll without one is held.

use super::rules::{Bench, at, frame, hello};
use crate::protocol::up::Hello;
use crate::protocol::{Line, Seq, Transport, Turn, limits};
use crate::session::Time;
use crate::session::server::answer::AnswerNow;
use crate::session::server::{Carrier, Input, Settings};

const CARRIER: Carrier = Carrier(9);
const POLLED: Time = at(1_000);

/// Returns a session whose leg 1 polls, holds the turn, and had its first answer.
fn polling() -> Bench {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::Poll, r#","turn":1,"received":0"#);
    bench.write(0, 1);
    bench
}

/// Sends the next poll of leg 1, with a changed hello and these frames.
fn poll(bench: &mut Bench, change: impl FnOnce(&mut Hello), frames: &[&str]) {
    let mut hello = hello(1, r#","id":"s1","turn":1,"received":0"#);
    change(&mut hello);
    let frames = frames.iter().map(|text| frame(text)).collect();
    let input =
        Input::Attach { carrier: CARRIER, transport: Transport::Poll, network: None, right: None, hello, frames };
    bench.session.handle(POLLED, input).unwrap();
}

fn why(bench: &Bench) -> Option<AnswerNow> {
    let session = &bench.session;
    let leg = session.legs.iter().find(|leg| leg.carrier == Some(CARRIER)).unwrap();
    let why = session.answer_now(leg, leg.carriage.parked().unwrap());
    assert_eq!(why.is_some(), session.wants_write_on(CARRIER));
    why
}

fn push(bench: &mut Bench) {
    bench.session.push(Line::compose(|buffer| buffer.extend_from_slice(br#"{"msg":1}"#)));
}

/// A change to a hello.
type Change = fn(&mut Hello);

#[test]
fn a_poll_is_answered_at_once_for_each_reason_that_it_brings_and_is_held_without_one() {
    const LINE: &str = r#"{"pub":"a","data":1}"#;
    let nothing: Change = |_| {};
    let cases: [(Change, &[&str], Option<AnswerNow>); 7] = [
        (|hello| hello.id = None, &[], Some(AnswerNow::First)),
        (|hello| hello.turn = Turn::new(2), &[], Some(AnswerNow::NewTurn)),
        (|hello| hello.turn = None, &[], Some(AnswerNow::NoTurn)),
        (nothing, &[r#"{"ping":1}"#], Some(AnswerNow::Ping)),
        (|hello| hello.next = Seq(3), &[LINE], Some(AnswerNow::Gap)),
        (nothing, &[LINE], None),
        (nothing, &[], None),
    ];
    for (change, frames, expected) in cases {
        let mut bench = polling();
        poll(&mut bench, change, frames);
        assert_eq!(why(&bench), expected, "{frames:?}");
    }
    let mut first = Bench::new(Settings::default());
    poll(&mut first, nothing, &[]);
    assert_eq!(why(&first), Some(AnswerNow::First));
}

#[test]
fn a_poll_that_is_held_is_answered_by_what_comes_and_when_its_time_is_over() {
    let goaway = || Line::compose(|buffer| buffer.extend_from_slice(br#"{"goaway":{}}"#));
    let timeout = |bench: &mut Bench| {
        let due = bench.session.poll_timeout().unwrap();
        bench.session.handle(due, Input::Timeout).unwrap();
        due
    };
    let held = |frames: &[&str]| {
        let mut bench = polling();
        poll(&mut bench, |_| {}, frames);
        assert_eq!(why(&bench), None);
        bench
    };
    let mut linked = held(&[]);
    linked.session.handle(POLLED, Input::Link(goaway())).unwrap();
    assert_eq!(why(&linked), Some(AnswerNow::Links));
    let mut pushed = held(&[]);
    push(&mut pushed);
    assert_eq!(why(&pushed), Some(AnswerNow::Lines));
    let mut owing = held(&[r#"{"pub":"a","data":1}"#]);
    assert_eq!(timeout(&mut owing), POLLED + limits::ACK_DELAY);
    assert_eq!(why(&owing), Some(AnswerNow::Ack));
    let mut idle = held(&[]);
    assert_eq!(timeout(&mut idle), POLLED + limits::POLL_HOLD);
    assert_eq!(why(&idle), Some(AnswerNow::Held));
}

#[test]
fn a_poll_behind_a_long_answer_gathers_lines_for_a_moment() {
    let mut bench = Bench::new(Settings::default());
    for _ in 0..limits::LONG_ANSWER {
        push(&mut bench);
    }
    bench.attach(0, 1, Transport::Poll, r#","turn":1,"received":0"#);
    assert_eq!(bench.write(0, 1).len(), 1 + limits::LONG_ANSWER);
    poll(&mut bench, |hello| hello.received = Seq(limits::LONG_ANSWER as u64), &[]);
    push(&mut bench);
    assert_eq!(why(&bench), None);
    assert_eq!(bench.session.poll_timeout(), Some(POLLED + limits::GATHER));
    bench.session.handle(POLLED + limits::GATHER, Input::Timeout).unwrap();
    assert_eq!(why(&bench), Some(AnswerNow::Lines));
}

#[test]
fn a_poll_whose_client_stopped_waiting_is_answered_with_what_there_is() {
    let mut bench = Bench::new(Settings::default());
    let again = r#","id":"s1","turn":1,"received":0"#;
    bench.attach(0, 1, Transport::Poll, r#","turn":1,"received":0"#);
    assert_eq!(bench.write(0, 1).len(), 1);
    bench.attach(10, 1, Transport::Poll, again);
    bench.session.hurry(Carrier(9));
    assert_eq!(bench.write(10, 1), Vec::<String>::new(), "it is held");
    bench.session.hurry(Carrier(1));
    assert_eq!(bench.write(10, 1).len(), 1);
    bench.attach(20, 2, Transport::Sse, r#","id":"s1","turn":2,"received":0"#);
    bench.write(20, 2);
    bench.session.hurry(Carrier(2));
    assert_eq!(bench.write(20, 2), Vec::<String>::new(), "a stream needs no hurry");
}
