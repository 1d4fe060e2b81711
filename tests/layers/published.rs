//! The package for crates.io holds what the build needs, and no test or bench. Both packages and the documents agree on versions.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The folders whose files the build compiles or embeds.
const NEEDED: [&str; 4] = ["src", "client-js/src", "client-js/bundle", "examples"];

/// The other files of the package. Cargo itself makes the first three.
const BESIDE: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml.orig",
    ".cargo_vcs_info.json",
    "Cargo.toml",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "build.rs",
];

/// Returns the files that `cargo publish` would upload.
fn packed() -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["package", "--list", "--offline", "--allow-dirty"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Adds the paths of all files below a folder of the repository.
fn files(folder: &str, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("the folder is there") {
        let entry = entry.expect("the folder can be read");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("the file has a type").is_dir() {
            files(&path, into);
        } else {
            into.insert(path);
        }
    }
}

#[test]
fn the_package_holds_the_files_of_the_build_and_no_test() {
    let packed = packed();
    let mut needed = BTreeSet::new();
    for folder in NEEDED {
        files(folder, &mut needed);
    }
    // `npm install` in examples, as README.md shows it, makes these.
    needed.retain(|path| !path.contains("/node_modules/"));
    let missing: Vec<&String> = needed.difference(&packed).collect();
    assert!(missing.is_empty(), "the build needs these, and Cargo.toml does not include them: {missing:?}");
    let others: Vec<&str> =
        packed.difference(&needed).map(String::as_str).filter(|path| !BESIDE.contains(path)).collect();
    assert!(others.is_empty(), "the build needs none of these, and Cargo.toml includes them: {others:?}");
}

/// Returns the text between `before` and the next quotation mark, in a file of the repository.
fn quoted(file: &str, before: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("the file is there");
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{file} has no {before}"));
    rest.split_once('"').expect("a closing quotation mark").0.to_owned()
}

#[test]
fn the_crate_and_the_npm_package_have_one_version() {
    let version = quoted("Cargo.toml", "\nversion = \"");
    for file in ["client-js/package.json", "client-js/package-lock.json"] {
        assert_eq!(quoted(file, "\"version\": \""), version, "{file}");
    }
}

#[test]
fn the_documents_name_the_oldest_rust_that_builds_the_crate() {
    let oldest = quoted("Cargo.toml", "\nrust-version = \"");
    for file in ["README.md", "RELEASING.md"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("the file is there");
        assert!(text.contains(&format!("Rust {oldest}")), "{file} says nothing of Rust {oldest}");
    }
}
