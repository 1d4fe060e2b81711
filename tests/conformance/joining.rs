//! Clients that wait for the application's verdict before they attach.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use throughline::protocol::Transport;
use tokio::runtime::Builder;

use crate::backend::{Doors, Policy};
use crate::client::{Client, secret};
use crate::gateway::{Running, within_patience};
use crate::on_every_transport;

const SLOW: Policy = Policy::Takes(Duration::from_secs(3));
/// A verdict just within the 2 s that a backend may take. It is slower than the JavaScript client's next attempt.
const QUICK: Policy = Policy::Takes(Duration::from_millis(1900));
/// The legs that wait together, and the tasks of a gateway without legs: its own task, that of the inner listener, and
/// that of all deadlines.
const LEGS: usize = 20;
const OF_THE_GATEWAY: usize = 3;

on_every_transport! {
    async fn a_policy_that_takes_3_s_is_asked_once_for_a_leg(transport) {
        let doors = Doors::new(SLOW);
        let gateway = Running::before(&doors, |_| {}).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        assert_eq!(client.publish(leg, "c", "1").await, 1);
        assert_eq!(client.next(leg).await.value()["data"], 1);
        client.settle(leg).await;
        // The numbers of polls and sends do not matter.
        assert_eq!(doors.seen(), (1, 0));
    }

    async fn a_candidate_is_judged_too_and_lines_right_behind_its_hello_are_accepted_once(transport) {
        let doors = Doors::new(Policy::Waits);
        let gateway = Running::before(&doors, |_| {}).await;
        let mut client = Client::new(&gateway);
        doors.open("connect");
        let first = client.attach(transport).await;
        client.subscribe(first, "c").await;
        client.push(r#"{"pub":"c","id":901,"data":1}"#);
        client.push(r#"{"pub":"c","id":902,"data":2}"#);
        let second = client.attach(transport).await;
        for data in [1, 2] {
            let frame = loop {
                let frame = client.next(second).await.value();
                if frame["pub"] == "c" {
                    break frame;
                }
            };
            assert_eq!(frame["data"], data);
        }
        assert_eq!(doors.seen(), (2, 0));
    }

    async fn a_client_that_leaves_before_the_verdict_leaves_nothing_behind(transport) {
        let doors = Doors::new(Policy::Waits);
        let gateway = Running::before(&doors, |_| {}).await;
        let mut client = Client::new(&gateway);
        let leg = client.open(transport, true).await;
        doors.until((1, 0)).await;
        client.kill(leg);
        doors.until((1, 1)).await;
        doors.open("connect");
        assert_eq!(gateway.figure("sessions_created_total").await, 0);
    }

    async fn a_leg_that_waits_has_the_task_of_its_connection_and_no_other(transport) {
        let doors = Doors::new(Policy::Waits);
        // The gateway has its own runtime, which excludes the clients' tasks from the count. An async test must not
        // drop a runtime, so the test leaks it.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let runtime = Box::leak(Box::new(runtime));
        let behind = Arc::clone(&doors);
        let gateway = runtime.spawn(async move { Running::before(&behind, |_| {}).await }).await.unwrap();
        let mut clients = Vec::new();
        for _ in 0..LEGS {
            let mut client = Client::new(&gateway);
            client.open(transport, true).await;
            clients.push(client);
        }
        doors.until((LEGS, 0)).await;
        while runtime.metrics().num_alive_tasks() != OF_THE_GATEWAY + LEGS {
            tokio::task::yield_now().await;
        }
    }

    async fn a_client_that_is_refused_later_gets_end_and_no_session_is_made(transport) {
        let doors = Doors::new(Policy::Waits);
        let gateway = Running::before(&doors, |_| {}).await;
        let mut client = Client::new(&gateway);
        client.says = json!({ "token": "bad" });
        let leg = client.open(transport, true).await;
        doors.until((1, 0)).await;
        doors.open("connect");
        assert_eq!(client.ended(leg).await, "unauthorized");
        assert_eq!(gateway.figure("sessions_created_total").await, 0);
    }

    async fn to_another_user_a_session_does_not_exist(transport) {
        let doors = Doors::new(Policy::Open);
        let gateway = Running::before(&doors, |_| {}).await;
        let mut client = Client::new(&gateway);
        client.says = json!({ "token": "alice" });
        let leg = client.attach(transport).await;
        let mut thief = Client::at(gateway.address, &client.secret);
        thief.says = json!({ "token": "bob" });
        thief.id = client.id.clone();
        // The gateway does not judge a leg again that attached as alice, so the thief opens another one.
        thief.skip_leg();
        let other = thief.open(transport, false).await;
        assert_eq!(thief.ended(other).await, "gone");
        assert_eq!(client.publish(leg, "c", "1").await, 1);
    }

    async fn a_gateway_that_goes_away_waits_for_no_verdict(transport) {
        let doors = Doors::new(Policy::Waits);
        let mut gateway = Running::before(&doors, |_| {}).await;
        let mut client = Client::new(&gateway);
        let leg = client.open(transport, true).await;
        doors.until((1, 0)).await;
        gateway.stop();
        assert_eq!(client.ended(leg).await, "draining");
        doors.until((1, 1)).await;
    }
}

#[tokio::test]
async fn legs_of_one_secret_that_join_together_are_judged_once() {
    within_patience(async {
        let doors = Doors::new(Policy::Waits);
        let gateway = Running::before(&doors, |_| {}).await;
        let secret = secret();
        let mut clients = Vec::new();
        for (number, transport) in Transport::ALL.into_iter().enumerate() {
            let mut client = Client::at(gateway.address, &secret);
            // Each leg of a session has its own number.
            for _ in 0..number {
                client.skip_leg();
            }
            let leg = client.open(transport, false).await;
            clients.push((client, leg));
        }
        doors.until_asked(3).await;
        doors.until((1, 0)).await;
        doors.open("connect");
        let mut ids = Vec::new();
        for (client, leg) in &mut clients {
            ids.push(client.welcome(*leg).await["id"].clone());
        }
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(doors.seen(), (1, 0));
        assert_eq!(gateway.figure("sessions_created_total").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_join_that_waits_delays_no_other_client() {
    within_patience(async {
        let doors = Doors::new(Policy::Waits);
        let gateway = Running::before(&doors, |_| {}).await;
        let mut waiting = Client::new(&gateway);
        waiting.open(Transport::WebSocket, true).await;
        doors.until((1, 0)).await;
        assert_eq!(gateway.figure("sessions").await, 0);
        let reader = gateway.handle.read_channel("c").await.unwrap();
        assert_eq!(reader.start.position.at, 0);
    })
    .await;
}

#[tokio::test]
async fn a_socket_that_sends_too_much_before_its_verdict_is_refused() {
    within_patience(async {
        let doors = Doors::new(Policy::Waits);
        let gateway = Running::before(&doors, |_| {}).await;
        let mut client = Client::new(&gateway);
        client.id = Some("unknown-yet".into());
        for _ in 0..3 {
            client.push(format!(r#"{{"pub":"c","data":"{}"}}"#, "x".repeat(30_000)));
        }
        let leg = client.open(Transport::WebSocket, true).await;
        assert_eq!(client.ended(leg).await, "rate_limited");
        doors.until((1, 1)).await;
    })
    .await;
}

/// Runs the JavaScript client against a policy of 1.9 s. It comes online with the transport that it began
/// with, and tries no other.
async fn the_javascript_client(transport: Transport) {
    let gateway = Running::before(&Doors::new(QUICK), |_| {}).await;
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/joining-program.js");
    let url = format!("http://{}", gateway.address);
    let output =
        tokio::process::Command::new("node").arg(program).args([&url, transport.name()]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told, json!({ "transport": transport.name(), "attempts": 1, "at": 1 }));
}

#[tokio::test]
async fn the_javascript_client_changes_no_transport_for_a_policy_of_1_9_s_by_websocket() {
    within_patience(the_javascript_client(Transport::WebSocket)).await;
}

#[tokio::test]
async fn the_javascript_client_changes_no_transport_for_a_policy_of_1_9_s_by_sse() {
    within_patience(the_javascript_client(Transport::Sse)).await;
}

#[tokio::test]
async fn the_javascript_client_changes_no_transport_for_a_policy_of_1_9_s_by_poll() {
    within_patience(the_javascript_client(Transport::Poll)).await;
}
