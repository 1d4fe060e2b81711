//! The comparison of two runs.

use serde_json::Value;

use super::files::File;
use super::{bench, refusal};
use crate::process::run;

const SMALL: [&str; 6] = ["--connections", "3", "--duration", "1", "--transports", "websocket"];

/// Multiplies the baseline's figures of time, work and room by a factor. Counts stay whole numbers.
fn scaled(told: &Value, factor: f64) -> String {
    let mut told = told.clone();
    let run = &mut told["runs"][0];
    for key in ["window_s", "cpu_s_per_million", "memory_per_connection", "overhead_up", "overhead_down"] {
        run[key] = (run[key].as_f64().unwrap_or(1.0) * factor).into();
    }
    for spread in ["first_message", "latency", "recovery", "switch"] {
        for key in ["average", "p50", "p95", "p99"] {
            run[spread][key] = (run[spread][key].as_f64().unwrap() * factor).into();
        }
    }
    told.to_string()
}

#[tokio::test]
async fn a_run_is_held_to_an_earlier_one_of_the_same_plan_and_to_no_other() {
    let (exit, told) = bench(&SMALL).await;
    assert_eq!(exit, Some(0));
    // Machines are not steady. Compared with a run that was ten thousand times slower, no figure is worse. Compared with a
    // faster run, many are.
    let (slower, faster) =
        (File::holding("json", &scaled(&told, 10_000.0)), File::holding("json", &scaled(&told, 0.001)));
    let to_slower = [&["bench", "--baseline", slower.path()], &SMALL[..]].concat();
    let to_faster = [&["bench", "--baseline", faster.path()], &SMALL[..]].concat();
    let (better, worse) = tokio::join!(run(&to_slower), run(&to_faster));
    let table = String::from_utf8(better.stdout).unwrap();
    assert_eq!(better.status.code(), Some(0), "{table}");
    assert!(table.contains("100 % (100 %)") && !table.contains("WORSE"), "{table}");
    let table = String::from_utf8(worse.stdout).unwrap();
    assert_eq!(worse.status.code(), Some(1), "{table}");
    assert!(table.contains("WORSE"), "{table}");
    assert!(String::from_utf8_lossy(&worse.stderr).contains("worse than the baseline"));

    let other = [&["--size", "64", "--baseline", slower.path()], &SMALL[..]].concat();
    let (exit, why) = refusal(&other).await;
    assert!(exit == Some(2) && why.contains("size was 1024, now it is 64"), "{exit:?} {why}");
    // A file of an older format lacks keys of this one: the format is the reason, not the first key that is missing.
    let older = told.to_string().replace("\"throughline_bench\":2", "\"throughline_bench\":1");
    let older = File::holding("json", &older.replace("\"duplicated\"", "\"doubled\""));
    let (exit, why) = refusal(&[&["--baseline", older.path()], &SMALL[..]].concat()).await;
    assert!(exit == Some(2) && why.contains("format 1; this program reads 2"), "{exit:?} {why}");
}
