//! Rule 7 and the caps: how the gateway treats a client that does not keep up.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::client::{Client, Seen};
use crate::gateway::{Running, within_patience};
use crate::on_every_transport;
use crate::wire::Down;

/// The size and the number of the publications for a slow reader. The kernel cannot hold them all.
const LARGE: usize = 48 * 1024;
const MANY: u64 = 300;

on_every_transport! {
    async fn the_next_number_reveals_an_overrun_and_the_session_continues(transport) {
        let gateway = Running::with(|config| config.session.limits.replay_frames = 10).await;
        let (mut other, writing) = Client::online(&gateway, Transport::WebSocket).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        client.settle(leg).await;
        client.kill(leg);
        for number in 1..=25 {
            other.publish(writing, "c", &number.to_string()).await;
        }
        let leg = client.attach(transport).await;
        assert_eq!(client.overrun, 15);
        for number in 16..=25 {
            assert_eq!(client.next(leg).await.value()["data"], number);
        }
        client.publish(leg, "c", "26").await;
        assert_eq!(client.next(leg).await.value()["data"], 26);
    }

    async fn the_bound_in_bytes_holds_too(transport) {
        let gateway = Running::with(|config| config.session.limits.replay_bytes = 10_000).await;
        let (mut other, writing) = Client::online(&gateway, Transport::WebSocket).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        client.settle(leg).await;
        client.kill(leg);
        let data = format!("\"{}\"", "x".repeat(3000));
        for _ in 0..8 {
            other.publish(writing, "c", &data).await;
        }
        let leg = client.attach(transport).await;
        assert_eq!(client.overrun, 5);
        assert_eq!(client.next(leg).await.value()["at"], 6);
    }

    async fn a_large_write_announces_its_bytes_on_a_socket_and_nowhere_else(transport) {
        let gateway = Running::start().await;
        let (mut other, writing) = Client::online(&gateway, Transport::WebSocket).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        for bytes in [3_000, 5_000] {
            client.settle(leg).await;
            other.publish(writing, "c", &format!("\"{}\"", "x".repeat(bytes))).await;
            let mut announced = None;
            let publication = loop {
                match client.see(leg).await {
                    Seen::Link(link) => announced = link["bytes"].as_u64(),
                    Seen::New(frame) => break frame,
                    _ => {}
                }
            };
            let line = publication.line().len() as u64;
            let told = line >= 4_096 && transport == Transport::WebSocket;
            assert_eq!(announced, told.then_some(line));
        }
    }

    async fn a_reader_that_stopped_is_capped_and_does_not_delay_others(transport) {
        let gateway = Running::with(|config| config.session.limits.replay_bytes = 4 * LARGE).await;
        let mut slow = Client::new(&gateway);
        let stuck = slow.open_narrow(transport).await;
        slow.activated(stuck).await;
        slow.subscribe(stuck, "c").await;
        let (mut fast, leg) = Client::online(&gateway, Transport::WebSocket).await;
        fast.subscribe(leg, "c").await;
        let data = format!("\"{}\"", "x".repeat(LARGE));
        for at in 1..=MANY {
            assert_eq!(fast.publish(leg, "c", &data).await, at);
            assert_eq!(fast.next(leg).await.value()["at"], at);
            let ack = fast.ack();
            fast.wire(leg).write(&[ack.into()]).await;
        }
        // The gateway counts one overrun for each publication that did not fit, and none for the fast reader.
        let dropped = gateway.figure("overruns_total").await;
        assert!(dropped > MANY / 2 && dropped <= MANY, "{dropped}");
        assert_eq!(fast.overrun, 0);
        // The slow reader learns its losses, and the session continues.
        let mut last = 0;
        while last < MANY {
            match slow.see(stuck).await {
                Seen::New(frame) => last = frame.value()["at"].as_u64().unwrap_or(last),
                Seen::End(_) | Seen::Closed | Seen::Refused(_) => panic!("the slow reader was cut off"),
                _ => {}
            }
        }
        assert!(slow.overrun > 0);
    }

    async fn subscriptions_of_a_session_are_capped(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        for number in 0..512 {
            client.push(format!("{{\"sub\":\"c{number}\"}}"));
        }
        client.flush(leg).await;
        let answer = client.request(leg, "\"sub\":\"one more\"", "").await;
        assert_eq!(answer["code"], "too_large", "{answer}");
        // A repeated subscription does not count again.
        assert_eq!(client.request(leg, "\"sub\":\"c0\"", "").await["recovered"], false);
        assert_eq!(client.request(leg, "\"unsub\":\"c1\"", "").await["err"], serde_json::Value::Null);
        client.subscribe(leg, "one more").await;
    }

    async fn a_full_node_refuses_new_sessions_and_keeps_its_own(transport) {
        let gateway = Running::with(|config| config.limits.sessions = 1).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        let mut late = Client::new(&gateway);
        let refused = late.open(transport, true).await;
        match late.wire(refused).next().await {
            Down::Refused(answer) => {
                answer.is_error(503, "full");
                assert_eq!(answer.header("retry-after"), "5");
                let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
                assert_eq!(body["nonce"], "n1");
            }
            Down::Frame(end) => assert_eq!(end.value()["end"]["code"], "full"),
            Down::Closed => panic!("closed without a word"),
        }
        client.publish(leg, "c", "1").await;
    }

    async fn channels_of_a_node_are_capped(transport) {
        let gateway = Running::with(|config| config.limits.channels = 1).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        for verb in ["\"sub\":\"d\"", "\"pub\":\"d\""] {
            let answer = client.request(leg, verb, ",\"data\":1").await;
            assert_eq!(answer["code"], "full", "{answer}");
        }
        client.publish(leg, "c", "1").await;
    }
}

