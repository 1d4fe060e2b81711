//! Rule 8: the time and the content of an answer to a poll. These tests are about long-poll alone.

use std::time::Duration;

use serde_json::json;
use throughline::protocol::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Client, Seen};
use crate::gateway::{Running, within_patience};
use crate::http;
use crate::wire::{Down, Wire};

const POLLS: &str = "attaches_total{transport=\"poll\"}";

#[tokio::test]
async fn a_newer_poll_has_the_older_one_answered_without_lines() {
    let gateway = Running::start().await;
    let (mut client, leg) = Client::online(&gateway, Transport::Poll).await;
    client.subscribe(leg, "c").await;
    client.settle(leg).await;
    let before = gateway.figure(POLLS).await;
    let (older, newer) = (client.hello(leg, Some(1)), client.hello(leg, Some(1)));
    let mut first = Wire::open(gateway.address, Transport::Poll, &[older.to_string().into()]).await;
    // The gateway has the older poll once it counts it as a request of the leg.
    gateway.until(POLLS, |polls| polls > before).await;
    let mut second = Wire::open(gateway.address, Transport::Poll, &[newer.to_string().into()]).await;
    let Down::Frame(answer) = within_patience(first.next()).await else { panic!("no answer") };
    assert_eq!(answer.value()["nonce"], older["hello"]["nonce"]);
    assert!(matches!(first.next().await, Down::Closed));
    let (mut other, writing) = Client::online(&gateway, Transport::WebSocket).await;
    other.publish(writing, "c", "1").await;
    let Down::Frame(answer) = within_patience(second.next()).await else { panic!("no answer") };
    assert_eq!(answer.value()["nonce"], newer["hello"]["nonce"]);
    let Down::Frame(line) = second.next().await else { panic!("no line") };
    assert_eq!(line.value()["data"], 1);
}

#[tokio::test]
async fn a_poll_is_held_no_longer_than_its_time_and_then_answered_without_lines() {
    let gateway = Running::with(|config| config.session.poll_hold = Duration::from_millis(100)).await;
    let (mut client, leg) = Client::online(&gateway, Transport::Poll).await;
    client.settle(leg).await;
    let hello = client.hello(leg, Some(1));
    let sent = std::time::Instant::now();
    let answer = within_patience(http::post(gateway.address, "/rt/poll", hello.to_string())).await;
    assert!(sent.elapsed() >= Duration::from_millis(95), "{:?}", sent.elapsed());
    assert_eq!(answer.lines(), [json!({ "nonce": hello["hello"]["nonce"], "next": 1 })]);
}

#[tokio::test]
async fn a_parked_poll_of_a_leg_that_loses_is_answered_with_replaced_and_so_is_a_later_one() {
    let gateway = Running::start().await;
    let (mut client, polling) = Client::online(&gateway, Transport::Poll).await;
    client.settle(polling).await;
    let before = gateway.figure(POLLS).await;
    let hello = client.hello(polling, Some(1)).to_string();
    let mut parked = Wire::open(gateway.address, Transport::Poll, &[hello.into()]).await;
    gateway.until(POLLS, |polls| polls > before).await;
    client.attach(Transport::WebSocket).await;
    let later = client.hello(polling, Some(1)).to_string();
    let mut later = Wire::open(gateway.address, Transport::Poll, &[later.into()]).await;
    for wire in [&mut parked, &mut later] {
        let Down::Frame(end) = within_patience(wire.next()).await else { panic!("no end") };
        assert_eq!(end.value()["end"]["code"], "replaced");
        assert!(matches!(wire.next().await, Down::Closed));
    }
}

