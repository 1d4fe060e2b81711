//! `throughline doctor` behind each hostile network says what is wrong there, and ends in time.

use std::net::SocketAddr;
use std::process::Output;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::iter;
use serde_json::Value;
use throughline::netlab::{Answer, Buffer, Front, Headers, Idle, Network, Opening, Route, Rule, Silence, Until};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::process::{Running, run, run_with};
use crate::tls::terminate;

/// The number of runs at one time. More would disturb each other's measurements. Each run mostly waits.
const AT_ONCE: usize = 8;

async fn in_turns<T>(runs: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    iter(runs.into_iter().map(Box::pin)).buffered(AT_ONCE).collect().await
}

/// The outcome of one run: its exit, its result, and the code of each finding.
struct Found {
    exit: Option<i32>,
    told: Value,
    took: Duration,
}

impl Found {
    async fn behind(gateway: &Running, network: Network) -> Self {
        let front = Front::bind("doctor", "127.0.0.1:0".parse().unwrap(), gateway.address).await.unwrap();
        front.set_network(network);
        Self::at(&format!("http://{}", front.addr()), "3").await
    }

    async fn at(url: &str, watch: &str) -> Self {
        let begun = Instant::now();
        let found = Self::of(&run(&["doctor", url, "--json", "--watch", watch]).await);
        Self { took: begun.elapsed(), ..found }
    }

    fn of(output: &Output) -> Self {
        let told = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        Self { exit: output.status.code(), told, took: Duration::ZERO }
    }

    fn result(&self) -> &str {
        self.told["summary"]["code"].as_str().unwrap()
    }

    /// Returns the result, but `expected` if only slow findings may have changed it. The speed of this machine is no
    /// property of the network.
    fn result_at_any_pace<'a>(&'a self, expected: &'a str) -> &'a str {
        let paced = PROBES.iter().any(|probe| self.code(probe) == "slow");
        if paced && ["slow", "partly"].contains(&self.result()) { expected } else { self.result() }
    }

    fn finding(&self, probe: &str) -> Option<&Value> {
        self.told["findings"].as_array().unwrap().iter().find(|finding| finding["probe"] == probe)
    }

    /// Returns the code of a finding, or a dash if the run did not ask this question.
    fn code(&self, probe: &str) -> &str {
        self.finding(probe).map_or("-", |finding| finding["code"].as_str().unwrap())
    }

    /// Returns the code of a finding as it is without slowness, which may come from this machine.
    fn code_at_any_pace(&self, probe: &str) -> &str {
        match self.code(probe) {
            "slow" if probe == "control" => "ours",
            "slow" => "works",
            code => code,
        }
    }

    fn figure(&self, probe: &str, name: &str) -> u64 {
        self.finding(probe).and_then(|finding| finding["figures"][name].as_u64()).unwrap()
    }
}

/// Preset, exit, result, and the codes of control, websocket, sse, poll, send, size, and the three idle watches.
const PRESETS: [(&str, i32, &str, [&str; 9]); 11] = [
    ("clear", 0, "websocket", ["ours", "works", "works", "works", "works", "works", "lived", "lived", "lived"]),
    ("websocket-refused", 0, "sse", ["ours", "answered", "works", "works", "works", "works", "-", "lived", "lived"]),
    ("upgrade-stripped", 0, "sse", ["ours", "stripped", "works", "works", "works", "works", "-", "lived", "lived"]),
    (
        "websocket-black-hole",
        0,
        "sse",
        ["ours", "no_answer", "works", "works", "works", "works", "-", "lived", "lived"],
    ),
    ("websocket-mute", 0, "sse", ["ours", "mute", "works", "works", "works", "works", "-", "lived", "lived"]),
    ("websocket-killed", 0, "sse", ["ours", "cut", "works", "works", "works", "works", "-", "lived", "lived"]),
    (
        "streams-buffered",
        0,
        "partly",
        ["ours", "works", "held_headers", "works", "works", "works", "lived", "-", "lived"],
    ),
    (
        "websocket-refused-and-streams-buffered",
        0,
        "poll",
        ["ours", "answered", "held_headers", "works", "works", "works", "-", "-", "lived"],
    ),
    ("slow", 0, "slow", ["slow", "slow", "slow", "slow", "works", "works", "lived", "lived", "lived"]),
    ("offline", 1, "offline", ["unreachable", "refused", "refused", "refused", "refused", "-", "-", "-", "-"]),
    ("portal", 1, "portal", ["portal", "answered", "answered", "answered", "answered", "-", "-", "-", "-"]),
];

