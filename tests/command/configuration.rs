//! The configuration by variables of the environment, and `throughline config`.

use std::ffi::OsStr;
use std::process::Output;

use crate::process::{Running, run, run_unread, run_with, with_variables};
use crate::reload::File;

#[tokio::test]
async fn a_wrong_variable_exits_with_2_and_is_named_with_the_remedy() {
    for (name, value, says) in [
        ("THROUGHLINE_SESSION__HEARTBEAT_S", "99", "it must be 5 to 30"),
        ("THROUGHLINE_SESSION__HEARTBEAT_S", "99", "write THROUGHLINE_SESSION__HEARTBEAT_S=15"),
        ("THROUGHLINE_SESSION__HEARTBEAT", "5", "write THROUGHLINE_SESSION__HEARTBEAT_S=15, if that is meant"),
        ("THROUGHLINE_PIGEON__HOLE", "5", "no key of the configuration has this variable"),
        ("THROUGHLINE_CHANNEL__PATTERN", "room/{room}", "a list of tables has no variables"),
    ] {
        let output = run_with(name, OsStr::new(value), &["serve", "--listen", "127.0.0.1:0"]).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("throughline: {name}: ")) && said.contains(says), "{says:?} in {said}");
        assert!(output.stdout.is_empty(), "nothing is listening");
    }
    let listen = OsStr::new("0.0.0.0:0");
    let exposed = run_with("THROUGHLINE_SERVER__LISTEN", listen, &["serve"]).await;
    assert!(exposed.status.code() == Some(2) && String::from_utf8_lossy(&exposed.stderr).contains("--open"));
}

#[tokio::test]
async fn variables_configure_the_gateway_and_options_override_them() {
    let variables = [
        ("THROUGHLINE_SERVER__LISTEN", "0.0.0.0:0"),
        ("THROUGHLINE_SERVER__ORIGINS", "['https://a.example']"),
        ("THROUGHLINE_LIMITS__SESSIONS", "1_234"),
        ("THROUGHLINE_INNER__LISTEN", "127.0.0.1:0"),
        ("THROUGHLINE_BIN", "is no key"),
    ];
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--origin", "https://b.example"];
    let mut running = Running::of(with_variables(&variables, &arguments)).await;
    assert!(running.address.ip().is_loopback());
    let first = running.logs("the gateway starts").await;
    assert!(first.contains("https://a.example") && first.contains("https://b.example"), "{first}");
    let second = running.next_line().await;
    running.address = second.trim_end().rsplit_once("http://").unwrap().1.parse().unwrap();
    let (_, metrics) = running.ask("GET", "/metrics", "").await;
    assert!(metrics.contains("throughline_sessions_limit 1234"), "{metrics}");
}

const HEARTBEAT: &str = "THROUGHLINE_SESSION__HEARTBEAT_S";

fn printed(output: &Output) -> String {
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    said
}

#[tokio::test]
async fn a_good_file_is_told_in_one_line_with_what_it_and_the_environment_change() {
    let file = File::new("");
    let path = file.path();
    let check = ["config", "check", path.to_str().unwrap()];
    let is_good = format!("{} is good: ", path.display());
    assert_eq!(printed(&run(&check).await), format!("{is_good}every key has its default\n"));
    file.write("limits.sessions = 20_000\nserver.origins = ['https://a.example']");
    let set = "server.origins = [\"https://a.example\"], limits.sessions = 20000";
    assert_eq!(printed(&run(&check).await), format!("{is_good}{set}\n"));
    let line = printed(&run_with("THROUGHLINE_LIMITS__SESSIONS", OsStr::new("7"), &check).await);
    let set = "server.origins = [\"https://a.example\"], limits.sessions = 7";
    assert_eq!(line, format!("{} with the environment is good: {set}\n", path.display()));
}

#[tokio::test]
async fn an_oddity_of_a_good_file_is_told_in_a_line_of_its_own() {
    let file = File::new("history.all_bytes = 1000");
    let said = printed(&run(&["config", "check", file.path().to_str().unwrap()]).await);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 2 && lines[1].starts_with("odd: `history.bytes`"), "{said}");
}

#[tokio::test]
async fn a_check_exits_with_2_and_the_fault_that_serve_would_name() {
    let file = File::new("[session]\nheartbeat_s = 9");
    let path = file.path();
    let check = ["config", "check", path.to_str().unwrap()];
    let refused = |output: &Output, says: &str| {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && output.stdout.is_empty(), "{output:?}");
        assert!(said.starts_with("throughline: ") && said.contains(says), "{says:?} in {said}");
    };
    refused(
        &run_with(HEARTBEAT, OsStr::new("99"), &check).await,
        "THROUGHLINE_SESSION__HEARTBEAT_S: it must be 5 to 30",
    );
    for (text, says) in [
        ("[session]\nheartbeat_s = 99", "line 2, column 15: `session.heartbeat_s`: it must be 5 to 30"),
        ("server.listen = '0.0.0.0:0'", "--open"),
    ] {
        file.write(text);
        refused(&run(&check).await, says);
    }
    // The environment overrides a value and not the text of a file, so it mends no fault.
    file.write("[session]\nheartbeat_s = 99");
    refused(&run_with(HEARTBEAT, OsStr::new("9"), &check).await, "line 2, column 15");
    std::fs::remove_file(&path).unwrap();
    refused(&run(&check).await, "gateway.toml: ");
    refused_usage(&run(&["config", "check"]).await, "<FILE>");
    refused_usage(&run(&["config"]).await, "example");
}

fn refused_usage(output: &Output, says: &str) {
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains(says), "{output:?}");
}

/// tests/docs compares that file with the sections: it holds every key, and it equals the defaults.
#[tokio::test]
async fn the_printed_example_is_the_file_of_the_repository_and_is_good() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/gateway.toml");
    let printed_example = printed(&run(&["config", "example"]).await);
    assert_eq!(printed_example, std::fs::read_to_string(example).unwrap());
    let line = printed(&run(&["config", "check", example]).await);
    assert_eq!(line, format!("{example} is good: every key has its default\n"));
    assert_eq!(run_unread(&["config", "example"]).await.code(), Some(0));
}
