//! The page, and the description of the JSON in docs/BENCH.md.

use std::collections::BTreeSet;

use serde_json::Value;

use super::files::File;
use crate::process::run;

#[tokio::test]
async fn the_page_has_its_charts_and_needs_nothing_from_elsewhere_and_every_key_of_the_json_is_described() {
    let (json, page) = (File::new("json"), File::new("html"));
    let arguments = ["bench", "--connections", "3", "--duration", "2", "--transports", "sse,poll"];
    let arguments = [&arguments[..], &["--json", json.path(), "--html", page.path()]].concat();
    let output = run(&arguments).await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let html = page.read();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("<style>") && html.contains("width=device-width"));
    assert!(html.matches("<svg role=\"img\"").count() >= 10, "{} charts", html.matches("<svg").count());
    for chart in ["Latency by percentile", "Deliveries in each second", "Recovery after a kill", "Switch of transport"]
    {
        assert!(html.contains(chart), "{chart} is missing");
    }
    assert!(html.contains("<main>") && html.contains("<p class=\"result\">"), "{html}");
    assert!(!html.contains("></th>") && html.contains("n/a: needs 1,000"), "{html}");
    for foreign in ["<script", "<link", "<img", "src=", "href=", "url(", "@import", "http://www", "https://"] {
        assert!(!html.contains(foreign), "the page has {foreign}");
    }
    let mut keys = BTreeSet::new();
    collect(&serde_json::from_str(&json.read()).unwrap(), &mut keys);
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/BENCH.md")).unwrap();
    for key in keys {
        assert!(document.contains(&format!("`{key}`")), "docs/BENCH.md says nothing of {key}");
    }
}

/// Collects the names of all keys, except those below `failures`, where the names are not ours.
fn collect(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                keys.insert(key.clone());
                if key != "failures" {
                    collect(value, keys);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, keys)),
        _ => {}
    }
}