/// Sends a request on a new connection, and returns the whole answer.
async fn ask(gateway: &Running, request: &str) -> String {
    let mut socket = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within_patience(socket.read_to_string(&mut answer)).await.unwrap();
    answer
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_full_gateway_answers_health_checks_and_refuses_all_other_requests_as_full() {
    let gateway = Running::with(|config| config.limits.connections = 1).await;
    let (mut client, leg) = Client::online(&gateway, throughline::protocol::Transport::WebSocket).await;
    // These connections send nothing. They outnumber the answers that the gateway gives at one time, and must not delay
    // others.
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(tokio::net::TcpStream::connect(gateway.address).await.unwrap());
    }
    let health = ask(&gateway, &get("/healthz")).await;
    assert!(health.starts_with("HTTP/1.1 200") && health.ends_with("ok"), "{health}");
    for path in ["/", "/rt/control?nonce=n", "/nothing"] {
        let answer = ask(&gateway, &get(path)).await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"code\":\"full\""), "{path}: {answer}");
        assert!(answer.contains("`limits.connections`") && answer.contains("retry-after: 5"), "{path}: {answer}");
    }
    // The answer echoes the nonce. Without the echo, a client does not trust it.
    let hello = Client::new(&gateway).hello(1, None).to_string();
    let origin = "Origin: http://localhost:3000\r\nContent-Length";
    let poll = format!("POST /rt/poll HTTP/1.1\r\nHost: localhost\r\n{origin}: {}\r\n\r\n{hello}", hello.len());
    let answer = ask(&gateway, &poll).await;
    assert!(answer.contains("\"nonce\":\"n1\"") && answer.contains("http://localhost:3000"), "{answer}");
    assert!(ask(&gateway, &get("/").replace("localhost", "evil.example")).await.starts_with("HTTP/1.1 403"));
    client.kill(leg);
    drop(silent);
    // The gateway does not notice the end of the socket at once.
    gateway.until("connections", |open| open == 0).await;
    assert_eq!(gateway.figure("connections_limit").await, 1);
    assert!(gateway.figure("refusals_total{reason=\"full\"}").await > 0);
    assert_eq!(gateway.figure("refusals_total{reason=\"host\"}").await, 1);
}

#[tokio::test]
async fn lost_frames_count_as_an_overrun_only_while_the_client_is_attached() {
    use throughline::protocol::Transport::WebSocket;
    let gateway = Running::with(|config| config.session.limits.replay_frames = 10).await;
    let (mut reader, leg) = Client::online(&gateway, WebSocket).await;
    reader.subscribe(leg, "c").await;
    reader.kill(leg);
    // The request for the figures is the only connection left.
    gateway.until("connections", |open| open == 0).await;
    let (mut publisher, writing) = Client::online(&gateway, WebSocket).await;
    publish_many(&mut publisher, writing).await;
    assert_eq!(gateway.figure("overruns_total").await, 0);
    let leg = reader.attach(WebSocket).await;
    assert_eq!(reader.overrun, 16);
    assert!(reader.is_active(leg));
    publish_many(&mut publisher, writing).await;
    assert!(gateway.figure("overruns_total").await > 0, "the client is attached, and acknowledges nothing");
}

/// Publishes 26 times. Only the last publication asks for an answer, because answers fill the same buffer as
/// publications.
async fn publish_many(publisher: &mut Client, leg: u32) {
    for _ in 0..25 {
        publisher.push("{\"pub\":\"c\",\"data\":1}");
    }
    publisher.flush(leg).await;
    publisher.publish(leg, "c", "1").await;
}
