//! `examples/embed.rs`, as its reader runs it: sessions beside the routes of an application.

use serde_json::json;

use crate::process::{Running, example};

/// Polls on the only leg, with its hello and a line. Returns the answer.
async fn poll(running: &Running, id: Option<&str>, next: u32, line: &str) -> String {
    let hello = json!({
        "v": 1, "session": "s3cr3t-s3cr3t-s3cr3t-s3cr3t", "id": id, "leg": 1, "turn": 1, "received": 0, "next": next, "nonce": "N",
    });
    let hello: serde_json::Map<_, _> =
        hello.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null()).collect();
    let (status, answer) = running.ask("POST", "/rt/poll", &format!("{}\n{line}", json!({ "hello": hello }))).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn an_application_publishes_to_sessions_that_its_own_server_carries() {
    let running = Running::of(example("embed", &["127.0.0.1:0"])).await;
    let (status, page) = running.ask("GET", "/", "").await;
    assert_eq!((status, page.contains("<h1>News</h1>")), (200, true), "{page}");

    let welcome = poll(&running, None, 1, "").await;
    let (_, rest) = welcome.split_once(r#""id":""#).unwrap_or_else(|| panic!("{welcome}"));
    let (id, _) = rest.split_once('"').unwrap();
    let answer = poll(&running, Some(id), 1, r#"{"sub":"news","id":1}"#).await;
    assert!(answer.contains(r#""ok":1"#), "{answer}");

    let (_, published) = running.ask("POST", "/news", "It rains.").await;
    assert_eq!(published, r#"{"at":1}"#);
    let answer = poll(&running, Some(id), 2, "").await;
    assert!(answer.contains(r#""data":{"text":"It rains."}"#), "{answer}");
}

#[tokio::test]
async fn the_routes_beside_the_sessions_belong_to_the_application() {
    let running = Running::of(example("embed", &["127.0.0.1:0"])).await;
    for (path, status) in [
        ("/rt/client/throughline.esm.min.js", 200),
        ("/rt/control?nonce=n", 200),
        ("/rt/nothing", 404),
        ("/metrics", 404),
        ("/healthz", 404),
        ("/doctor", 404),
    ] {
        assert_eq!(running.ask("GET", path, "").await.0, status, "{path}");
    }
    running.signal("INT").await;
    assert_eq!(running.ended().await.0, Some(0));
}
