//! Proofs of a path, and heartbeats: pongs apart from the welcome, pings of the server, silent legs.

use std::time::{Duration, Instant};

use crate::client::{Client, Seen};
use crate::gateway::{Running, within_patience};
use crate::on_every_transport;
use crate::wire::Wire;

on_every_transport! {
    async fn a_ping_is_answered_by_a_pong_down_the_same_leg(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        for value in ["0", "17", "1753000000000", "2.5"] {
            client.link(leg, &format!("{{\"ping\":{value}}}")).await;
            let pong = loop {
                match client.see(leg).await {
                    Seen::Pong(pong) => break pong,
                    Seen::Welcome(_) | Seen::Ack => {}
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(pong.to_string(), value);
        }
    }

    async fn a_long_ping_is_answered_by_a_pong_with_its_pad(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        let pad = "0123456789-\\u00e9".repeat(250);
        client.link(leg, &format!("{{\"ping\":7,\"pad\":\"{pad}\"}}")).await;
        let pong = loop {
            match client.wire(leg).next().await {
                crate::wire::Down::Frame(frame) if !frame.value()["pong"].is_null() => break frame.value(),
                crate::wire::Down::Frame(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(pong, serde_json::json!({ "pong": 7, "pad": pad.replace("\\u00e9", "é") }));
    }

    async fn the_server_pings_sockets_and_streams_and_an_answering_leg_stays(transport) {
        let gateway = Running::with(|config| config.session.heartbeat = Duration::from_millis(500)).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        if transport == Transport::Poll {
            // A poll itself is a sign of life.
            return;
        }
        // The gateway ends a silent leg after five heartbeats. This is more.
        for _ in 0..6 {
            loop {
                match client.see(leg).await {
                    Seen::Ping(value) => {
                        assert!(value.is_number());
                        break;
                    }
                    Seen::Welcome(_) | Seen::Ack => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        client.publish(leg, "c", "1").await;
    }

    async fn a_leg_that_answers_nothing_is_ended_and_the_session_stays(transport) {
        let gateway = Running::with(|config| config.session.heartbeat = Duration::from_millis(200)).await;
        if transport == Transport::Poll {
            return;
        }
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        let end = loop {
            // Reads from the wire, because the client would answer.
            match client.wire(leg).next().await {
                crate::wire::Down::Frame(frame) if frame.value()["end"].is_object() => break frame.value(),
                crate::wire::Down::Frame(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(end["end"]["code"], "timeout");
        let leg = client.attach(Transport::Poll).await;
        client.publish(leg, "c", "1").await;
        assert_eq!(client.next(leg).await.value()["data"], 1);
    }

    async fn pings_beyond_four_a_second_are_dropped_without_harm(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        for _ in 0..50 {
            client.link(leg, "{\"ping\":1}").await;
        }
        client.publish(leg, "c", "1").await;
        assert_eq!(client.next(leg).await.value()["data"], 1);
    }
}

/// Such a pong reveals a path that holds the first answer back until a second one comes.
#[tokio::test]
async fn a_pong_comes_at_least_20_ms_after_the_welcome_in_a_write_of_its_own() {
    use throughline::protocol::Transport::{Sse, WebSocket};
    let gateway = Running::start().await;
    for transport in [WebSocket, Sse] {
        let mut client = Client::new(&gateway);
        let hello = client.hello(1, Some(1)).to_string();
        let opened = Instant::now();
        let mut wire = Wire::open(gateway.address, transport, &[hello.into(), "{\"ping\":3}".into()]).await;
        for verb in ["welcome", "pong"] {
            let crate::wire::Down::Frame(frame) = within_patience(wire.next()).await else { panic!("no {verb}") };
            assert!(!frame.value()[verb].is_null(), "{frame:?} instead of {verb}");
        }
        assert!(opened.elapsed() >= Duration::from_millis(20), "{:?}", opened.elapsed());
        let joined = wire.chunks().iter().any(|chunk| chunk.contains("welcome") && chunk.contains("pong"));
        assert!(!joined, "{:?}", wire.chunks());
    }
}

#[tokio::test]
async fn the_second_poll_brings_the_pong_at_once() {
    let gateway = Running::with(|config| config.session.poll_hold = Duration::from_secs(120)).await;
    let mut client = Client::new(&gateway);
    let candidate = client.open(throughline::protocol::Transport::Poll, false).await;
    client.welcome(candidate).await;
    let seen = within_patience(client.settle(candidate)).await;
    assert!(matches!(seen[..], [Seen::Welcome(_)]), "{seen:?}");
}
