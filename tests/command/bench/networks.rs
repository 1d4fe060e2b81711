//! The bench behind networks that refuse or cut connections.

use super::{TRANSPORTS, assert_whole, bench, runs_of};
use crate::process::run;

#[tokio::test]
async fn behind_a_proxy_that_refuses_websockets_the_others_deliver_and_the_result_says_why_websocket_does_not() {
    let arguments = ["--network", "corporate-proxy", "--connections", "4", "--duration", "1"];
    let (exit, told) = bench(&arguments).await;
    let runs = runs_of(&told, &TRANSPORTS);
    assert_eq!(exit, Some(0), "{told}");
    assert_eq!((runs[0]["connected"].as_u64(), runs[0]["delivered"].as_u64()), (Some(0), Some(0)));
    assert_eq!(runs[0]["failures"]["answered 403"].as_u64(), Some(12), "{}", runs[0]);
    assert!(runs[0]["latency"].is_null() && runs[0]["recovery"].is_null(), "{}", runs[0]);
    for run in &runs[1..] {
        assert_eq!(run["connected"].as_u64(), Some(4));
        assert_whole(run, 40);
        // 10 ms there, and 10 ms back.
        assert!(run["latency"]["p50"].as_f64().unwrap() > 20.0, "{run}");
        assert!(run["switch"]["p50"].as_f64().unwrap() > 20.0, "{run}");
    }
}

#[tokio::test]
async fn connections_that_die_all_the_time_lose_nothing_and_are_counted() {
    let arguments =
        ["--network", "websocket-killed", "--transports", "websocket", "--connections", "3", "--duration", "1"];
    let (exit, told) = bench(&arguments).await;
    assert_eq!(exit, Some(0), "{told}");
    let run = &runs_of(&told, &["websocket"])[0];
    assert_whole(run, 30);
    let deaths: u64 = run["failures"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert!(deaths >= 3, "{run}");
}

#[tokio::test]
async fn the_networks_are_listed_with_their_meanings() {
    let output = run(&["bench", "--network", "list"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for name in ["lan", "broadband", "mobile", "lossy", "corporate-proxy", "buffering-proxy"] {
        let line = text.lines().find(|line| line.trim_start().starts_with(&format!("{name} ")));
        assert!(line.is_some_and(|line| line.ends_with('.')), "{name}: {text}");
    }
}
