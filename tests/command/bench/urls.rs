//! A gateway that another program started.

use serde_json::Value;

use super::{assert_whole, bench, runs_of};
use crate::process::{Running, run_with};
use crate::tls::terminate;

const SMALL: [&str; 6] = ["--connections", "3", "--duration", "1", "--transports", "websocket,poll"];
const BOTH: [&str; 2] = ["websocket", "poll"];

#[tokio::test]
async fn a_gateway_at_a_url_is_measured_without_its_process_and_its_url_is_shown_without_secrets() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let url = format!("http://somebody:password@{}/rt?token=hush", gateway.address);
    let (exit, told) = bench(&[&[&*url], &SMALL[..]].concat()).await;
    assert_eq!((exit, told["url"].as_str()), (Some(0), Some(&*format!("http://{}/", gateway.address))));
    for run in runs_of(&told, &BOTH) {
        assert_whole(run, 30);
        assert!(run["cpu_s_per_million"].is_null() && run["memory_per_connection"].is_null(), "{run}");
    }
    assert!(!told.to_string().contains("hush") && !told.to_string().contains("password"));
}

#[tokio::test]
async fn a_gateway_behind_tls_is_measured_and_an_untrusted_one_fails_with_a_reason() {
    let gateway = Running::start(&["serve", "--listen", "127.0.0.1:0"]).await;
    let (address, certificate) = terminate(gateway.address).await;
    let url = format!("https://localhost:{}", address.port());
    let arguments = [&["bench", &url, "--json", "-"], &SMALL[..]].concat();
    let output = run_with("SSL_CERT_FILE", certificate.as_os_str(), &arguments).await;
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for run in runs_of(&told, &BOTH) {
        assert_whole(run, 30);
    }
    // The command trusts another certificate, not the gateway's.
    let (_, other) = terminate(gateway.address).await;
    let wary = run_with("SSL_CERT_FILE", other.as_os_str(), &["bench", &url, "--transports", "sse"]).await;
    assert_eq!((wary.status.code(), wary.stdout.len()), (Some(1), 0));
    let said = String::from_utf8_lossy(&wary.stderr);
    assert!(said.contains("its certificate") && said.lines().count() == 1, "{said}");
    std::fs::remove_file(certificate).unwrap();
    std::fs::remove_file(other).unwrap();
}

/// The user must not wait for half a minute to read this.
#[tokio::test]
async fn a_url_where_nothing_listens_is_reported_in_one_line_at_once() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    for (url, says) in [
        (format!("http://{address}"), "nothing listens there"),
        ("http://no-such-name.invalid".to_owned(), "no-such-name.invalid"),
    ] {
        let begun = std::time::Instant::now();
        let output = run_with("RUST_LOG", "off".as_ref(), &["bench", &url]).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len(), said.lines().count()), (Some(1), 0, 1), "{said}");
        assert!(said.contains(says), "{said}");
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }
}
