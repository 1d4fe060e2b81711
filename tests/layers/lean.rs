//! A gateway inside an application compiles nothing of the command line.

use std::process::Command;

/// Crates of the command, its reports and its allocator.
const OF_THE_COMMAND: [&str; 8] =
    ["clap", "comfy-table", "hdrhistogram", "indicatif", "maud", "plotters", "tikv-jemallocator", "tracing-subscriber"];

/// The names of all crates that a build with these arguments compiles for the gateway itself.
fn tree(arguments: &[&str]) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    listed.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn a_build_without_default_features_has_no_crate_of_the_command_line() {
    let (whole, lean) = (tree(&[]), tree(&["--no-default-features"]));
    for name in OF_THE_COMMAND {
        assert!(whole.iter().any(|crate_| crate_ == name), "the command no longer uses {name}: remove it here");
        assert!(!lean.iter().any(|crate_| crate_ == name), "{name} is in the lean library");
    }
    assert!(lean.iter().any(|crate_| crate_ == "axum"), "the tree was not read");
}
