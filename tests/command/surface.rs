//! The answers of `serve` and `demo`. Only the demo opens hostile networks.

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::process::Running;

#[tokio::test]
async fn serve_answers_its_pages_and_has_nothing_of_the_demo() {
    let running = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(running.ask("GET", "/healthz", "").await, (200, "ok".into()));
    let (status, page) = running.ask("GET", "/", "").await;
    assert_eq!(status, 200);
    assert!(page.to_ascii_lowercase().contains("throughline"), "{page}");
    for (method, path) in [
        ("GET", "/demo/networks"),
        ("POST", "/demo/fronts"),
        ("GET", "/demo/fronts/1"),
        ("GET", "/demo/page/index.html"),
        ("POST", "/demo/transports"),
        ("GET", "/demo/plain?channel=c"),
    ] {
        let (status, body) = running.ask(method, path, "").await;
        assert_eq!(status, 404, "{path}: {body}");
    }
}

#[tokio::test]
async fn the_demo_has_a_page_and_makes_networks_to_stand_behind() {
    let mut running = Running::start(&["demo", "--listen", "127.0.0.1:0"]).await;
    let second = running.next_line().await;
    assert!(second.contains(&format!("http://{}/", running.address)), "{second}");
    assert!(second.contains("clients are not authenticated"), "{second}");
    assert_eq!(running.ask("GET", "/", "").await.0, 200);
    assert_eq!(running.ask("GET", "/healthz", "").await, (200, "ok".into()));
    let (status, networks) = running.ask("GET", "/demo/networks", "").await;
    assert_eq!(status, 200);
    assert!(networks.contains("websocket-refused"), "{networks}");
    let (status, front) = running.ask("POST", "/demo/fronts", "").await;
    assert_eq!(status, 200, "{front}");
    assert!(front.contains("http://127.0.0.1:"), "{front}");
}

#[tokio::test]
async fn the_demo_carries_a_channel_over_a_plain_websocket() {
    let running = Running::start(&["demo", "--listen", "127.0.0.1:0"]).await;
    let (status, why) = running.ask("GET", "/demo/plain?channel=c", "").await;
    assert!(status == 400 && why.contains("not a WebSocket upgrade"), "{status} {why}");
    let url = |query: &str| format!("ws://{}/demo/plain{query}", running.address);
    for query in ["", "?channel=", &format!("?channel={}", "c".repeat(129))] {
        let refused = connect_async(url(query)).await.expect_err("it names no channel");
        assert!(matches!(refused, Error::Http(answer) if answer.status().is_client_error()), "{query}");
    }
    let (mut socket, _) = connect_async(url("?channel=c")).await.unwrap();
    // The answer to a ping shows that the gateway serves the socket.
    socket.send(Message::Ping("p".into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong("p".into()));
    publish(&running, "another", 6).await;
    publish(&running, "c", 7).await;
    let message = socket.next().await.unwrap().unwrap().into_text().unwrap();
    let message: Value = serde_json::from_str(&message).unwrap();
    assert_eq!((&message["pub"], &message["data"]), (&json!("c"), &json!(7)), "{message}");
    socket.close(None).await.unwrap();
    while let Some(rest) = socket.next().await {
        assert!(rest.unwrap().is_close());
    }
}

/// Publishes in a new session.
async fn publish(running: &Running, channel: &str, data: u32) {
    let secret = uuid::Uuid::new_v4().simple().to_string();
    let mut hello =
        json!({ "hello": { "v": 1, "session": secret, "leg": 1, "turn": 1, "received": 0, "next": 1, "nonce": "n" } });
    let (status, welcome) = running.ask("POST", "/rt/poll", &hello.to_string()).await;
    assert_eq!(status, 200, "{welcome}");
    let welcome: Value = serde_json::from_str(welcome.lines().next().unwrap()).unwrap();
    hello["hello"]["id"] = welcome["welcome"]["id"].clone();
    hello["hello"]["nonce"] = "m".into();
    hello["hello"].as_object_mut().unwrap().remove("turn");
    // The verb must come first in a frame, and a map would not keep the order.
    let line = format!(r#"{{"pub":"{channel}","data":{data}}}"#);
    let (status, answer) = running.ask("POST", "/rt/send", &format!("{hello}\n{line}\n")).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn the_demo_withdraws_transports_and_offers_them_anew() {
    let running = Running::start(&["demo", "--listen", "127.0.0.1:0"]).await;
    let offered = async || running.ask("GET", "/demo/transports", "").await;
    assert_eq!(offered().await, (200, r#"["websocket","sse","poll"]"#.into()));
    for (body, now) in [
        (r#"["sse","poll"]"#, r#"["sse","poll"]"#),
        (r#"{"transports":["poll","websocket"],"jitter_ms":0}"#, r#"["poll","websocket"]"#),
    ] {
        assert_eq!(running.post_json("/demo/transports", body).await, (204, String::new()), "{body}");
        assert_eq!(offered().await, (200, now.into()));
    }
    for bad in ["[]", r#"["pigeon"]"#, r#"["sse","sse"]"#, "7", r#"{"transports":["sse"],"jitter_ms":3600001}"#] {
        assert_eq!(running.post_json("/demo/transports", bad).await.0, 400, "{bad}");
    }
    assert_eq!(offered().await, (200, r#"["poll","websocket"]"#.into()));
}
