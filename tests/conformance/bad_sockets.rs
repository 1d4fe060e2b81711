//! Bad messages on a socket: the gateway sends the reason and closes it. The session stays, and others are not
//! affected.

use serde_json::Value;
use throughline::protocol::Transport;

use crate::bad_bodies::{BadHello, Bystander, bad_hellos, hello};
use crate::client::Client;
use crate::gateway::{Running, within_patience};
use crate::wire::{Down, Frame, Wire};

/// Reads to the `end` frame. Only pings and acks may come before it.
async fn end(wire: &mut Wire, what: &str) -> Value {
    let end = loop {
        match wire.next().await {
            Down::Frame(frame) if frame.value()["end"].is_object() => {
                break frame.value()["end"].clone();
            }
            Down::Frame(frame) if frame.value()["welcome"].is_object() => {}
            other => panic!("{what}: {other:?}"),
        }
    };
    assert!(matches!(wire.next().await, Down::Closed), "{what}");
    assert!(end["message"].as_str().is_some_and(|text| text.len() > 8), "{what}: {end}");
    end
}

fn bad_messages() -> Vec<(&'static str, Frame, &'static str)> {
    let text = |text: &str| Frame::from(text);
    let long = |bytes: usize| Frame::from(format!("{{\"pub\":\"c\",\"data\":\"{}\"}}", "x".repeat(bytes - 21)));
    vec![
        ("not JSON", text("hello"), "bad_frame"),
        ("an empty message", text(""), "bad_frame"),
        ("a list", text("[1]"), "bad_frame"),
        ("two frames in one message", text("{\"ping\":1}\n{\"ping\":2}"), "bad_frame"),
        ("a raw CR", text("{\"ping\":\r1}"), "bad_frame"),
        ("a trailing newline", text("{\"ping\":1}\n"), "bad_frame"),
        ("an unknown verb", text("{\"nope\":1}"), "bad_frame"),
        ("a server's verb", text("{\"welcome\":{}}"), "bad_frame"),
        ("next 0", text("{\"ack\":0,\"next\":0}"), "bad_frame"),
        ("ack 2^53", text("{\"ack\":9007199254740992}"), "bad_frame"),
        ("ack beyond what was sent", text("{\"ack\":900}"), "bad_frame"),
        ("next 2^53", text("{\"ack\":0,\"next\":9007199254740992}"), "bad_frame"),
        ("a gap", text("{\"ack\":0,\"next\":5}"), "gap"),
        ("an id of 2^53", text("{\"sub\":\"c\",\"id\":9007199254740992}"), "bad_frame"),
        ("a key twice", text("{\"sub\":\"c\",\"id\":1,\"id\":2}"), "bad_frame"),
        ("a ping that is no number", text("{\"ping\":null}"), "bad_frame"),
        ("binary without a newline", Frame::Binary(b"{\"pub\":\"c\"}".to_vec()), "bad_frame"),
        ("binary that is no frame", Frame::Binary(b"\x00\xff\n\x00".to_vec()), "bad_frame"),
        ("binary with nothing in it", Frame::Binary(Vec::new()), "bad_frame"),
        ("64 KB and one byte", long(65_537), "too_large"),
        ("a megabyte", long(1 << 20), "too_large"),
        (
            "binary too long in line form",
            Frame::Binary([b"{\"pub\":\"c\"}\n".as_slice(), &[0; 60_000]].concat()),
            "too_large",
        ),
    ]
}

#[tokio::test]
async fn a_bad_hello_on_a_socket_is_answered_by_an_end() {
    within_patience(async {
        let gateway = Running::start().await;
        let mut bystander = Bystander::new(&gateway, Transport::WebSocket).await;
        for BadHello { what, text, code, has_nonce } in bad_hellos() {
            let mut wire = Wire::open(gateway.address, Transport::WebSocket, &[text.into()]).await;
            let end = end(&mut wire, what).await;
            assert_eq!(end["code"], code, "{what}");
            assert_eq!(end["nonce"], if has_nonce { "N".into() } else { Value::Null }, "{what}");
            bystander.is_well(what).await;
        }
        assert_eq!(gateway.figure("sessions").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_bad_first_message_is_answered_by_an_end() {
    within_patience(async {
        let gateway = Running::start().await;
        let mut bystander = Bystander::new(&gateway, Transport::Sse).await;
        for (what, message, code) in bad_messages() {
            // A message that would be good after a hello is not a hello.
            let code = if code == "gap" { "bad_frame" } else { code };
            let mut wire = Wire::open(gateway.address, Transport::WebSocket, &[message]).await;
            assert_eq!(end(&mut wire, what).await["code"], code, "{what}");
            bystander.is_well(what).await;
        }
        assert_eq!(gateway.figure("sessions").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_bad_message_ends_its_leg_and_the_session_stays() {
    within_patience(async {
        let gateway = Running::start().await;
        let mut bystander = Bystander::new(&gateway, Transport::Poll).await;
        for (what, message, code) in bad_messages() {
            let (mut client, leg) = Client::online(&gateway, Transport::WebSocket).await;
            client.wire(leg).write(&[message, "{\"pub\":\"bystander\",\"data\":\"never\"}".into()]).await;
            let end = end(client.wire(leg), what).await;
            assert_eq!(end["code"], code, "{what}");
            assert_eq!(end["nonce"], "n1", "{what}");
            let leg = client.attach(Transport::WebSocket).await;
            client.publish(leg, "c", "1").await;
            client.kill(leg);
            bystander.is_well(what).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_socket_carries_one_session_and_one_leg() {
    let gateway = Running::start().await;
    let mut bystander = Bystander::new(&gateway, Transport::WebSocket).await;
    let (victim, _) = Client::online(&gateway, Transport::WebSocket).await;
    for (what, change, code) in [
        ("another session's secret", ("session", Value::from(victim.secret.as_str())), "bad_frame"),
        ("a secret of no session", ("session", Value::from("a".repeat(30))), "bad_frame"),
        ("another leg", ("leg", Value::from(9)), "bad_frame"),
        ("another incarnation", ("id", Value::from("another")), "gone"),
        ("a count beyond what was sent", ("received", Value::from(99)), "bad_frame"),
    ] {
        let (mut client, leg) = Client::online(&gateway, Transport::WebSocket).await;
        let mut hello = client.hello(leg, Some(50));
        hello["hello"][change.0] = change.1;
        client.wire(leg).write(&[hello.to_string().into()]).await;
        assert_eq!(end(client.wire(leg), what).await["code"], code, "{what}");
        let leg = client.attach(Transport::Sse).await;
        client.publish(leg, "c", "1").await;
        bystander.is_well(what).await;
    }
}

#[tokio::test]
async fn lines_before_their_number_was_stated_are_refused() {
    let gateway = Running::start().await;
    let line = Frame::from("{\"pub\":\"c\",\"data\":1}");
    let mut wire = Wire::open(gateway.address, Transport::WebSocket, &[hello(|_| {}).into(), line.clone()]).await;
    assert_eq!(end(&mut wire, "a line").await["code"], "bad_frame");
    let (mut client, leg) = Client::online(&gateway, Transport::Sse).await;
    client.kill(leg);
    client.turn += 1;
    let hello = client.hello(leg + 8, Some(client.turn)).to_string();
    let mut wire = Wire::open(gateway.address, Transport::WebSocket, &[hello.into(), line]).await;
    assert_eq!(end(&mut wire, "a line").await["code"], "bad_frame");
    let leg = client.attach(Transport::Poll).await;
    assert_eq!(client.publish(leg, "c", "1").await, 1);
}
