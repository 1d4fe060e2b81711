//! One test for each rule. The shared vectors hold all rules that inputs and outputs alone can show.

use crate::protocol::frame::RawFrame;
use crate::protocol::{Line, Transport};
use crate::session::Time;
use crate::session::client::{ClientSession, Input, Output, Route};

fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn client() -> ClientSession {
    let mut given = 0;
    ClientSession::new(Box::new(move || {
        given += 1;
        format!("{given}-and-22-or-more-of-them")
    }))
}

fn outputs(client: &mut ClientSession) -> Vec<Output> {
    std::iter::from_fn(|| client.poll_output()).collect()
}

fn welcome(nonce: u32, leg: u32, turn: u32, received: u64) -> RawFrame {
    RawFrame::text(format!(
        r#"{{"welcome":{{"v":1,"nonce":"1-and-22.{nonce}","id":"s1","leg":{leg},"turn":{turn},"received":{received},"next":1,"transports":[],"heartbeat_ms":1,"hold_ms":1,"resume_ms":1,"limits":{{"replay_frames":8,"replay_bytes":8000,"body_bytes":65536,"body_lines":512,"line_bytes":65536}}}}}}"#
    ))
}

fn line(text: &str) -> Line {
    Line::compose(|buffer| buffer.extend_from_slice(text.as_bytes()))
}

#[test]
#[should_panic(expected = "the source of randomness gave no secret")]
fn a_secret_that_can_be_guessed_is_not_used() {
    let _ = ClientSession::new(Box::new(|| "short".to_owned()));
}

#[test]
fn what_is_kept_is_what_the_server_has_not_acknowledged() {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Sse));
    client.handle(at(1), Input::FrameArrived(1, welcome(1, 1, 1, 0)));
    for number in 0..3 {
        client.handle(at(2), Input::Push(line(&format!("{{\"msg\":{number}}}"))));
    }
    assert_eq!(client.kept(), (3, 27));
    let answer = vec![welcome(2, 1, 1, 1)];
    client.handle(at(3), Input::AnswerArrived(1, Route::Send, answer));
    assert_eq!(client.kept(), (2, 18));
}

/// 1. Another incarnation answers a poll: a welcome with another id, and lines behind it.
/// 2. The welcome drops the leg. Once, the session still read the lines. It reported a pong on a leg that was over, and a `gone`
///    among them would have ended the live session.
#[test]
fn what_follows_a_welcome_that_closed_its_leg_is_not_read() {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Poll));
    client.handle(at(1), Input::AnswerArrived(1, Route::Poll, vec![welcome(1, 1, 1, 0)]));
    outputs(&mut client);
    let other = String::from_utf8(welcome(2, 1, 1, 0).text.to_vec()).unwrap();
    let lines = [
        other.replace(r#""id":"s1""#, r#""id":"s2""#),
        r#"{"pong":1}"#.to_owned(),
        r#"{"end":{"v":1,"code":"gone"}}"#.to_owned(),
    ];
    let answer = lines.into_iter().map(RawFrame::text).collect();
    client.handle(at(2), Input::AnswerArrived(1, Route::Poll, answer));
    let closed = Output::LegDropped(1, "foreign".to_owned());
    assert_eq!(outputs(&mut client), [closed]);
}

#[test]
fn the_current_leg_is_the_usable_one_with_the_greatest_turn() {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Sse));
    client.handle(at(0), Input::OpenLeg(Transport::Sse));
    assert_eq!(client.current(), None);
    client.handle(at(1), Input::FrameArrived(2, welcome(2, 2, 0, 0)));
    assert_eq!(client.current(), None);
    client.handle(at(2), Input::FrameArrived(1, welcome(1, 1, 1, 0)));
    assert_eq!(client.current(), Some(1));
    client.handle(at(3), Input::RequestTurn(2));
    assert_eq!(client.current(), Some(2));
    client.handle(at(4), Input::LegDied(2));
    assert_eq!(client.current(), Some(1));
}

#[test]
fn its_debug_form_holds_no_secret() {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Poll));
    let Some(Output::Post(1, Route::Poll, lines)) = outputs(&mut client).pop() else { panic!() };
    let hello = String::from_utf8(lines[0].json().to_vec()).unwrap();
    assert!(hello.contains("2-and-22-or-more-of-them"));
    assert!(!format!("{client:?}").contains("2-and-22"));
}

/// 1. A stream requests turn 1; a proxy holds its welcome back. A poll opens as a candidate, and its owner requests a turn on it.
/// 2. The poll's welcome shows turn 2. The gateway ends the stream, so the proxy lets the held welcome through.
/// 3. Once, the session took it for the news that the stream carries the session, and gave up the poll.
#[test]
fn a_welcome_that_was_held_back_does_not_make_its_leg_active_again() {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Sse));
    client.handle(at(0), Input::OpenLeg(Transport::Poll));
    client.handle(at(1), Input::AnswerArrived(2, Route::Poll, vec![welcome(2, 2, 1, 0)]));
    client.handle(at(1), Input::RequestTurn(2));
    outputs(&mut client);
    client.handle(at(2), Input::AnswerArrived(2, Route::Poll, vec![welcome(3, 2, 2, 0)]));
    assert!(outputs(&mut client).contains(&Output::LegActive(2)));
    client.handle(at(3), Input::FrameArrived(1, welcome(1, 1, 1, 0)));
    assert_eq!(outputs(&mut client), [Output::LegUsable(1)]);
}
