//! The figures for programs: one JSON object, described in docs/BENCH.md. A baseline is read from it too.

use std::path::Path;

use crate::cli::bench::results::{FORMAT, Results};

/// Writes a file; `-` is standard output.
///
/// # Errors
/// A sentence that names the file.
pub(in crate::cli::bench) fn write(results: &Results, to: &Path) -> Result<(), String> {
    let text = serde_json::to_string_pretty(results).map_err(|error| error.to_string())?;
    if to.as_os_str() == "-" {
        crate::cli::say(&text);
        return Ok(());
    }
    std::fs::write(to, text + "\n").map_err(|error| format!("{}: {error}", to.display()))
}

/// Reads a file that `write` wrote.
///
/// # Errors
/// A sentence that names the file.
pub(in crate::cli::bench) fn read(from: &Path) -> Result<Results, String> {
    let said = |why: String| format!("{}: {why}", from.display());
    let text = std::fs::read_to_string(from).map_err(|error| said(error.to_string()))?;
    let unreadable = |error: serde_json::Error| said(format!("not the --json of an earlier run ({error})"));
    let value: serde_json::Value = serde_json::from_str(&text).map_err(unreadable)?;
    // The format is checked first. A file of another format lacks keys, and their names would not give the reason.
    match value.get("throughline_bench").and_then(serde_json::Value::as_u64) {
        Some(format) if format != u64::from(FORMAT) => {
            Err(said(format!("it has format {format}; this program reads {FORMAT}: measure the baseline again")))
        }
        _ => serde_json::from_value(value).map_err(unreadable),
    }
}
