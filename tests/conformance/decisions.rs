//! Decisions that the application makes later: the commands that wait for them, and those that do not.

use std::time::Duration;

use serde_json::{Value, json};
use throughline::protocol::Transport;

use crate::backend::{Doors, Policy};
use crate::client::{Client, Seen};
use crate::gateway::{Running, within_patience};
use crate::on_every_transport;

/// Returns the values of the next frames from a leg.
async fn next(client: &mut Client, leg: u32, count: usize) -> Vec<Value> {
    let mut frames = Vec::new();
    for _ in 0..count {
        frames.push(client.next(leg).await.value());
    }
    frames
}

on_every_transport! {
    async fn a_decision_that_waits_delays_its_own_channel_and_no_other(transport) {
        let doors = Doors::new(Policy::Open);
        let gateway = Running::before(&doors, |_| {}).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        for line in [
            r#"{"sub":"held/1","id":1}"#,
            r#"{"pub":"held/1","id":2,"data":2}"#,
            r#"{"pub":"held/2","id":3,"data":3}"#,
            r#"{"unsub":"held/1","id":4}"#,
            r#"{"pub":"free","id":5,"data":5}"#,
        ] {
            client.push(line);
        }
        client.flush(leg).await;
        assert_eq!(next(&mut client, leg, 1).await, [json!({ "ok": 5, "at": 1 })]);
        doors.open("held/2");
        assert_eq!(next(&mut client, leg, 1).await, [json!({ "ok": 3, "at": 1 })]);
        doors.open("held/1");
        let answers = next(&mut client, leg, 4).await;
        assert_eq!(answers[0]["ok"], 1, "{answers:?}");
        assert_eq!(answers[1], json!({ "pub": "held/1", "at": 1, "data": 2 }));
        assert_eq!(answers[2..], [json!({ "ok": 2, "at": 1 }), json!({ "ok": 4 })]);
        client.settle(leg).await;
        assert!(client.inbox.is_empty(), "{:?}", client.inbox);
    }

    async fn a_request_that_waits_delays_nothing(transport) {
        let doors = Doors::new(Policy::Open);
        let gateway = Running::before(&doors, |_| {}).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.push(r#"{"req":"slow","id":901,"data":null}"#);
        client.push(r#"{"req":"slow","id":902,"data":null}"#);
        assert_eq!(client.publish(leg, "free", "1").await, 1);
        assert!(client.inbox.is_empty(), "{:?}", client.inbox);
        doors.open("request");
        let mut answered = [next(&mut client, leg, 1).await, next(&mut client, leg, 1).await].concat();
        answered.sort_by_key(|answer| answer["ok"].as_u64());
        assert_eq!(answered, [json!({ "ok": 901 }), json!({ "ok": 902 })]);
    }

    async fn a_refusal_that_comes_later_is_reported_under_its_id_and_the_channel_continues(transport) {
        let gateway = Running::before(&Doors::new(Policy::Open), |_| {}).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        for _ in 0..2 {
            let refused = client.request(leg, "\"pub\":\"forbidden\"", ",\"data\":1").await;
            assert_eq!((&refused["code"], &refused["message"]), (&"forbidden".into(), &"publishing is forbidden here".into()));
        }
        assert_eq!(client.subscribe(leg, "forbidden").await["at"], 0);
    }

    async fn a_decision_that_panics_is_a_refusal_and_the_channel_continues(transport) {
        let gateway = Running::before(&Doors::new(Policy::Open), |_| {}).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        for _ in 0..2 {
            let refused = client.request(leg, "\"pub\":\"broken\"", ",\"data\":1").await;
            assert_eq!(refused["code"], "internal", "{refused}");
        }
        assert_eq!(client.publish(leg, "free", "1").await, 1);
    }

    async fn a_command_that_panics_ends_its_session_with_internal_and_another_session_continues(transport) {
        let gateway = Running::before(&Doors::new(Policy::Open), |_| {}).await;
        let (mut other, others_leg) = Client::online(&gateway, transport).await;
        other.subscribe(others_leg, "news").await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.push(r#"{"sub":"news","id":901}"#);
        client.push(r#"{"pub":"panics","id":902,"data":1}"#);
        client.push(r#"{"pub":"news","id":903,"data":"after it"}"#);
        client.flush(leg).await;
        // Between two polls no request is open that could bring `internal`.
        let code = if transport == Transport::Poll { "gone" } else { "internal" };
        assert_eq!(client.ended(leg).await, code);
        gateway.until("sessions", |sessions| sessions == 1).await;
        let leg = client.open(transport, true).await;
        assert_eq!(client.ended(leg).await, "gone");
        assert_eq!(other.publish(others_leg, "news", "\"mine\"").await, 1);
    }

    async fn a_command_that_panics_behind_a_later_decision_ends_its_session_with_internal_and_no_other(transport) {
        let doors = Doors::new(Policy::Open);
        let gateway = Running::before(&doors, |_| {}).await;
        let (mut other, others_leg) = Client::online(&gateway, transport).await;
        other.subscribe(others_leg, "news").await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        // The publication waits in the lane of its channel, so the task of the session carries it out.
        client.push(r#"{"sub":"held/panics","id":901}"#);
        client.push(r#"{"pub":"held/panics","id":902,"data":1}"#);
        client.push(r#"{"pub":"held/2","id":903,"data":"after it"}"#);
        client.flush(leg).await;
        doors.until((2, 0)).await;
        doors.open("held/panics");
        gateway.until("sessions", |sessions| sessions == 1).await;
        // Between two polls no request is open that could bring `internal`.
        let code = if transport == Transport::Poll { "gone" } else { "internal" };
        assert_eq!(client.ended(leg).await, code);
        // The open decision of the session has no consequences.
        doors.until((2, 1)).await;
        let leg = client.open(transport, true).await;
        assert_eq!(client.ended(leg).await, "gone");
        assert_eq!(other.publish(others_leg, "news", "\"mine\"").await, 1);
    }

    async fn the_end_of_a_session_cancels_its_decisions(transport) {
        let doors = Doors::new(Policy::Open);
        let gateway = Running::before(&doors, |config| config.session.resume = Duration::from_secs(1)).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.push(r#"{"pub":"held/1","id":1,"data":1}"#);
        client.push(r#"{"pub":"held/1","id":2,"data":2}"#);
        client.push(r#"{"pub":"held/2","id":3,"data":3}"#);
        client.flush(leg).await;
        doors.until((2, 0)).await;
        client.kill(leg);
        gateway.until("sessions", |sessions| sessions == 0).await;
        doors.until((2, 2)).await;
        doors.open("held/1");
        doors.open("held/2");
        let (mut other, leg) = Client::online(&gateway, transport).await;
        assert_eq!(other.publish(leg, "held/1", "\"mine\"").await, 1);
    }
}

#[tokio::test]
async fn commands_that_wait_for_decisions_are_capped() {
    within_patience(async {
        let doors = Doors::new(Policy::Open);
        let gateway = Running::before(&doors, |_| {}).await;
        let (mut client, leg) = Client::online(&gateway, Transport::WebSocket).await;
        for number in 0..1_100 {
            client.push(format!(r#"{{"pub":"held","id":{number},"data":1}}"#));
        }
        client.flush(leg).await;
        loop {
            match client.see(leg).await {
                Seen::End(code) => break assert_eq!(code, "rate_limited"),
                Seen::Ack => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}
