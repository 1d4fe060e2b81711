//! Clients that shut their sending side behind a request, as `nc -N` does. They get the answer each time. A client that
//! is gone looks the same at first, and the gateway still notices it.

use std::time::{Duration, Instant};

use throughline::protocol::Transport;
use throughline::protocol::limits::{HALF_CLOSED, HEARTBEAT};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::backend::{Doors, Policy};
use crate::client::Client;
use crate::gateway::{Running, within_patience};

/// The number of tries for each request. A faulty gateway answered some tries by chance.
const TRIES: usize = 25;
const POLLS: &str = "attaches_total{transport=\"poll\"}";
const STREAMS: &str = "attaches_total{transport=\"sse\"}";
/// The connection after an answer: the gateway takes it over from HTTP, or HTTP keeps it.
const WAYS: [(&str, &str); 3] = [("HTTP/1.1", ""), ("HTTP/1.1", "Connection: close\r\n"), ("HTTP/1.0", "")];

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn post(route: &str, (version, fields): (&str, &str), body: &str) -> String {
    format!("POST /rt/{route} {version}\r\nHost: localhost\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// Sends all of this and nothing more.
async fn said(gateway: &Running, pieces: &[&str]) -> TcpStream {
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    for piece in pieces {
        socket.write_all(piece.as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
    }
    socket.shutdown().await.unwrap();
    socket
}

async fn rest(mut socket: TcpStream) -> String {
    let mut answer = Vec::new();
    within_patience(socket.read_to_end(&mut answer)).await.expect("closed, not reset");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads until this text arrives, and returns all text so far.
async fn until(socket: &mut TcpStream, wanted: &str) -> String {
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if text.contains(wanted) {
            return text;
        }
        let length = within_patience(socket.read_buf(&mut seen)).await.unwrap();
        assert!(length > 0, "closed before {wanted:?}: {text}");
    }
}

/// Guards against this:
/// 1. A client sends a request and shuts its sending side.
/// 2. HTTP sees the end while it answers, and drops the connection: it answered 24 to 36 of 40 requests.
#[tokio::test]
async fn a_request_behind_which_nothing_comes_is_answered_each_time() {
    let gateway = Running::start().await;
    let hello = |client: &mut Client| client.hello(1, Some(1)).to_string();
    let way = WAYS[0];
    for _ in 0..TRIES {
        let first = hello(&mut Client::new(&gateway));
        let foreign = get("/rt/control?nonce=n").replace("localhost", "evil.example");
        let chunked = format!(
            "POST /rt/poll HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n0\r\n\r\n",
            first.len()
        );
        let nobody = first.replace("\"received\"", "\"id\":\"nobody\",\"received\"");
        let long = post("send", way, &" ".repeat(70_000));
        for (request, status, holds) in [
            ("GET /healthz HTTP/1.0\r\n\r\n".to_owned(), 200, "ok"),
            (get("/healthz"), 200, "ok"),
            (get("/rt/control?nonce=n"), 200, "\"control\":true"),
            (get("/rt/client/index.js"), 200, "export"),
            (get("/nothing"), 404, "not_found"),
            (get("/rt/ws"), 400, "bad_frame"),
            (foreign, 403, "forbidden"),
            (post("poll", way, &first), 200, "\"welcome\""),
            (chunked, 200, "\"welcome\""),
            (post("send", way, &nobody), 200, "\"gone\""),
            (post("poll", way, "nonsense"), 400, "bad_frame"),
            (long, 413, "too_large"),
        ] {
            let answer = rest(said(&gateway, &[&request]).await).await;
            assert!(answer[9..].starts_with(&status.to_string()), "{request:.60}: {answer}");
            assert!(answer.contains(holds), "{request:.60}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_body_that_comes_in_pieces_is_answered_and_so_is_one_that_breaks_off() {
    let gateway = Running::start().await;
    for _ in 0..TRIES {
        let hello = Client::new(&gateway).hello(1, Some(1)).to_string();
        let request = post("poll", WAYS[0], &hello);
        let (head, body) = request.split_at(request.len() - hello.len());
        let answer = rest(said(&gateway, &[head, &body[..7], &body[7..]]).await).await;
        assert!(answer.contains("\"welcome\""), "{answer}");
        let answer = rest(said(&gateway, &[head, &body[..7]]).await).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("the body broke off"), "{answer}");
    }
}

#[tokio::test]
async fn requests_that_were_sent_at_once_and_a_later_one_are_answered_before_the_end() {
    let gateway = Running::start().await;
    for _ in 0..TRIES {
        let first = post("poll", WAYS[0], &Client::new(&gateway).hello(1, Some(1)).to_string());
        let all = [get("/rt/control?nonce=one"), first, get("/nothing"), get("/rt/control?nonce=two")].concat();
        let answers = rest(said(&gateway, &[&all]).await).await;
        let places = ["\"one\"", "\"welcome\"", "not_found", "\"two\""].map(|part| answers.find(part));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}: {answers}");
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        socket.write_all(get("/rt/control?nonce=one").as_bytes()).await.unwrap();
        until(&mut socket, "\"control\":true}").await;
        socket.write_all(get("/rt/control?nonce=two").as_bytes()).await.unwrap();
        socket.shutdown().await.unwrap();
        let answer = rest(socket).await;
        assert!(answer.contains("\"two\""), "{answer}");
    }
}

#[tokio::test]
async fn a_poll_that_waits_is_answered_with_the_next_lines_or_a_second_later_without_lines() {
    let gateway = Running::with(|config| config.session.poll_hold = Duration::from_secs(120)).await;
    let (mut publisher, writing) = Client::online(&gateway, Transport::WebSocket).await;
    for way in WAYS {
        let (mut client, leg) = Client::online(&gateway, Transport::Poll).await;
        client.subscribe(leg, "c").await;
        client.settle(leg).await;
        let mut waiting = async || {
            let before = gateway.figure(POLLS).await;
            let request = post("poll", way, &client.hello(leg, Some(1)).to_string());
            let behind = if way == WAYS[0] { get("/rt/control?nonce=behind") } else { String::new() };
            let socket = said(&gateway, &[&request, &behind]).await;
            gateway.until(POLLS, |polls| polls > before).await;
            (socket, Instant::now())
        };
        let (socket, since) = waiting().await;
        let empty = rest(socket).await;
        assert!(empty.contains("200 OK") && empty.contains("{\"nonce\":\"n"), "{way:?}: {empty}");
        assert!(!empty.contains("\"pub\""), "{way:?}: {empty}");
        assert!(since.elapsed() >= HALF_CLOSED / 2, "{way:?}: {:?}", since.elapsed());
        assert_eq!(empty.contains("\"behind\""), way == WAYS[0], "{way:?}: {empty}");
        // If this machine stalls for a second, the empty answer leaves before the publication.
        let full = loop {
            let (socket, since) = waiting().await;
            publisher.publish(writing, "c", "\"here\"").await;
            let is_late = since.elapsed() >= HALF_CLOSED;
            let answer = rest(socket).await;
            if !is_late || answer.contains("\"here\"") {
                break answer;
            }
        };
        assert!(full.contains("200 OK") && full.contains("\"here\""), "{way:?}: {full}");
    }
}

#[tokio::test]
async fn a_poll_whose_hello_waits_for_a_decision_is_answered_by_a_wait() {
    let doors = Doors::new(Policy::Waits);
    let gateway = Running::before(&doors, |_| {}).await;
    let request = post("poll", WAYS[0], &Client::new(&gateway).hello(1, Some(1)).to_string());
    let answer = rest(said(&gateway, &[&request]).await).await;
    assert!(answer.contains("{\"wait\":{\"nonce\":"), "{answer}");
    // The judgement goes on for the next poll. It ends by itself if none comes.
    within_patience(doors.until((1, 1))).await;
}

#[tokio::test]
async fn a_stream_continues_for_a_reader_that_sends_no_more() {
    let gateway = Running::start().await;
    let (mut publisher, writing) = Client::online(&gateway, Transport::WebSocket).await;
    for (version, fields) in WAYS {
        let mut client = Client::new(&gateway);
        let hello = client.hello(1, Some(1)).to_string();
        let mut session = said(&gateway, &[&post("stream", (version, fields), &hello)]).await;
        let welcome = until(&mut session, "\"welcome\"").await;
        assert!(welcome.contains("200 OK"), "{welcome}");
        let plain = format!("GET /rt/stream?channel=c {version}\r\nHost: localhost\r\n{fields}\r\n");
        let mut plain = said(&gateway, &[&plain]).await;
        until(&mut plain, "id: ").await;
        // A comment is not an event: the gateway sends it to find out whether the reader is still there.
        for socket in [&mut session, &mut plain] {
            until(socket, ":\n\n").await;
            until(socket, ":\n\n").await;
        }
        publisher.publish(writing, "c", "\"here\"").await;
        until(&mut plain, "\"here\"").await;
        drop((session, plain));
    }
}

#[tokio::test]
async fn a_stream_whose_reader_is_gone_is_noticed_long_before_its_heartbeat() {
    let gateway = Running::start().await;
    for (version, fields) in WAYS {
        let before = gateway.figure(STREAMS).await;
        let hello = Client::new(&gateway).hello(1, Some(1)).to_string();
        let mut session = said(&gateway, &[&post("stream", (version, fields), &hello)]).await;
        until(&mut session, "\"welcome\"").await;
        gateway.until(STREAMS, |streams| streams > before).await;
        let plain = format!("GET /rt/stream?channel=c {version}\r\nHost: localhost\r\n{fields}\r\n");
        let mut plain = said(&gateway, &[&plain]).await;
        until(&mut plain, "id: ").await;
        let begun = Instant::now();
        drop((session, plain));
        // The request for the figures is the only connection left.
        within_patience(gateway.until("connections", |open| open == 0)).await;
        assert!(begun.elapsed() < HEARTBEAT, "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn the_gateway_answers_a_sockets_lines_before_it_closes_the_socket() {
    let gateway = Running::start().await;
    let upgrade = "GET /rt/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for _ in 0..TRIES {
        let hello = Client::new(&gateway).hello(1, Some(1)).to_string();
        let length = u8::try_from(hello.len()).unwrap();
        let lengths = if length < 126 { vec![0x80 | length] } else { vec![0x80 | 126, 0, length] };
        // A mask of zeros does not change the text.
        let request = [upgrade.as_bytes(), &[0x81], &lengths, &[0; 4], hello.as_bytes()].concat();
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        socket.write_all(&request).await.unwrap();
        socket.shutdown().await.unwrap();
        let answer = rest(socket).await;
        assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains("\"welcome\""), "{answer}");
    }
    within_patience(gateway.until("connections", |open| open == 0)).await;
}
