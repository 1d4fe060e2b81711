//! Checks the layers: imports run one way, from a layer to those below it, and from file to file without a cycle. It
//! also checks that errors outside of `cli` are types, that files and functions are short, that integration tests have one
//! layout, and that `public-api.txt` lists the public API.
//!
//! It reads the files under `src` as text, and compares every path from the crate's root with the order below:
//! `crate::x`, `throughline::x`, or enough `super`s. Tests inside `src` count too. Comments and strings do not count.
//! It must never need the crate to compile: a report of a broken layer is useful even then.

mod cycles;
mod definitions;
mod errors;
mod functions;
mod items;
mod lean;
mod paths;
mod production;
mod published;
mod surface;
mod tokens;

use std::fmt;
use std::fs;
use std::path::Path;

use paths::{Target, paths};
use tokens::{text, tokens};

/// The layers, top to bottom, and the layers that each may name. `backend`, `hub` and `driver` are side by side: only
/// `node` connects them. `fuzzing` and `simulation` exist in tests and fuzz builds only, and the compiler rejects them
/// elsewhere.
const LAYERS: [(&str, &[&str]); 12] = [
    ("fuzzing", &["transport", "hub", "session", "protocol", "simulation"]),
    ("cli", &["server", "transport", "node", "backend", "hub", "driver", "session", "protocol", "netlab"]),
    // The server assembles the parts, and its broker is one of them.
    ("server", &["transport", "node", "backend", "hub", "broker", "session", "protocol"]),
    // An adapter moves lines. It cannot even see a session or the hub.
    ("transport", &["node", "protocol"]),
    ("node", &["backend", "hub", "driver", "session", "protocol", "simulation"]),
    ("backend", &["protocol"]),
    ("hub", &["broker", "protocol", "simulation"]),
    ("broker", &["protocol"]),
    ("driver", &["session", "protocol"]),
    ("session", &["protocol", "simulation"]),
    ("protocol", &[]),
    ("simulation", &[]),
];

/// The module beside the layers: the hostile network.
const BESIDE: [&str; 1] = ["netlab"];

/// The parts of cli with a rule of their own. They know the gateway from outside, so they must not use its parts.
const OUTSIDE: [&str; 2] = ["cli/bench", "cli/link"];

/// The commands. They show their errors only to people, so these errors may be text.
const COMMANDS: [&str; 2] = ["cli", "main"];

/// The most lines of a file. A longer file has more than one concern.
const MOST_LINES: usize = 400;

/// The most lines of a function. A longer function does more than one thing. Tests may be longer.
const MOST_LINES_OF_A_FUNCTION: usize = 60;

/// Returns true if code in `from` may name an item in `to`.
fn may_name(from: &str, to: &str) -> bool {
    match from {
        _ if from == to => true,
        _ if OUTSIDE.contains(&from) => ["cli", "protocol", "session", "netlab"].contains(&to),
        _ => LAYERS.iter().any(|(layer, below)| *layer == from && below.contains(&to)),
    }
}

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "src/{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Returns every breach in one file. `file` is its path below `src`, with `/`.
fn breaches(file: &str, source: &str) -> Vec<Breach> {
    let breach = |line, what| Breach { file: file.to_owned(), line, what };
    let mut found = Vec::new();
    let lines = source.lines().count();
    if lines > MOST_LINES {
        found.push(breach(lines, format!("{lines} lines, at most {MOST_LINES}: split it by concern")));
    }
    if file == "lib.rs" {
        return found; // the root: it declares the layers, and re-exports from any of them
    }
    let module = module_of(file);
    // The binary belongs to cli, at the top.
    let outside = OUTSIDE.into_iter().find(|part| Path::new(file).starts_with(part));
    let top = match file {
        "main.rs" => "cli",
        _ => outside.unwrap_or(module[0].as_str()),
    };
    if outside.is_none() && !is_known(top) {
        found.push(breach(1, format!("`{top}` is no layer: see LAYERS in tests/layers/main.rs")));
    }
    for path in paths(&tokens(source)) {
        match path.target(&module) {
            Target::Inside => {}
            Target::Root => found.push(breach(path.line, "names the whole crate: name one layer".to_owned())),
            Target::Module(to) if !is_known(to) => {
                let what = format!("`{to}` at the crate's root is no layer: name it where it is defined");
                found.push(breach(path.line, what));
            }
            Target::Module(to) if may_name(top, to) => {}
            Target::Module(to) => {
                found.push(breach(path.line, format!("{top} must not name {to}")));
            }
        }
    }
    found.dedup(); // one `use` may name a layer twice
    found
}

