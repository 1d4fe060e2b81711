//! `throughline bench`, as who types it meets it: small runs of the binary, and what they say.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed, and the place says enough")]

#[path = "bench/files.rs"]
mod files;
#[path = "command/process.rs"]
#[allow(dead_code, reason = "these tests need less of it")]
mod process;
#[path = "command/tls.rs"]
mod tls;

#[path = "bench/baseline.rs"]
mod baseline;
#[path = "bench/figures.rs"]
mod figures;
#[path = "bench/networks.rs"]
mod networks;
#[path = "bench/options.rs"]
mod options;
#[path = "bench/page.rs"]
mod page;
#[path = "bench/scenarios.rs"]
mod scenarios;
#[path = "bench/urls.rs"]
mod urls;

use serde_json::Value;

use process::run;

const TRANSPORTS: [&str; 3] = ["websocket", "sse", "poll"];

/// The exit of a run with these arguments, and its `--json`.
async fn bench(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = run(&[&["bench", "--json", "-"], arguments].concat()).await;
    let told = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), told)
}

/// The exit of a run that is expected to say why it does nothing, and what it says.
async fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(&[&["bench"], arguments].concat()).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?} did something");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// The runs of a result, which must be of these transports in this order.
fn runs_of<'a>(told: &'a Value, transports: &[&str]) -> &'a Vec<Value> {
    let runs = told["runs"].as_array().unwrap();
    let names: Vec<&str> = runs.iter().map(|run| run["transport"].as_str().unwrap()).collect();
    assert_eq!(names, transports, "{told}");
    runs
}

/// That so many messages were delivered, each once and in order.
fn assert_whole(run: &Value, messages: u64) {
    let counts = ["expected", "delivered", "lost", "duplicated", "reordered", "told_lost"].map(|key| run[key].as_u64());
    assert_eq!(counts, [messages, messages, 0, 0, 0, 0].map(Some), "{run}");
}
