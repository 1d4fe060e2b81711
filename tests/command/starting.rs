//! Exits: 1 what failed, 2 what was asked for wrongly. What is said names the way out.

use std::process::Output;

use crate::process::{Running, run};

#[track_caller]
fn refused(output: &Output, code: i32, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(says), "{says:?} in {said}");
    assert!(output.stdout.is_empty(), "nothing is listening");
}

#[tokio::test]
async fn wrong_arguments_exit_with_2_and_name_what_is_wrong() {
    for (arguments, says) in [
        (&["fly"][..], "fly"),
        (&["serve", "--nope"], "--nope"),
        (&["serve", "--listen", "here"], "here"),
        (&["serve", "--listen", "127.0.0.1:99999"], "99999"),
        (&["serve", "--origin", "example.org"], "example.org"),
        (&["serve", "--drain", "soon"], "soon"),
        (&["demo", "--open"], "--open"),
    ] {
        refused(&run(arguments).await, 2, says);
    }
}

#[tokio::test]
async fn beyond_loopback_nobody_is_served_without_open() {
    for listen in ["0.0.0.0:0", "[::]:0"] {
        refused(&run(&["serve", "--listen", listen]).await, 2, "--open");
    }
    let running = Running::start(&["serve", "--listen", "0.0.0.0:0", "--open"]).await;
    assert_ne!(running.address.port(), 0);
}

#[tokio::test]
async fn the_demo_listens_on_loopback_only() {
    refused(&run(&["demo", "--listen", "0.0.0.0:0"]).await, 2, "loopback");
}

#[tokio::test]
async fn a_bad_configuration_exits_with_2_and_names_the_key() {
    let folder = std::env::temp_dir().join(format!("throughline-command-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("gateway.toml");
    let file = path.to_str().unwrap();
    let missing = run(&["serve", "--config", file]).await;
    for (text, says) in [
        ("hart = 1", "hart"),
        ("heartbeat_s = 99", "heartbeat_s"),
        ("listen = ", "listen"),
        ("transports = ['pigeon']", "pigeon"),
        ("listen = '0.0.0.0:0'", "--open"),
    ] {
        std::fs::write(&path, text).unwrap();
        refused(&run(&["serve", "--config", file]).await, 2, says);
    }
    std::fs::write(&path, "listen = '0.0.0.0:0'\nopen = false\n").unwrap();
    let running = Running::start(&["serve", "--config", file, "--listen", "127.0.0.1:0"]).await;
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(running.address.ip().is_loopback(), "the command line comes before the file");
    refused(&missing, 2, file);
}

#[tokio::test]
async fn a_port_that_is_taken_exits_with_1_and_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["serve", "demo"] {
        refused(&run(&[command, "--listen", &address]).await, 1, &address);
    }
}

#[tokio::test]
async fn help_and_version_are_no_errors() {
    for argument in ["--help", "--version"] {
        let output = run(&[argument]).await;
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains("throughline"));
    }
}