const PROBES: [&str; 9] =
    ["control", "websocket", "sse", "poll", "send", "size", "idle-websocket", "idle-sse", "idle-poll"];

#[tokio::test]
async fn each_network_is_found_to_be_what_it_is() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let rows = PRESETS.into_iter().map(|row| {
        let gateway = &gateway;
        async move {
            let found = Found::behind(gateway, Network::named(row.0).unwrap()).await;
            (row, found)
        }
    });
    let mut wrong = Vec::new();
    for ((preset, exit, result, codes), found) in in_turns(rows).await {
        let code = |probe| if preset == "slow" { found.code(probe) } else { found.code_at_any_pace(probe) };
        let seen = PROBES.map(code);
        println!("{preset}: {result} in {} ms; {}", found.took.as_millis(), figures(&found));
        let seen_result = if preset == "slow" { found.result() } else { found.result_at_any_pace(result) };
        if (found.exit, seen_result, seen) != (Some(exit), result, codes) {
            wrong.push(format!("{preset}: {:?} {} {seen:?}", found.exit, found.result()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn figures(found: &Found) -> String {
    let told = found.told["findings"].as_array().unwrap().iter();
    told.map(|finding| format!("{} {} {} ", finding["probe"], finding["code"], finding["figures"])).collect()
}

/// The faults that no preset has: the rule, the probe that it affects, and the code of its finding.
fn faults() -> Vec<(Rule, &'static str, &'static str)> {
    let stream = || Rule::on(Route::Stream);
    let buffer = |until, headers| Rule { buffer: Some(Buffer { until, headers }), ..Rule::on(Route::Stream) };
    let begins = |route, request| Rule { request, ..Rule::on(route) };
    let status = |status| Opening::Answer(Answer::status(status));
    let idle = |route, then| Rule { idle: Some(Idle { after: Duration::from_millis(2200), then }), ..Rule::on(route) };
    vec![
        (buffer(Until::Close, Headers::Passed), "sse", "held_body"),
        (buffer(Until::CloseAfter(3), Headers::Passed), "sse", "held_prelude"),
        (buffer(Until::CloseAfter(420), Headers::Passed), "sse", "held_later"),
        (buffer(Until::NextChunk, Headers::Passed), "sse", "one_behind"),
        (begins(Route::Stream, Opening::Swallow), "sse", "no_answer"),
        (begins(Route::Stream, status(502)), "sse", "answered"),
        (Rule { cut_after: Some(Duration::from_millis(900)), ..stream() }, "sse", "cut"),
        (begins(Route::Send, status(403)), "sse", "send_failed"),
        (begins(Route::Send, status(403)), "poll", "send_failed"),
        (begins(Route::Poll, Opening::Swallow), "poll", "no_answer"),
        (Rule { cut_after: Some(Duration::from_millis(2000)), ..Rule::on(Route::Poll) }, "idle-poll", "cut"),
        (Rule { mtu: Some(1400), ..Rule::on(Route::Websocket) }, "websocket", "large_lost"),
        (idle(Route::Websocket, Silence::Cut), "idle-websocket", "cut"),
        (idle(Route::Websocket, Silence::Drop), "idle-websocket", "silent"),
        (idle(Route::Stream, Silence::Reset), "idle-sse", "cut"),
        (begins(Route::Any, status(407)), "control", "login"),
        (begins(Route::Any, status(502)), "control", "broken"),
        (begins(Route::Any, status(404)), "control", "not_here"),
        (begins(Route::Any, Opening::Swallow), "control", "no_answer"),
    ]
}

#[tokio::test]
async fn each_fault_of_one_route_is_found_where_it_is() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let rows = faults().into_iter().map(|(rule, probe, code)| {
        let gateway = &gateway;
        async move {
            let told = format!("{rule:?}");
            (told, probe, code, Found::behind(gateway, Network::new([rule])).await)
        }
    });
    let mut wrong = Vec::new();
    for (rule, probe, code, found) in in_turns(rows).await {
        println!("{probe} {code} in {} ms: {}", found.took.as_millis(), figures(&found));
        if found.code(probe) != code {
            wrong.push(format!("{rule}: {}", figures(&found)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_body_that_is_too_large_for_the_path_is_halved_until_it_passes() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let hole = Rule { mtu: Some(9000), ..Rule::on(Route::Send) };
    let found = Found::behind(&gateway, Network::new([hole])).await;
    assert_eq!(found.code("size"), "up_limited", "{}", figures(&found));
    assert_eq!(found.figure("size", "failed_bytes"), 60_000);
    assert!((1000..60_000).contains(&found.figure("size", "up_bytes")), "{}", figures(&found));
}

/// A proxy that answers a longer body with 413, as nginx does by `client_max_body_size`.
async fn limit_bodies(gateway: SocketAddr, most: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    if client.read_buf(&mut head).await.unwrap() == 0 {
                        return;
                    }
                }
                let text = String::from_utf8_lossy(&head).to_lowercase();
                let length =
                    text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
                if length.is_some_and(|length: usize| length > most) {
                    let answer =
                        b"HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                    client.write_all(answer).await.unwrap();
                    // Closing the connection with an unread body would reset it, and lose the answer.
                    let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
                    return;
                }
                let mut origin = TcpStream::connect(gateway).await.unwrap();
                origin.write_all(&head).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut origin).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn a_limit_on_bodies_is_found_by_halving() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let proxy = limit_bodies(gateway.address, 20_000).await;
    let found = Found::at(&format!("http://{proxy}"), "1").await;
    assert_eq!(found.code("size"), "up_limited", "{}", figures(&found));
    assert_eq!((found.figure("size", "up_bytes"), found.figure("size", "failed_bytes")), (15_000, 30_000));
    assert_eq!(found.finding("size").unwrap()["figures"]["how"], "status 413");
}

#[tokio::test]
async fn the_report_holds_the_findings_and_no_secret() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let url = format!("http://somebody:password@{}/doctor?token=hush#more", gateway.address);
    let found = Found::at(&url, "1").await;
    let report = found.told["report"].as_str().unwrap();
    assert!(report.contains(&format!("http://{}/", gateway.address)), "{report}");
    assert!(report.contains("WebSocket [passes]: It passes"), "{report}");
    for secret in ["somebody", "password", "hush", "session"] {
        assert!(!found.told.to_string().contains(secret), "{secret}: {report}");
    }
}

#[tokio::test]
async fn a_gateway_that_turns_the_address_away_is_told_from_a_network_that_does() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    // The gate's answer to an unknown host. A real one cannot come here, because only loopback leads to this gateway.
    let html = r#"{"v":1,"nonce":null,"code":"forbidden","message":"the host is not listed"}"#.to_owned();
    let gate = Answer { html, ..Answer::status(403) };
    let found =
        Found::behind(&gateway, Network::new([Rule { request: Opening::Answer(gate), ..Rule::default() }])).await;
    assert_eq!((found.code("control"), found.result(), found.exit), ("gate", "gate", Some(1)));
}

#[tokio::test]
async fn an_argument_that_is_no_address_is_wrong_usage() {
    for arguments in [&["doctor"][..], &["doctor", "example.org"], &["doctor", "ftp://example.org"]] {
        assert_eq!(run(arguments).await.status.code(), Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn https_is_examined_too_and_a_certificate_that_is_not_trusted_is_said_to_be_that() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let (address, certificate) = terminate(gateway.address).await;
    let url = format!("https://localhost:{}", address.port());
    let arguments = ["doctor", &url, "--json", "--watch", "1"];
    let trusting = Found::of(&run_with("SSL_CERT_FILE", certificate.as_os_str(), &arguments).await);
    assert_eq!(trusting.exit, Some(0), "{}", figures(&trusting));
    assert_eq!((trusting.code_at_any_pace("control"), trusting.result_at_any_pace("websocket")), ("ours", "websocket"));
    assert_eq!(trusting.code("size"), "works", "{}", figures(&trusting));
    // The command trusts another certificate, not the gateway's.
    let (_, other) = terminate(gateway.address).await;
    let wary = Found::of(&run_with("SSL_CERT_FILE", other.as_os_str(), &arguments).await);
    assert_eq!((wary.code("control"), wary.result(), wary.exit), ("certificate", "certificate", Some(1)));
    assert_eq!(wary.told["findings"].as_array().map(Vec::len), Some(1), "{}", figures(&wary));
    std::fs::remove_file(certificate).unwrap();
    std::fs::remove_file(other).unwrap();
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_each_have_an_answer_of_their_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    for (url, code) in [(format!("http://{closed}"), "closed"), ("http://gateway.invalid".to_owned(), "no_name")] {
        let found = Found::at(&url, "1").await;
        assert_eq!((found.code("control"), found.result(), found.exit), (code, code, Some(1)), "{}", found.told);
    }
}

/// How often each network is examined.
const AGAIN: usize = 5;

#[tokio::test]
async fn a_lossy_network_never_reads_as_perfect_and_a_clear_one_always_does() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let runs = ["lossy", "clear"].into_iter().flat_map(|named| std::iter::repeat_n(named, AGAIN)).map(|named| {
        let gateway = &gateway;
        async move { (named, Found::behind(gateway, Network::named(named).unwrap()).await) }
    });
    for (named, found) in in_turns(runs).await {
        let expected = if named == "clear" { "websocket" } else { "lossy" };
        assert_eq!(found.exit, Some(0), "{named}: {}", figures(&found));
        assert_eq!(found.result_at_any_pace(expected), expected, "{named}: {}", figures(&found));
    }
}

#[tokio::test]
async fn findings_come_in_one_order_without_figures_of_machines_between_their_sentences() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let url = format!("http://{}", gateway.address);
    let output = run(&["doctor", &url, "--watch", "1"]).await;
    let told = String::from_utf8(output.stdout).unwrap();
    let heads = told.lines().filter_map(|line| Some(line.split_once(" [")?.0));
    let titles = [
        "The gateway",
        "WebSocket",
        "SSE",
        "Long-poll",
        "Short requests",
        "Large messages",
        "Idle WebSocket",
        "Idle SSE",
        "Idle long-poll",
    ];
    assert_eq!(heads.collect::<Vec<_>>(), titles, "{told}");
    assert!(!told.contains("_ms="), "{told}");
    let found = Found::at(&url, "1").await;
    let report = found.told["report"].as_str().unwrap();
    let (sentences, machine) = report.split_once("\nThe figures:\n").unwrap();
    assert!(!sentences.contains("_ms=") && machine.contains("  idle-sse: lived silence_ms="), "{report}");
}

#[tokio::test]
async fn a_silence_is_watched_for_as_long_as_was_asked() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let found = Found::at(&format!("http://{}", gateway.address), "3").await;
    for probe in ["idle-websocket", "idle-sse", "idle-poll"] {
        let (watched, silence) = (found.figure(probe, "watched_ms"), found.figure(probe, "silence_ms"));
        assert!((3000..3500).contains(&watched) && silence <= watched, "{probe}: {watched} {silence}");
    }
}

#[tokio::test]
async fn a_full_gateway_is_reported_as_full() {
    let html = r#"{"v":1,"nonce":null,"code":"full","message":"this gateway holds 8 connections"}"#.to_owned();
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let full = Opening::Answer(Answer { html, ..Answer::status(503) });
    let found = Found::behind(&gateway, Network::new([Rule { request: full, ..Rule::default() }])).await;
    assert_eq!((found.code("control"), found.result(), found.exit), ("full", "full", Some(1)), "{}", figures(&found));
    // This gateway answers, but has no room for a session.
    let file = std::env::temp_dir().join(format!("throughline-full-{}.toml", uuid::Uuid::new_v4()));
    std::fs::write(&file, "limits.sessions = 1\n").unwrap();
    let small = Running::start(&["serve", "--config", file.to_str().unwrap(), "--listen", "127.0.0.1:0"]).await;
    let found = Found::at(&format!("http://{}", small.address), "1").await;
    std::fs::remove_file(file).unwrap();
    assert!(found.told.to_string().contains("it is full"), "{}", figures(&found));
    assert_ne!(found.result(), "websocket", "{}", figures(&found));
}

#[tokio::test]
async fn the_usage_does_not_show_an_option_as_if_it_were_required() {
    let output = run(&["doctor"]).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("Usage: throughline doctor [OPTIONS] <URL>") && !told.contains("--watch <SECONDS> <"),
        "{told}"
    );
}