fn is_known(name: &str) -> bool {
    LAYERS.iter().any(|(layer, _)| *layer == name) || BESIDE.contains(&name)
}

/// Returns the module that a file holds: `session/server/mod.rs` and `session/server.rs` are both session, server. It
/// is never empty.
fn module_of(file: &str) -> Vec<String> {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    stem.strip_suffix("/mod").unwrap_or(stem).split('/').map(str::to_owned).collect()
}

/// Adds every Rust file below `directory`: its path from `src`, and its text.
fn sources(src: &Path, directory: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            sources(src, &path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path.strip_prefix(src).expect("it is below src").to_string_lossy().replace('\\', "/");
            into.push((file, fs::read_to_string(&path).expect("a source file is text")));
        }
    }
}

/// Returns all files of the crate.
fn all() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &src, &mut files);
    assert!(files.iter().any(|(file, _)| file == "lib.rs"), "the sources were not found");
    files
}

#[test]
fn every_source_file_names_only_layers_below_its_own_and_stays_short() {
    let files = all();
    let found: Vec<String> =
        files.iter().flat_map(|(file, source)| breaches(file, source)).map(|breach| breach.to_string()).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    let cycles = cycles::cycles(&files);
    assert!(cycles.is_empty(), "files that import each other:\n{}\n", cycles.join("\n"));
}

#[test]
fn each_integration_test_is_a_folder_and_finds_its_files_by_their_names() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut files = Vec::new();
    sources(&tests, &tests, &mut files);
    let beside: Vec<&str> = files.iter().map(|(file, _)| file.as_str()).filter(|file| !file.contains('/')).collect();
    assert!(beside.is_empty(), "make it tests/NAME/main.rs: {beside:?}");
    let is_led =
        |source: &str| tokens(source).windows(3).any(|run| ["#", "[", "path"] == [0, 1, 2].map(|at| text(run, at)));
    let led: Vec<&str> = files.iter().filter(|(_, source)| is_led(source)).map(|(file, _)| file.as_str()).collect();
    assert!(led.is_empty(), "a file is where its module's name says, without #[path]: {led:?}");
    assert!(files.iter().any(|(file, _)| file == "layers/main.rs"), "the tests were not found");
}

