//! Rules of channels: the rights of clients, the fields of a publication, and a reload.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use throughline::protocol::Transport;
use throughline::server::config::Config;

use crate::client::Client;
use crate::gateway::{Running, within_patience};
use crate::http;
use crate::identity::{client, signing_in, token, token_with};
use crate::on_every_transport;

const HOUR: std::time::Duration = std::time::Duration::from_secs(3_600);

const RULES: &str = r#"
[[channel]]
pattern = "room/{room}"
subscribe = ["token"]
publish = ["subscriber"]
tell = ["by", "time"]

[[channel]]
pattern = "inbox/{user}"
subscribe = ["owner"]

[[channel]]
pattern = "news"
subscribe = ["anyone"]

[[channel]]
pattern = "slow"
subscribe = ["user"]
publish = ["user"]
rate = { session = 1, burst = 2 }
"#;

/// Returns a configuration with users and these rules.
fn ruled(rules: &str) -> Config {
    let mut config = Config::from_toml(rules).unwrap();
    signing_in(&mut config);
    config.auth.as_mut().unwrap().anonymous = true;
    config
}

async fn gateway(rules: &str) -> Running {
    Running::with(|config| *config = ruled(rules)).await
}

/// Returns a token that grants these actions in all rooms.
fn granting(user: &str, allow: &[&str]) -> String {
    token_with(user, HOUR, &json!({ "channels": [{ "pattern": "room/{room}", "allow": allow }] }))
}

async fn attached(gateway: &Running, transport: Transport, token: &str) -> (Client, u32) {
    let mut client = client(gateway, token);
    let leg = client.attach(transport).await;
    (client, leg)
}

/// Returns the code of the answer to a command, or `ok`.
async fn outcome(client: &mut Client, leg: u32, verb: &str, channel: &str) -> String {
    let answer = client.request(leg, &format!("\"{verb}\":\"{channel}\""), ",\"data\":1").await;
    answer["code"].as_str().unwrap_or("ok").to_owned()
}

on_every_transport! {
    async fn each_client_may_do_what_the_rule_of_the_channel_says(transport) {
        let gateway = gateway(RULES).await;
        let (mut granted, granted_leg) = attached(&gateway, transport, &granting("ann", &["subscribe"])).await;
        let (mut user, user_leg) = attached(&gateway, transport, &token("ann", HOUR)).await;
        let (mut nobody, nobody_leg) = Client::online(&gateway, transport).await;
        for (verb, channel, expected) in [
            ("pub", "room/1", ["forbidden", "forbidden", "forbidden"]),
            ("sub", "room/1", ["ok", "forbidden", "forbidden"]),
            ("pub", "room/1", ["ok", "forbidden", "forbidden"]),
            ("sub", "inbox/ann", ["ok", "ok", "forbidden"]),
            ("sub", "inbox/bob", ["forbidden", "forbidden", "forbidden"]),
            ("sub", "news", ["ok", "ok", "ok"]),
            ("pub", "news", ["forbidden", "forbidden", "forbidden"]),
            ("sub", "elsewhere", ["unknown_channel", "unknown_channel", "unknown_channel"]),
            ("sub", "@presence/room/1", ["unknown_channel", "unknown_channel", "unknown_channel"]),
        ] {
            let seen = [
                outcome(&mut granted, granted_leg, verb, channel).await,
                outcome(&mut user, user_leg, verb, channel).await,
                outcome(&mut nobody, nobody_leg, verb, channel).await,
            ];
            assert_eq!(seen, expected, "{verb} {channel}");
        }
    }

    async fn a_publication_says_who_published_it_and_when(transport) {
        let gateway = gateway(RULES).await;
        let (mut client, leg) = attached(&gateway, transport, &granting("ann", &["subscribe"])).await;
        client.subscribe(leg, "room/1").await;
        client.publish(leg, "room/1", r#"{"by":"bob"}"#).await;
        let frame = client.next(leg).await.value();
        assert_eq!((&frame["by"], &frame["data"]["by"]), (&json!("ann"), &json!("bob")));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let time = frame["time"].as_u64().unwrap();
        assert!((now - 60_000..=now).contains(&time), "{time} at {now}");
        // A publication of the application has no user.
        gateway.handle.publish("room/1", json!(2)).await.unwrap();
        let frame = client.next(leg).await.value();
        assert_eq!((frame.get("by"), frame["time"].is_u64()), (None, true));
    }

    async fn beyond_its_rate_a_session_is_told_when_to_try_again(transport) {
        let gateway = gateway(RULES).await;
        let (mut client, leg) = attached(&gateway, transport, &token("ann", HOUR)).await;
        for data in ["1", "2", "3", "4"] {
            client.push(format!("{{\"pub\":\"slow\",\"id\":{data},\"data\":{data}}}"));
        }
        client.flush(leg).await;
        let mut answers: Vec<Value> = Vec::new();
        for id in 1..=4 {
            answers.push(client.answer(leg, id).await);
        }
        assert!(answers[..2].iter().all(|answer| answer["at"].is_u64()), "{answers:?}");
        let refused = &answers[3];
        assert_eq!(refused["code"], "rate_limited");
        assert!((1..=2_000).contains(&refused["retry_after_ms"].as_u64().unwrap()), "{refused}");
    }

    async fn a_fresh_token_that_grants_less_ends_subscriptions(transport) {
        let gateway = gateway(RULES).await;
        let (mut client, leg) = attached(&gateway, transport, &granting("ann", &["subscribe"])).await;
        client.subscribe(leg, "room/1").await;
        client.subscribe(leg, "news").await;
        let fresh = token("ann", HOUR);
        client.link(leg, &json!({ "token": fresh }).to_string()).await;
        client.says = json!({ "token": fresh });
        let ended = client.next(leg).await.value();
        assert_eq!((&ended["unsub"], &ended["code"]), (&json!("room/1"), &json!("forbidden")));
        gateway.handle.publish("room/1", json!(1)).await.unwrap();
        gateway.handle.publish("news", json!(2)).await.unwrap();
        assert_eq!(client.next(leg).await.value()["data"], 2);
    }

    async fn changed_rules_hold_for_channels_that_exist(transport) {
        let gateway = gateway(RULES).await;
        let (mut client, leg) = attached(&gateway, transport, &granting("ann", &["subscribe"])).await;
        client.subscribe(leg, "room/1").await;
        client.subscribe(leg, "news").await;
        gateway.handle.apply(&ruled("[[channel]]\npattern = 'news'\nsubscribe = ['user']\npublish = ['user']"));
        let ended = client.next(leg).await.value();
        assert_eq!((&ended["unsub"], &ended["code"]), (&json!("room/1"), &json!("unknown_channel")));
        client.publish(leg, "news", "1").await;
        assert_eq!(client.next(leg).await.value()["data"], 1);
    }
}

#[tokio::test]
async fn a_plain_stream_obeys_the_rule_and_ends_when_it_changes() {
    within_patience(async {
        let gateway = gateway(RULES).await;
        let open = async |channel: &str| {
            let path = format!("/rt/stream?channel={channel}");
            http::open(gateway.address, http::request(axum::http::Method::GET, &path, "")).await
        };
        for (channel, status) in [("room%2F1", 403), ("inbox%2Fann", 403), ("elsewhere", 404)] {
            assert_eq!(open(channel).await.response.status(), status, "{channel}");
        }
        let news = open("news").await;
        assert_eq!(news.response.status(), 200);
        gateway.handle.apply(&ruled("[[channel]]\npattern = 'news'\nsubscribe = ['user']"));
        // The stream ends: without the change it would not.
        http::whole(news.response).await;
    })
    .await;
}
