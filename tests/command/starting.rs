//! The exit codes: 1 for a failure, 2 for wrong arguments. Every message names the remedy.

use std::process::Output;

use crate::process::{Running, run, run_unread};

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
        (&["serve", "--listen", "here"], "names are not resolved"),
        (&["serve", "--listen", "localhost:8099"], "like 127.0.0.1:8080"),
        (&["serve", "--listen", "127.0.0.1"], "an address and a port"),
        (&["demo", "--listen", "127.0.0.1"], "an address and a port"),
        (&["serve", "--listen", "127.0.0.1:99999"], "99999"),
        (&["serve", "--origin", "example.org"], "example.org"),
        (&["serve", "--drain", "soon"], "a whole number of seconds"),
        (&["serve", "--drain", "5s"], "a whole number of seconds, like 10"),
        (&["serve", "--drain", "-1"], "0 to 3600"),
        (&["serve", "--drain", "3601"], "0 to 3600"),
        (&["bench", "--connections", "-1"], "1 to 50000"),
        (&["bench", "--rate", "fast"], "a whole number"),
        (&["bench", "--duration", "5s"], "a whole number"),
        (&["bench", "--size", "1KB"], "a whole number"),
        (&["bench", "--network", "nope"], "mobile"),
        (&["doctor", "--watch", "5s", "http://127.0.0.1:1"], "a whole number of seconds"),
        (&["doctor", "--watch", "-1", "http://127.0.0.1:1"], "1 to 120"),
        (&["doctor"], "Usage: throughline doctor [OPTIONS] <URL>"),
        (&["doctor", "--token-file", "/nowhere/token", "http://127.0.0.1:1"], "/nowhere/token: No such file"),
        (&["doctor", "--token-file", "/dev/null", "http://127.0.0.1:1"], "its first line must be a token"),
        (&["bench", "--token-file", "/nowhere/token", "http://127.0.0.1:1"], "/nowhere/token: No such file"),
        (&["bench", "--token-file", "/dev/null"], "required arguments"),
        (&["demo", "--open"], "--open"),
    ] {
        refused(&run(arguments).await, 2, says);
    }
}

#[tokio::test]
async fn serve_refuses_an_address_beyond_loopback_without_open() {
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
        ("hart = 1", "gateway.toml: line 1, column 1: `hart` stands in no table"),
        ("[session]\nhart = 1", "gateway.toml: line 2, column 1: `hart` is not a key of [session]"),
        ("heartbeat_s = 9", "write heartbeat_s = 15 under [session]"),
        ("[session]\nheartbeat_s = 99", "`session.heartbeat_s`: it must be 5 to 30"),
        ("server.listen = ", "listen"),
        ("session.transports = ['pigeon']", "pigeon"),
        ("server = { listen = '0.0.0.0:0' }", "--open"),
    ] {
        std::fs::write(&path, text).unwrap();
        refused(&run(&["serve", "--config", file]).await, 2, says);
    }
    std::fs::write(&path, "[server]\nlisten = '0.0.0.0:0'\nopen = false\n").unwrap();
    let running = Running::start(&["serve", "--config", file, "--listen", "127.0.0.1:0"]).await;
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(running.address.ip().is_loopback(), "the command line overrides the file");
    refused(&missing, 2, file);
}

#[tokio::test]
async fn an_occupied_port_exits_with_1_and_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["serve", "demo"] {
        let output = run(&[command, "--listen", &address]).await;
        refused(&output, 1, &address);
        refused(&output, 1, "`--listen 127.0.0.1:0` takes a free port");
    }
}

#[tokio::test]
async fn a_reader_that_has_left_is_no_reason_to_panic() {
    for (arguments, code) in [
        (&["bench", "--network", "nope"][..], 2),
        (&["bench", "--network", "list"], 0),
        (&["--help"], 0),
        (&["fly"], 2),
    ] {
        let output = run_unread(arguments).await;
        assert_eq!(output.code(), Some(code), "{arguments:?}");
    }
}

#[tokio::test]
async fn the_doctor_distinguishes_an_unknown_name_from_a_gateway_that_is_down() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let down = format!("http://{}", taken.local_addr().unwrap());
    drop(taken);
    for (url, says) in
        [("http://no-such-name.invalid", "No address is known"), (&*down, "Nothing listens at its address")]
    {
        let output = run(&["doctor", "--watch", "1", url]).await;
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.code() == Some(1) && said.contains(says), "{said}");
        assert!(!said.contains("after_ms="), "figures belong to the report: {said}");
    }
}

#[tokio::test]
async fn an_invalid_log_level_is_reported() {
    let mut running = Running::logging(&["serve", "--listen", "127.0.0.1:0"], "nonsense=xx").await;
    let said = running.logs("RUST_LOG").await;
    assert!(said.contains("nonsense=xx") && said.contains("throughline=debug"), "{said}");
}

#[tokio::test]
async fn the_log_begins_with_the_configuration_and_reports_the_first_refusal_of_each_kind() {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--origin", "https://example.org"];
    let mut running = Running::logging(&arguments, "throughline=info").await;
    let first = running.logs("the gateway starts").await;
    let address = running.address.to_string();
    for said in [env!("CARGO_PKG_VERSION"), &address, "https://example.org", "poll", "connections", "files"] {
        assert!(first.contains(said), "{said:?} in {first}");
    }
    for (method, path, says) in [
        ("GET", "/nope", "ends in /rt"),
        ("GET", "/rt/ws", "pass on the headers Upgrade"),
        ("POST", "/rt/poll", "compare the client's version"),
    ] {
        running.ask(method, path, "garbage").await;
        running.ask(method, path, "garbage").await;
        let told = running.logs(says).await;
        assert!(told.contains("WARN") && told.contains("untold=0"), "{told}");
    }
    running.signal("TERM").await;
    let (_, rest) = running.ended().await;
    assert!(!rest.contains("refused") && !rest.contains("garbage"), "each kind is logged once: {rest}");
}

#[tokio::test]
async fn a_file_limit_below_the_connections_is_reported_at_the_start_with_the_remedy() {
    let mut command = std::process::Command::new("sh");
    let script = format!("ulimit -n 64; exec {} serve --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_throughline"));
    command.args(["-c", &script]);
    let mut running = Running::of(command).await;
    let said = running.logs("`limits.connections` is 50000").await;
    assert!(said.contains("64 files") && said.contains("LimitNOFILE"), "{said}");
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(tokio::net::TcpStream::connect(running.address).await.unwrap());
    }
    assert_eq!(running.ask("GET", "/healthz", "").await, (200, "ok".into()));
    let (status, body) = running.ask("GET", "/", "").await;
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("\"full\""), "{body}");
    let told = running.logs("`limits.connections` is reached").await;
    assert!(told.contains("WARN"), "{told}");
}

#[tokio::test]
async fn the_demo_warns_of_nothing_where_files_are_few() {
    let mut command = std::process::Command::new("sh");
    let script = format!("ulimit -n 1024; exec {} demo --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_throughline"));
    command.args(["-c", &script]);
    let running = Running::of(command).await;
    running.signal("TERM").await;
    let (exit, log) = running.ended().await;
    assert!(exit == Some(0) && log.contains("the gateway starts") && !log.contains("WARN"), "{log}");
}

#[tokio::test]
async fn help_and_version_are_no_errors() {
    for argument in ["--help", "--version"] {
        let output = run(&[argument]).await;
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains("throughline"));
    }
}
