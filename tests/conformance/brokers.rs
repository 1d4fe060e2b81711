//! Channels whose broker answers after the call: the commands that wait for it, and those that do not.

use std::time::Duration;

use serde_json::{Value, json};
use throughline::protocol::Transport;

use crate::client::Client;
use crate::gateway::{Running, within_patience};
use crate::on_every_transport;
use crate::plain::Reader;
use crate::remote::Remote;

async fn next(client: &mut Client, leg: u32) -> Value {
    client.next(leg).await.value()
}

on_every_transport! {
    async fn a_channel_at_a_broker_that_answers_later_works_as_one_in_memory(transport) {
        let gateway = Running::behind(&Remote::new()).await;
        let (mut reader, leg) = Client::online(&gateway, transport).await;
        let start = reader.subscribe(leg, "news").await;
        assert_eq!((&start["epoch"], &start["at"]), (&json!("remote"), &json!(0)));
        let (mut writer, other) = Client::online(&gateway, Transport::WebSocket).await;
        for at in 1..=3 {
            assert_eq!(writer.publish(other, "news", &at.to_string()).await, at);
            assert_eq!(next(&mut reader, leg).await, json!({ "pub": "news", "at": at, "data": at }));
        }
        let since = r#","since":{"epoch":"remote","at":1}"#;
        let start = writer.request(other, "\"sub\":\"news\"", since).await;
        assert_eq!(start["recovered"], true, "{start}");
        for at in 2..=3 {
            assert_eq!(next(&mut writer, other).await["at"], at);
        }
    }

    async fn a_pending_broker_call_delays_its_own_channel_and_no_other(transport) {
        let broker = Remote::new();
        let gateway = Running::behind(&broker).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        for line in [
            r#"{"pub":"held/1","id":1,"data":1}"#,
            r#"{"pub":"held/1","id":2,"data":2}"#,
            r#"{"sub":"held/1","id":3}"#,
            r#"{"pub":"held/1","id":4,"data":4}"#,
            r#"{"pub":"held/2","id":5,"data":5}"#,
            r#"{"unsub":"held/1","id":6}"#,
            r#"{"pub":"free","id":7,"data":7}"#,
        ] {
            client.push(line);
        }
        client.flush(leg).await;
        assert_eq!(next(&mut client, leg).await, json!({ "ok": 7, "at": 1 }));
        broker.open("held/2");
        assert_eq!(next(&mut client, leg).await, json!({ "ok": 5, "at": 1 }));
        broker.open("held/1");
        assert_eq!(next(&mut client, leg).await, json!({ "ok": 1, "at": 1 }));
        assert_eq!(next(&mut client, leg).await, json!({ "ok": 2, "at": 2 }));
        let start = next(&mut client, leg).await;
        assert_eq!((&start["ok"], &start["at"]), (&json!(3), &json!(2)));
        assert_eq!(next(&mut client, leg).await, json!({ "pub": "held/1", "at": 3, "data": 4 }));
        assert_eq!(next(&mut client, leg).await, json!({ "ok": 4, "at": 3 }));
        assert_eq!(next(&mut client, leg).await, json!({ "ok": 6 }));
        // The gateway appends the publications that arrived together in one append.
        assert_eq!(broker.appends("held/1"), 2);
        client.settle(leg).await;
        assert!(client.inbox.is_empty(), "{:?}", client.inbox);
    }

    async fn a_failure_of_the_broker_is_reported_under_the_id_and_leaves_no_subscription(transport) {
        let broker = Remote::new();
        let gateway = Running::behind(&broker).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        for _ in 0..2 {
            assert_eq!(client.request(leg, "\"pub\":\"broken\"", ",\"data\":1").await["code"], "full");
            assert_eq!(client.request(leg, "\"sub\":\"broken\"", "").await["code"], "full");
        }
        broker.until(|broker| !broker.is_watched("broken")).await;
        assert_eq!(client.publish(leg, "free", "1").await, 1);
    }

    async fn a_broker_that_is_silent_has_an_unknown_outcome_after_two_seconds(transport) {
        let gateway = Running::behind(&Remote::new()).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.push(r#"{"pub":"silent","id":1,"data":1}"#);
        assert_eq!(client.publish(leg, "free", "1").await, 1);
        assert_eq!(client.answer(leg, 1).await["code"], "internal");
    }

    async fn a_session_that_ends_while_the_broker_is_silent_leaves_nothing_behind(transport) {
        let broker = Remote::new();
        let gateway = Running::changed(&broker, |config| config.session.resume = Duration::from_secs(1)).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.push(r#"{"sub":"held/1","id":1}"#);
        client.flush(leg).await;
        // The watch and the fetch wait.
        broker.until(|broker| broker.waiting("held/1") == 2).await;
        client.kill(leg);
        gateway.until("sessions", |sessions| sessions == 0).await;
        broker.open("held/1");
        broker.until(|broker| broker.waiting("held/1") == 0 && !broker.is_watched("held/1")).await;
    }
}

#[tokio::test]
async fn a_plain_stream_begins_when_the_broker_has_answered() {
    within_patience(async {
        let broker = Remote::new();
        let gateway = Running::behind(&broker).await;
        let opened = async {
            broker.until(|broker| broker.waiting("held/1") == 2).await;
            broker.open("held/1");
        };
        let (mut reader, ()) = tokio::join!(Reader::open(&gateway, "held/1", None), opened);
        assert_eq!(reader.start().await, "remote:0");
        let (mut client, leg) = Client::online(&gateway, Transport::WebSocket).await;
        assert_eq!(client.publish(leg, "held/1", "1").await, 1);
        assert_eq!(reader.event().await.0, "remote:1");
    })
    .await;
}

#[tokio::test]
async fn a_plain_reader_that_leaves_before_the_broker_answers_is_forgotten() {
    within_patience(async {
        let broker = Remote::new();
        let gateway = Running::behind(&broker).await;
        tokio::select! {
            _ = Reader::open(&gateway, "held/1", None) => panic!("the broker has not answered"),
            () = broker.until(|broker| broker.waiting("held/1") == 2) => {}
        }
        // The watch, the fetch, and the end of the watch wait.
        broker.until(|broker| broker.waiting("held/1") == 3).await;
    })
    .await;
}