#[tokio::test]
async fn an_answer_that_got_lost_was_not_delivered() {
    let gateway = Running::start().await;
    let (mut client, leg) = Client::online(&gateway, Transport::Poll).await;
    client.subscribe(leg, "c").await;
    client.publish(leg, "c", "1").await;
    client.settle(leg).await;
    let mut once = Vec::new();
    for _ in 0..2 {
        // The client states the same count twice, so the first answer counts for nothing.
        let hello = client.hello(leg, Some(1)).to_string();
        let answer =
            within_patience(http::post(gateway.address, "/rt/poll", format!("{hello}\n{{\"ping\":1}}\n"))).await;
        once.push(answer.lines()[1..].to_vec());
    }
    assert_eq!(once[0], once[1]);
}

#[tokio::test]
async fn a_poll_with_lines_is_answered_as_soon_as_they_are_due_an_acknowledgement() {
    let gateway = Running::with(|config| config.session.limits.replay_frames = 8).await;
    let (mut client, leg) = Client::online(&gateway, Transport::Poll).await;
    client.settle(leg).await;
    let lines = "{\"pub\":\"c\",\"data\":1}\n".repeat(2);
    let hello = client.hello(leg, Some(1)).to_string();
    let answer = within_patience(http::post(gateway.address, "/rt/poll", format!("{hello}\n{lines}"))).await;
    assert_eq!(answer.lines()[0]["received"], 2);
}

#[tokio::test]
async fn a_send_asks_for_no_turn_on_a_poll() {
    let gateway = Running::start().await;
    let (mut client, active) = Client::online(&gateway, Transport::WebSocket).await;
    let polling = client.open(Transport::Poll, false).await;
    client.welcome(polling).await;
    let hello = client.hello(polling, Some(9)).to_string();
    let answer = http::post(gateway.address, "/rt/send", hello).await;
    assert!(answer.lines()[0]["nonce"].is_string(), "{answer:?}");
    let seen = client.settle(active).await;
    assert!(!seen.iter().any(|seen| matches!(seen, Seen::End(_))), "{seen:?}");
}

/// Guards against this:
/// 1. A client's first poll makes its session, and the answer gets lost.
/// 2. The client polls again with a hello that names no incarnation, since it knows none.
/// 3. The gateway holds that poll like any other whose turn is known. No hello confirms the session, and after 10 s the
///    answer is `gone`.
#[tokio::test]
async fn a_first_poll_that_comes_again_since_its_answer_got_lost_is_answered_at_once() {
    let gateway = Running::with(|config| config.session.poll_hold = Duration::from_secs(120)).await;
    let mut client = Client::new(&gateway);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let hello = client.hello(1, Some(1)).to_string();
        let answer = within_patience(http::post(gateway.address, "/rt/poll", hello)).await;
        ids.push(answer.lines()[0]["welcome"]["id"].clone());
    }
    assert!(ids[0].is_string() && ids[0] == ids[1], "{ids:?}");
}

/// Sends HTTP/1.1 requests with this `Connection` header at once, before the first answer.
async fn sent_at_once(gateway: &Running, connection: &str, requests: &[(&str, &str)]) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let mut text = String::new();
    for (start, body) in requests {
        let (host, length) = (gateway.address, body.len());
        text += &format!("{start} HTTP/1.1\r\nHost: {host}\r\n{connection}Content-Length: {length}\r\n\r\n{body}");
    }
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_poll_that_waited_gives_its_connection_back_to_the_requests_behind_it() {
    let gateway = Running::start().await;
    for connection in ["", "Connection: keep-alive\r\n"] {
        let (mut client, leg) = Client::online(&gateway, Transport::Poll).await;
        client.subscribe(leg, "c").await;
        client.settle(leg).await;
        let before = gateway.figure(POLLS).await;
        let hello = client.hello(leg, Some(1)).to_string();
        let requests = [("POST /rt/poll", &*hello), ("GET /healthz", ""), ("GET /healthz", "")];
        let mut stream = sent_at_once(&gateway, connection, &requests).await;
        gateway.until(POLLS, |polls| polls > before).await;
        let (mut other, writing) = Client::online(&gateway, Transport::WebSocket).await;
        other.publish(writing, "c", "\"here\"").await;
        let mut seen = String::new();
        while seen.matches("\r\n\r\nok").count() < 2 {
            let mut piece = [0; 1024];
            let length = within_patience(stream.read(&mut piece)).await.unwrap();
            assert!(length > 0, "closed after {seen}");
            seen += std::str::from_utf8(&piece[..length]).unwrap();
        }
        let places = ["\"nonce\"", "\"here\"", "\r\n\r\nok"].map(|part| seen.find(part).unwrap());
        assert!(places.is_sorted(), "{seen}");
        assert_eq!(seen.matches("HTTP/1.1 200 OK").count(), 3, "{seen}");
    }
}

