//! One test for each rule. The shared vectors hold all rules that inputs and outputs alone can show.

use crate::protocol::frame::RawFrame;
use crate::protocol::{Code, LegNumber, Line, Transport};
use crate::session::Time;
use crate::session::client::{ClientSession, Failure, Input, Output, Route};

fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn client() -> ClientSession {
    let mut given = 0;
    ClientSession::new(Box::new(move |_| {
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
    let _ = ClientSession::new(Box::new(|_| "short".to_owned()));
}

#[test]
fn the_client_keeps_what_the_server_has_not_acknowledged() {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Sse));
    client.handle(at(1), Input::FrameArrived(LegNumber(1), welcome(1, 1, 1, 0)));
    for number in 0..3 {
        client.handle(at(2), Input::Push(line(&format!("{{\"msg\":{number}}}"))));
    }
    assert_eq!(client.kept(), (3, 27));
    let answer = vec![welcome(2, 1, 1, 1)];
    client.handle(at(3), Input::AnswerArrived(LegNumber(1), Route::Send, answer));
    assert_eq!(client.kept(), (2, 18));
}

/// 1. Another incarnation answers a poll: a welcome with another id, and lines behind it.
/// 2. The welcome drops the leg. Once, the session still read the lines. It reported a pong on a leg that was over,
///    and a `gone` among them would have ended the live session.
#[test]
fn frames_behind_a_welcome_that_closed_its_leg_are_not_read() {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Poll));
    client.handle(at(1), Input::AnswerArrived(LegNumber(1), Route::Poll, vec![welcome(1, 1, 1, 0)]));
    outputs(&mut client);
    let other = String::from_utf8(welcome(2, 1, 1, 0).text.to_vec()).unwrap();
    let lines = [
        other.replace(r#""id":"s1""#, r#""id":"s2""#),
        r#"{"pong":1}"#.to_owned(),
        r#"{"end":{"v":1,"code":"gone"}}"#.to_owned(),
    ];
    let answer = lines.into_iter().map(RawFrame::text).collect();
    client.handle(at(2), Input::AnswerArrived(LegNumber(1), Route::Poll, answer));
    let closed = Output::LegDropped(LegNumber(1), "foreign".to_owned());
    assert_eq!(outputs(&mut client), [closed]);
}

#[test]
fn the_current_leg_is_the_usable_one_with_the_greatest_turn() {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Sse));
    client.handle(at(0), Input::OpenLeg(Transport::Sse));
    assert_eq!(client.current(), None);
    client.handle(at(1), Input::FrameArrived(LegNumber(2), welcome(2, 2, 0, 0)));
    assert_eq!(client.current(), None);
    client.handle(at(2), Input::FrameArrived(LegNumber(1), welcome(1, 1, 1, 0)));
    assert_eq!(client.current(), Some(LegNumber(1)));
    client.handle(at(3), Input::RequestTurn { leg: LegNumber(2), pings: false, is_long: false });
    assert_eq!(client.current(), Some(LegNumber(2)));
    client.handle(at(4), Input::LegDied(LegNumber(2)));
    assert_eq!(client.current(), Some(LegNumber(1)));
}

#[test]
fn its_debug_form_holds_no_secret() {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Poll));
    let Some(Output::Post { leg: LegNumber(1), route: Route::Poll, lines, .. }) = outputs(&mut client).pop() else {
        panic!()
    };
    let hello = String::from_utf8(lines[0].json().to_vec()).unwrap();
    assert!(hello.contains("2-and-22-or-more-of-them"));
    assert!(!format!("{client:?}").contains("2-and-22"));
}

/// 1. A stream requests turn 1, and a proxy holds its welcome back. A poll opens as a candidate, and its owner
///    requests a turn on it.
/// 2. The poll's welcome shows turn 2. The gateway ends the stream, so the proxy lets the held welcome through.
/// 3. Once, the session concluded that the stream carries the session, and gave up the poll.
#[test]
fn a_welcome_that_was_held_back_does_not_make_its_leg_active_again() {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Sse));
    client.handle(at(0), Input::OpenLeg(Transport::Poll));
    client.handle(at(1), Input::AnswerArrived(LegNumber(2), Route::Poll, vec![welcome(2, 2, 1, 0)]));
    client.handle(at(1), Input::RequestTurn { leg: LegNumber(2), pings: false, is_long: false });
    outputs(&mut client);
    client.handle(at(2), Input::AnswerArrived(LegNumber(2), Route::Poll, vec![welcome(3, 2, 2, 0)]));
    assert!(outputs(&mut client).contains(&Output::LegActive(LegNumber(2))));
    client.handle(at(3), Input::FrameArrived(LegNumber(1), welcome(1, 1, 1, 0)));
    assert_eq!(outputs(&mut client), [Output::LegUsable(LegNumber(1))]);
}

