//! `throughline bench`, as its user meets it: small runs of the binary, and their output.

mod baseline;
mod figures;
mod files;
mod networks;
mod options;
mod page;
mod scenarios;
mod urls;

use serde_json::Value;

use crate::process::run;

const TRANSPORTS: [&str; 3] = ["websocket", "sse", "poll"];

/// Runs with these arguments, and returns the exit and the `--json`.
async fn bench(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = run(&[&["bench", "--json", "-"], arguments].concat()).await;
    let told = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), told)
}

/// Runs with arguments that the command must refuse, and returns the exit and the reason.
async fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(&[&["bench"], arguments].concat()).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?} did something");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Returns the runs of a result, which must be of these transports in this order.
fn runs_of<'a>(told: &'a Value, transports: &[&str]) -> &'a Vec<Value> {
    let runs = told["runs"].as_array().unwrap();
    let names: Vec<&str> = runs.iter().map(|run| run["transport"].as_str().unwrap()).collect();
    assert_eq!(names, transports, "{told}");
    runs
}

/// Checks that so many messages were delivered, each once and in order.
fn assert_whole(run: &Value, messages: u64) {
    let counts = ["expected", "delivered", "lost", "duplicated", "reordered", "told_lost"].map(|key| run[key].as_u64());
    assert_eq!(counts, [messages, messages, 0, 0, 0, 0].map(Some), "{run}");
}