#[tokio::test]
async fn a_connection_that_must_close_closes_behind_a_polls_answer() {
    let gateway = Running::with(|config| config.session.poll_hold = Duration::from_millis(100)).await;
    let (mut client, leg) = Client::online(&gateway, Transport::Poll).await;
    client.settle(leg).await;
    let hello = client.hello(leg, Some(1)).to_string();
    let mut stream = sent_at_once(&gateway, "Connection: close\r\n", &[("POST /rt/poll", &hello)]).await;
    let mut seen = String::new();
    within_patience(stream.read_to_string(&mut seen)).await.unwrap();
    assert!(seen.contains("\"nonce\"") && seen.contains("connection: close"), "{seen}");
}

#[tokio::test]
async fn a_client_that_goes_while_its_poll_waits_is_noticed() {
    let gateway = Running::with(|config| config.session.resume = Duration::from_secs(1)).await;
    let (mut client, leg) = Client::online(&gateway, Transport::Poll).await;
    let before = gateway.figure(POLLS).await;
    let hello = client.hello(leg, Some(1)).to_string();
    let stream = sent_at_once(&gateway, "", &[("POST /rt/poll", &hello)]).await;
    within_patience(gateway.until(POLLS, |polls| polls > before)).await;
    drop(stream);
    within_patience(gateway.until("sessions", |sessions| sessions == 0)).await;
}

/// Covers two steps:
/// 1. The contents of a welcome change while a leg polls: here by a wish of the client, below by a new offer of
///    transports.
/// 2. The answer with the change may get lost, so no brief answer follows it.
#[tokio::test]
async fn an_answer_is_brief_unless_a_welcome_has_more_to_say() {
    let gateway = Running::start().await;
    let (mut client, leg) = Client::online(&gateway, Transport::Poll).await;
    client.settle(leg).await;
    let mut first_of = async |wishes: &[(&str, u64)]| {
        let mut hello = client.hello(leg, Some(1));
        for (wish, value) in wishes {
            hello["hello"][wish] = (*value).into();
        }
        let answer =
            within_patience(http::post(gateway.address, "/rt/poll", format!("{hello}\n{{\"ping\":1}}\n"))).await;
        answer.lines()[0].clone()
    };
    assert_eq!(first_of(&[]).await["next"], 1);
    for wishes in [&[("hold_ms", 4000)][..], &[]] {
        assert_eq!(first_of(wishes).await["welcome"]["hold_ms"], 4000);
    }
}

#[tokio::test]
async fn no_answer_is_brief_after_a_new_offer_of_transports() {
    let gateway = Running::start().await;
    let (mut client, leg) = Client::online(&gateway, Transport::Poll).await;
    client.settle(leg).await;
    gateway.handle.set_transports(&[Transport::Poll], Duration::from_secs(30)).unwrap();
    let mut poll = async || {
        let hello = client.hello(leg, Some(1));
        let body = format!("{hello}\n{{\"ping\":1}}\n");
        within_patience(http::post(gateway.address, "/rt/poll", body)).await.lines()
    };
    let told = poll().await;
    assert!(told[0]["next"].is_u64() && told.iter().any(|line| line["config"].is_object()), "{told:?}");
    for _ in 0..2 {
        assert_eq!(poll().await[0]["welcome"]["transports"], json!(["poll"]));
    }
}