/// Returns the requests among the outputs, without their hellos: the route, the other lines, and how long the
/// answer may take.
fn posts(client: &mut ClientSession) -> Vec<(Route, Vec<String>, Option<Time>)> {
    let text = |line: &Line| String::from_utf8(line.json().to_vec()).unwrap();
    let posts = outputs(client).into_iter().filter_map(|output| match output {
        Output::Post { route, lines, timeout, .. } => Some((route, lines[1..].iter().map(text).collect(), timeout)),
        _ => None,
    });
    posts.collect()
}

/// Returns a session with these lines, on a stream that is usable at 10 ms.
fn streaming(lines: &[&str]) -> ClientSession {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Sse));
    client.handle(at(10), Input::FrameArrived(LegNumber(1), welcome(1, 1, 1, 0)));
    for text in lines {
        client.handle(at(20), Input::Push(line(text)));
    }
    client
}

/// Returns a publication of about this many bytes.
fn long(id: u32, bytes: usize) -> String {
    format!(r#"{{"pub":"a","id":{id},"data":"{}"}}"#, "x".repeat(bytes))
}

/// Returns a failure with this HTTP status.
const fn status(status: u16) -> Failure {
    Failure { status: Some(status), code: None }
}

#[test]
fn the_answer_to_a_body_may_take_as_long_as_the_slowest_line_does_but_a_held_request_is_the_owners_to_judge() {
    let mut client = streaming(&[&long(1, 1_000)]);
    let posted = posts(&mut client);
    assert_eq!((posted[0].0, posted[0].2), (Route::Stream, None));
    let (route, _, timeout) = posted.last().unwrap();
    assert_eq!(*route, Route::Send);
    assert!(timeout.is_some_and(|timeout| timeout > at(3_500) && timeout < at(3_700)), "{timeout:?}");
    let mut polling = self::client();
    polling.handle(at(0), Input::OpenLeg(Transport::Poll));
    polling.handle(at(10), Input::AnswerArrived(LegNumber(1), Route::Poll, vec![welcome(1, 1, 1, 0)]));
    assert!(posts(&mut polling).iter().all(|(route, _, timeout)| *route == Route::Poll && timeout.is_none()));
    polling.handle(at(20), Input::Push(line(r#"{"msg":1}"#)));
    // The lines wait behind the held poll, so a poll that brings them replaces it: its answer is due at once.
    polling.handle(at(1_020), Input::Timeout);
    let (route, lines, timeout) = posts(&mut polling).pop().unwrap();
    assert_eq!((route, lines.len(), timeout.is_some()), (Route::Poll, 1, true));
}

#[test]
fn no_line_goes_to_a_leg_before_its_welcome_so_all_stay_if_the_session_is_gone() {
    let mut client = streaming(&[]);
    client.handle(at(20), Input::LegDied(LegNumber(1)));
    client.handle(at(30), Input::Push(line(r#"{"msg":1}"#)));
    client.handle(at(40), Input::OpenLeg(Transport::Poll));
    let end = RawFrame::text(r#"{"end":{"v":1,"nonce":"1-and-22.2","code":"gone"}}"#.to_owned());
    client.handle(at(50), Input::AnswerArrived(LegNumber(2), Route::Poll, vec![end]));
    assert!(!outputs(&mut client).iter().any(|output| matches!(output, Output::UnknownOutcome(_))));
    assert_eq!(client.kept(), (1, 9));
}

#[test]
fn a_line_that_is_withdrawn_costs_no_more_than_its_filler() {
    let mut client = streaming(&[&long(7, 2_000)]);
    let mut now = at(20);
    for nonce in [3, 5, 7, 9] {
        client.handle(now, Input::RequestFailed(LegNumber(1), Route::Send, status(403)));
        client.handle(now, Input::AnswerArrived(LegNumber(1), Route::Links, vec![welcome(nonce, 1, 1, 0)]));
        now = client.poll_timeout().unwrap_or(now);
        client.handle(now, Input::Timeout);
    }
    assert!(outputs(&mut client).contains(&Output::LineStuck(LegNumber(1))));
    client.handle(now, Input::RequestFailed(LegNumber(1), Route::Send, status(403)));
    client.handle(now, Input::WithdrawLine);
    let filler = r#"{"skip":"too_large","id":7}"#.to_owned();
    let posted = posts(&mut client);
    assert!(posted.iter().any(|(route, lines, _)| *route == Route::Send && *lines == [filler.clone()]), "{posted:?}");
    assert_eq!(client.kept(), (1, filler.len()));
}

#[test]
fn only_an_unreadable_line_is_withdrawn_when_the_gateway_refuses_it() {
    for (code, goes) in [(Code::BadFrame, r#"{"skip":"bad_frame","id":7}"#), (Code::Internal, r#"{"no":1,"id":7}"#)] {
        let mut client = streaming(&[r#"{"no":1,"id":7}"#]);
        let failure = Failure { status: None, code: Some(code) };
        client.handle(at(30), Input::RequestFailed(LegNumber(1), Route::Send, failure));
        outputs(&mut client);
        client.handle(at(130), Input::Timeout);
        assert_eq!(posts(&mut client)[0].1, [goes]);
    }
}

#[test]
fn bodies_become_smaller_while_what_is_small_passes() {
    for small_passes in [true, false] {
        let lines: Vec<String> = (1..=5).map(|id| long(id, 1_000)).collect();
        let mut client = streaming(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        client.handle(at(20), Input::AnswerArrived(LegNumber(1), Route::Send, vec![welcome(2, 1, 1, 1)]));
        outputs(&mut client);
        let mut counts = Vec::new();
        for (ms, links) in [(30, 4), (130, 6)] {
            client.handle(at(ms), Input::RequestFailed(LegNumber(1), Route::Send, status(403)));
            if small_passes {
                client.handle(at(ms), Input::AnswerArrived(LegNumber(1), Route::Links, vec![welcome(links, 1, 1, 1)]));
            }
            client.handle(at(ms + 100), Input::Timeout);
            let sends = posts(&mut client).into_iter().filter(|(route, ..)| *route == Route::Send);
            counts.extend(sends.map(|(_, lines, _)| lines.len()));
        }
        assert_eq!(counts, if small_passes { [4, 1] } else { [4, 4] });
    }
}

#[test]
fn link_frames_go_beside_a_line_that_fails() {
    let mut client = streaming(&[&long(1, 1_000)]);
    client.handle(at(30), Input::RequestFailed(LegNumber(1), Route::Send, Failure::default()));
    client.handle(at(31), Input::AnswerArrived(LegNumber(1), Route::Links, vec![welcome(3, 1, 1, 0)]));
    outputs(&mut client);
    client.handle(at(40), Input::SendPing { leg: LegNumber(1), is_long: false });
    let (route, lines, _) = posts(&mut client).remove(0);
    assert_eq!((route, lines), (Route::Links, vec![r#"{"ping":40}"#.to_owned()]));
}

/// 1. A line fails every few seconds, and nothing else passes.
/// 2. Once, each failure added a ping to those of the last one, and on a poll leg replaced the poll before that
///    could fail.
#[test]
fn one_ping_at_a_time_tests_whether_anything_passes() {
    let mut client = client();
    client.handle(at(0), Input::OpenLeg(Transport::Poll));
    client.handle(at(10), Input::AnswerArrived(LegNumber(1), Route::Poll, vec![welcome(1, 1, 1, 0)]));
    client.handle(at(20), Input::Push(line(&long(1, 1_000))));
    client.handle(at(30), Input::RequestFailed(LegNumber(1), Route::Send, Failure::default()));
    let pings = |posted: Vec<(Route, Vec<String>, Option<Time>)>| {
        posted.iter().flat_map(|(_, lines, _)| lines).filter(|line| line.starts_with("{\"ping\"")).count()
    };
    assert_eq!(pings(posts(&mut client)), 1);
    for ms in [500, 1_000, 5_000] {
        client.handle(at(ms), Input::Timeout);
        client.handle(at(ms + 10), Input::RequestFailed(LegNumber(1), Route::Send, Failure::default()));
        assert_eq!(pings(posts(&mut client)), 0);
    }
}
