//! Channels: subscribing, publishing, and resuming from a position.

use serde_json::{Value, json};

use crate::client::Client;
use crate::gateway::Running;
use crate::on_every_transport;
use crate::wire::Frame;

/// Returns a position as the `since` of a command.
fn since(epoch: &Value, at: u64) -> String {
    format!(",\"since\":{{\"epoch\":{epoch},\"at\":{at}}}")
}

on_every_transport! {
    async fn subscribing_publishing_and_leaving_are_answered(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        let subscribed = client.subscribe(leg, "fleet/42").await;
        assert_eq!((&subscribed["at"], &subscribed["recovered"]), (&0.into(), &false.into()));
        assert!(subscribed["epoch"].as_str().is_some_and(|epoch| epoch.len() >= 22));
        assert_eq!(client.publish(leg, "fleet/42", "1").await, 1);
        assert_eq!(client.next(leg).await, Frame::from("{\"pub\":\"fleet/42\",\"at\":1,\"data\":1}"));
        let left = client.request(leg, "\"unsub\":\"fleet/42\"", "").await;
        assert_eq!(left, json!({ "ok": 3 }));
        assert_eq!(client.publish(leg, "fleet/42", "2").await, 2);
        client.settle(leg).await;
        assert!(client.inbox.is_empty(), "{:?}", client.inbox);
    }

    async fn a_publication_carries_the_bytes_that_came(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "ü \\\"x\\\"").await;
        for data in ["{\"x\" : 1.50}", "[ 1e3 , -0.0,\"\\u00fc\" ]", "12345678901234567890123", "\"data: x\"", "null", "{\"a\":1,\"a\":2}"] {
            client.publish(leg, "ü \\\"x\\\"", data).await;
            let frame = client.next(leg).await;
            assert!(frame.line().ends_with(&format!(",\"data\":{data}}}")), "{frame:?}");
            assert_eq!(frame.value()["pub"], "ü \"x\"");
        }
    }

    async fn a_subscription_continues_from_a_position_across_a_lost_session(transport) {
        let gateway = Running::start().await;
        let (mut first, leg) = Client::online(&gateway, transport).await;
        let epoch = first.subscribe(leg, "c").await["epoch"].clone();
        for number in 1..=5 {
            first.publish(leg, "c", &number.to_string()).await;
        }
        let (mut second, leg) = Client::online(&gateway, transport).await;
        let answer = second.request(leg, "\"sub\":\"c\"", &since(&epoch, 2)).await;
        assert_eq!(answer, json!({ "ok": 1, "epoch": epoch, "at": 2, "recovered": true }));
        for at in 3..=5 {
            assert_eq!(second.next(leg).await.value()["at"], at);
        }
        first.publish(1, "c", "6").await;
        assert_eq!(second.next(leg).await.value()["at"], 6);
    }

    async fn the_gateway_reports_a_position_that_it_cannot_recover(transport) {
        let gateway = Running::with(|config| config.history.messages = 3).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        let epoch = client.subscribe(leg, "c").await["epoch"].clone();
        for number in 1..=5 {
            client.publish(leg, "c", &number.to_string()).await;
        }
        let (mut late, leg) = Client::online(&gateway, transport).await;
        for (since, why) in [
            (since(&epoch, 1), "2 is not kept any more"),
            (since(&epoch, 9), "9 was never published"),
            (since(&"another-epoch".into(), 5), "another epoch"),
            (String::new(), "the client named no position"),
        ] {
            let answer = late.request(leg, "\"sub\":\"c\"", &since).await;
            assert_eq!((&answer["at"], &answer["recovered"]), (&5.into(), &false.into()), "{why}: {answer}");
        }
        late.settle(leg).await;
        assert!(late.inbox.is_empty(), "{:?}", late.inbox);
    }

    /// Guards against this:
    /// 1. All clients leave a channel, and its history becomes empty.
    /// 2. The gateway forgets the channel, and creates it again with a new epoch.
    /// 3. A client that returns has missed nothing, but the gateway reports a loss.
    async fn a_client_that_missed_nothing_of_a_quiet_channel_learns_so(transport) {
        let gateway = Running::with(|config| config.history.messages = 0).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        let quiet = client.subscribe(leg, "quiet").await["epoch"].clone();
        let blank = client.subscribe(leg, "blank").await["epoch"].clone();
        for at in 1..=3 {
            client.publish(leg, "quiet", "1").await;
            assert_eq!(client.next(leg).await.value()["at"], at);
        }
        for _ in 0..2 {
            for name in ["quiet", "blank"] {
                client.request(leg, &format!("\"unsub\":\"{name}\""), "").await;
            }
            gateway.until("channels", |channels| channels == 0).await;
            for (name, epoch, at, recovered) in
                [("quiet", &quiet, 2, false), ("quiet", &quiet, 3, true), ("quiet", &quiet, 4, false), ("blank", &blank, 0, true)]
            {
                let answer = client.request(leg, &format!("\"sub\":\"{name}\""), &since(epoch, at)).await;
                assert_eq!((&answer["epoch"], &answer["recovered"]), (epoch, &recovered.into()), "{name} {at}: {answer}");
            }
        }
        assert_eq!(client.publish(leg, "quiet", "1").await, 4);
    }

    async fn subscribing_again_uses_the_new_position(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        let epoch = client.subscribe(leg, "c").await["epoch"].clone();
        client.publish(leg, "c", "1").await;
        assert_eq!(client.next(leg).await.value()["at"], 1);
        assert_eq!(client.subscribe(leg, "c").await["at"], 1);
        let again = client.request(leg, "\"sub\":\"c\"", &since(&epoch, 0)).await;
        assert_eq!(again["recovered"], true);
        assert_eq!(client.next(leg).await.value()["at"], 1);
        // The client still has one subscription.
        client.publish(leg, "c", "2").await;
        client.settle(leg).await;
        assert_eq!(client.inbox.drain(..).map(|frame| frame.value()["at"].clone()).collect::<Vec<_>>(), [2]);
    }

    async fn a_command_without_an_id_is_done_and_not_answered(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        for line in ["{\"sub\":\"c\"}", "{\"pub\":\"c\",\"data\":1}", "{\"unsub\":\"c\"}", "{\"pub\":\"c\",\"data\":2}"] {
            client.push(line);
        }
        client.flush(leg).await;
        assert_eq!(client.next(leg).await.value()["at"], 1);
        assert_eq!(client.publish(leg, "c", "3").await, 3);
        assert!(client.inbox.is_empty(), "{:?}", client.inbox);
    }
}