#[test]
fn outside_of_commands_no_error_is_text() {
    let files = all();
    let mut found = Vec::new();
    for (file, tokens) in production::production(&files) {
        if COMMANDS.contains(&&*module_of(file)[0]) {
            continue;
        }
        let what = "an error is text: make it an enum beside what it is about";
        let breach = |line| Breach { file: file.to_owned(), line, what: what.to_owned() }.to_string();
        found.extend(errors::errors_of_text(&tokens).into_iter().map(breach));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_function_is_short() {
    let files = all();
    let mut found = Vec::new();
    for (file, tokens) in production::production(&files) {
        for function in functions::functions(&tokens) {
            if function.lines > MOST_LINES_OF_A_FUNCTION {
                let what = format!(
                    "`{}` has {} lines, at most {MOST_LINES_OF_A_FUNCTION}: split it",
                    function.name, function.lines
                );
                found.push(Breach { file: file.to_owned(), line: function.line, what }.to_string());
            }
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Returns the reports on one file, without its place.
fn said(file: &str, source: &str) -> Vec<String> {
    breaches(file, source).into_iter().map(|breach| breach.what).collect()
}

#[test]
fn a_layer_that_names_one_above_is_found_in_every_way_to_write_it() {
    for source in [
        "use crate::hub::Hub;",
        "use crate::{protocol::Frame, hub::{self, Hub}};",
        "use crate::{protocol::{Frame as F, *}, hub as h};",
        "use throughline::hub::Hub;",
        "fn f() { ::throughline::hub::go::<u8>(); }",
        "use super::super::hub;",
        "use super::{super::hub, x};",
        "fn f(hub: &crate::hub::Hub) {}",
        "pub(in crate::hub) fn f() {}",
        "#[cfg(test)] mod tests { use super::super::super::hub; }",
        "mod a { mod b {} fn f() {} } use self::super::super::hub;",
        "const C: char = '\"'; use crate::hub; const D: char = '\"';",
        "fn f<'a>(x: &'a str) { r#\"\"#; crate::hub::go(x, '\\''); }",
    ] {
        assert_eq!(said("session/server.rs", source), ["session must not name hub"], "{source}");
    }
}

#[test]
fn a_layer_may_name_the_layers_below_it() {
    for source in [
        "use crate::{protocol::{self, Frame}, session::Other}; use super::x; use super::super::protocol;",
        "pub(crate) fn f(&self) -> self::X { crate::protocol::X { hub: 1 } }",
        "mod a { use super::super::server; mod b { use super::super::super::x; } }",
        "// crate::hub\n/* /* */ crate::hub */ const S: &str = \"\\\"crate::hub\"; const R: &[u8] = br##\"\"#crate::hub\"##;",
        "use other::crate_::hub; use other::throughline::hub; use hub::x;",
    ] {
        assert_eq!(said("session/server.rs", source), Vec::<String>::new(), "{source}");
    }
}

#[test]
fn modules_beside_the_layers_have_rules_of_their_own() {
    for (file, source, expected) in [
        ("transport/poll/route.rs", "use crate::{node, protocol};", None),
        ("transport/poll/route.rs", "use crate::driver;", Some("transport must not name driver")),
        ("transport/poll/route.rs", "use crate::session;", Some("transport must not name session")),
        ("transport/poll/route.rs", "use crate::hub;", Some("transport must not name hub")),
        ("node/mod.rs", "use crate::{backend, hub, driver, session};", None),
        ("node/mod.rs", "use crate::broker;", Some("node must not name broker")),
        ("backend/mod.rs", "use crate::hub;", Some("backend must not name hub")),
        ("hub/mod.rs", "use crate::driver;", Some("hub must not name driver")),
        ("hub/mod.rs", "use crate::session;", Some("hub must not name session")),
        ("session/mod.rs", "use crate::simulation;", None),
        ("transport/poll/route.rs", "use crate::simulation;", Some("transport must not name simulation")),
        ("simulation/mod.rs", "use crate::protocol;", Some("simulation must not name protocol")),
        ("driver/cell.rs", "use crate::node;", Some("driver must not name node")),
        ("driver/cell.rs", "use crate::backend;", Some("driver must not name backend")),
        ("netlab/mod.rs", "use crate::protocol;", Some("netlab must not name protocol")),
        ("server/mod.rs", "use crate::netlab;", Some("server must not name netlab")),
        ("cli/bench/mod.rs", "use crate::{protocol, session, netlab, cli::target}; use super::failed;", None),
        ("cli/link/client.rs", "use crate::hub;", Some("cli/link must not name hub")),
        ("cli/bench/run/load.rs", "use crate::server;", Some("cli/bench must not name server")),
        ("cli/demo.rs", "use crate::{netlab, server, protocol};", None),
        ("main.rs", "use throughline::cli;", None),
        ("server/mod.rs", "use crate::cli;", Some("server must not name cli")),
        ("lib.rs", "pub use crate::server::Gateway;", None),
    ] {
        assert_eq!(said(file, source), Vec::from_iter(expected), "{file}: {source}");
    }
}

#[test]
fn ways_around_the_layers_are_found() {
    for (file, source, expected) in [
        ("hub/mod.rs", "use crate::*;", "names the whole crate: name one layer"),
        ("hub/mod.rs", "use crate as c;", "names the whole crate: name one layer"),
        ("hub/mod.rs", "use crate::{self as c};", "names the whole crate: name one layer"),
        ("hub/mod.rs", "use super::*;", "names the whole crate: name one layer"),
        ("hub/mod.rs", "use crate::Gateway;", "`Gateway` at the crate's root is no layer: name it where it is defined"),
        ("utils/mod.rs", "", "`utils` is no layer: see LAYERS in tests/layers/main.rs"),
        ("helpers.rs", "", "`helpers` is no layer: see LAYERS in tests/layers/main.rs"),
        ("hub/mod.rs", &"\n".repeat(401), "401 lines, at most 400: split it by concern"),
    ] {
        assert_eq!(said(file, source), [expected], "{file}: {source}");
    }
}

#[test]
fn a_breach_is_reported_with_its_file_and_line() {
    let found = breaches("session/mod.rs", "//! Head.\n\nuse crate::{\n    protocol,\n    hub,\n};\n");
    assert_eq!(found[0].to_string(), "src/session/mod.rs:5: session must not name hub");
}
