//! The figures that a plain run reports for each transport.

use serde_json::Value;

use super::{TRANSPORTS, assert_whole, bench, runs_of};
use crate::process::run;

/// Checks the count of a spread, and that its times grow in order.
fn assert_spread(run: &Value, key: &str, least: u64) {
    let spread = &run[key];
    assert!(spread["count"].as_u64().unwrap_or(0) >= least, "{key}: {run}");
    let times = ["p50", "p95", "p99", "max"].map(|at| spread[at].as_f64().unwrap());
    assert!(times.is_sorted() && times[0] > 0.0, "{key}: {spread}");
    let average = spread["average"].as_f64().unwrap();
    assert!(average > 0.0 && average <= times[3], "{key}: {spread}");
    let curve: Vec<f64> = spread["curve"].as_array().unwrap().iter().map(|point| point[1].as_f64().unwrap()).collect();
    assert!(curve.len() > 10 && curve.is_sorted(), "{key}: {spread}");
}

#[tokio::test]
async fn each_transport_delivers_all_once_and_in_order_and_has_every_figure() {
    let mut seen = Vec::new();
    // If the machine stands still, the messages that became due go in one send, and share its head. So this tries again.
    for _ in 0..3 {
        match overhead_of(&measured().await) {
            Ok(()) => return,
            Err(other) => seen.push(other),
        }
    }
    panic!("{seen:?}");
}

/// Runs once, and checks all figures but the overhead.
async fn measured() -> Value {
    let arguments = ["--connections", "5", "--rate", "20", "--size", "1000", "--duration", "1", "--seed", "3"];
    let (exit, told) = bench(&arguments).await;
    assert_eq!((exit, told["throughline_bench"].as_u64(), told["plan"]["seed"].as_u64()), (Some(0), Some(2), Some(3)));
    for run in runs_of(&told, &TRANSPORTS) {
        assert_eq!((run["connected"].as_u64(), run["sent"].as_u64()), (Some(5), Some(100)), "{run}");
        assert_whole(run, 100);
        assert_eq!(run["failures"], serde_json::json!({}));
        assert_spread(run, "latency", 100);
        assert_spread(run, "lateness", 100);
        assert_spread(run, "first_message", 5);
        assert_spread(run, "recovery", 20);
        assert_spread(run, "switch", 20);
        let seconds: u64 = run["per_second"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(seconds, 100, "{run}");
        assert!(run["window_s"].as_f64().unwrap() >= 1.0);
        if cfg!(target_os = "linux") {
            assert!(run["cpu_s_per_million"].as_f64().unwrap() > 0.0, "{run}");
            // Five connections are too few to say how much memory one uses.
            assert!(run["memory_per_connection"].is_null(), "{run}");
        }
    }
    told
}

/// Checks the bytes above the payload: a frame around each message on a socket, a head of HTTP for each send, and one more
/// for each poll.
fn overhead_of(told: &Value) -> Result<(), String> {
    let above = |key: &str| {
        let runs = runs_of(told, &TRANSPORTS);
        [0, 1, 2].map(|place: usize| runs[place][key].as_f64().unwrap())
    };
    let (up, down) = (above("overhead_up"), above("overhead_down"));
    let socket = up[0] > 40.0 && up[0] < 150.0 && down[0] > 40.0 && down[0] < 150.0;
    let requests = up[1] > 200.0 && up[2] < 1500.0 && down[2] < 3000.0;
    let holds = up.is_sorted() && down.is_sorted() && socket && requests;
    holds.then_some(()).ok_or_else(|| format!("up {up:?}, down {down:?}"))
}

#[tokio::test]
async fn a_fan_out_reaches_every_connection_and_idle_ones_still_carry_a_message_at_the_end() {
    let small = ["--connections", "6", "--duration", "1", "--transports", "sse", "--pattern"];
    let (fan_out, idle) = ([&small[..], &["fan-out"]].concat(), [&small[..], &["idle"]].concat());
    let ((exit, told), idle) = tokio::join!(bench(&fan_out), bench(&idle));
    let run = &runs_of(&told, &["sse"])[0];
    assert_eq!((exit, run["sent"].as_u64(), run["connected"].as_u64()), (Some(0), Some(10), Some(6)));
    assert_whole(run, 60);
    let (exit, told) = idle;
    assert_eq!(exit, Some(0));
    assert_whole(&runs_of(&told, &["sse"])[0], 6);
}

#[tokio::test]
async fn all_repeats_are_reported_and_the_table_names_each_figure_once() {
    let arguments = ["--connections", "2", "--duration", "1", "--transports", "websocket", "--repeats", "2"];
    let table = ["bench", "--connections", "2", "--duration", "1", "--transports", "poll"];
    let ((_, told), table) = tokio::join!(bench(&arguments), run(&table));
    let repeats: Vec<_> =
        runs_of(&told, &["websocket", "websocket"]).iter().map(|run| run["repeat"].as_u64()).collect();
    assert_eq!(repeats, [Some(1), Some(2)]);
    let told = String::from_utf8(table.stdout).unwrap();
    let table: String = told.lines().filter(|line| line.starts_with('│')).collect();
    assert!(table.contains("n/a: needs 1,000"), "{table}");
    assert!(
        told.starts_with("Half of all messages came within ") && told.contains(" by long-poll; nothing was lost"),
        "{told}"
    );
    for name in ["latency, p99", "overhead up", "server CPU per million", "recovery after a kill", "lost"] {
        assert_eq!(table.matches(name).count(), 1, "{table}");
    }
}
