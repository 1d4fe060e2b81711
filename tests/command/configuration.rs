//! The configuration by variables of the environment.

use std::ffi::OsStr;

use crate::process::{Running, run_with, with_variables};

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
        ("THROUGHLINE_BIN", "is no key"),
    ];
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--origin", "https://b.example"];
    let mut running = Running::of(with_variables(&variables, &arguments)).await;
    assert!(running.address.ip().is_loopback());
    let first = running.logs("the gateway starts").await;
    assert!(first.contains("https://a.example") && first.contains("https://b.example"), "{first}");
    let (_, metrics) = running.ask("GET", "/metrics", "").await;
    assert!(metrics.contains("throughline_sessions_limit 1234"), "{metrics}");
}
