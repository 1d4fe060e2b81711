//! Requests that a proxy in front of the gateway might read differently: two hosts, two origins, two lengths.

use std::time::Duration;

use throughline::protocol::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::gateway::{Running, within_patience};
use crate::http;

/// Returns the answer to a request with this target and these fields. Each field ends with CR LF.
async fn answer(gateway: &Running, target: &str, fields: &str) -> String {
    let request = format!("GET {target} HTTP/1.1\r\n{fields}Connection: close\r\n\r\n");
    within_patience(http::raw(gateway.address, request.as_bytes())).await
}

fn is_refused(answer: &str, status: u16, code: &str) -> bool {
    answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(&format!("\"code\":\"{code}\""))
}

const HERE: &str = "Host: localhost\r\n";
const PATHS: [&str; 5] = ["/", "/rt/control?nonce=n", "/rt/ws", "/rt/stream?channel=c", "/metrics"];

#[tokio::test]
async fn a_request_with_several_hosts_or_origins_is_refused_on_every_route() {
    let gateway = Running::start().await;
    let page = "Origin: http://localhost:3000\r\n";
    for fields in [
        format!("{HERE}{HERE}"),
        format!("{HERE}Host: evil.example\r\n"),
        format!("Host: evil.example\r\n{HERE}"),
        format!("{HERE}hOST: [::1]\r\n"),
        format!("{HERE}{page}{page}"),
        format!("{HERE}{page}Origin: https://evil.example\r\n"),
        format!("{HERE}Origin: https://evil.example\r\n{page}"),
    ] {
        for path in PATHS.into_iter().chain(["/healthz"]) {
            let answer = answer(&gateway, path, &fields).await;
            assert!(is_refused(&answer, 400, "bad_frame"), "{path} {fields}: {answer}");
        }
    }
    assert_eq!(gateway.figure("refusals_total{reason=\"host\"}").await, 4 * 6);
    assert_eq!(gateway.figure("refusals_total{reason=\"origin\"}").await, 3 * 6);
}

#[tokio::test]
async fn a_field_that_only_looks_like_this_machine_is_refused() {
    let gateway = Running::start().await;
    for fields in [
        "Host: localhost, evil.example\r\n".to_owned(),
        "Host: evil.example,a.localhost\r\n".into(),
        "Host: evil.example/.localhost\r\n".into(),
        "Host: evil.example@a.localhost\r\n".into(),
        "Host: [::1].evil.example\r\n".into(),
        "Host: localhost:80.evil.example\r\n".into(),
        "Host: localhost:99999\r\n".into(),
        format!("{HERE}Origin: https://evil.example,http://localhost\r\n"),
        format!("{HERE}Origin: null http://localhost\r\n"),
        format!("{HERE}Origin: http://evil.example,a.localhost\r\n"),
    ] {
        for path in PATHS {
            let answer = answer(&gateway, path, &fields).await;
            assert!(is_refused(&answer, 403, "forbidden"), "{path} {fields}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_target_that_is_a_whole_url_names_the_same_host_as_the_field() {
    let gateway = Running::with(|config| config.server.origins.push("https://example.org".parse().unwrap())).await;
    let path = "/rt/control?nonce=n";
    for (start, fields) in [
        ("http://localhost", HERE),
        ("http://LOCALHOST:80", HERE),
        ("http://localhost", "Host: localhost:80\r\n"),
        ("HTTP://[::1]:8080", "Host: [::1]:8080\r\n"),
        ("https://example.org:443", "Host: example.org\r\n"),
    ] {
        let answer = answer(&gateway, &format!("{start}{path}"), fields).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"control\":true"),
            "{start} {fields}: {answer}"
        );
    }
    for (start, fields, status, code) in [
        ("http://evil.example", HERE, 403, "forbidden"),
        ("https://evil.example", HERE, 403, "forbidden"),
        ("http://evil.example:80", "Host: evil.example\r\n", 403, "forbidden"),
        ("http://localhost", "Host: evil.example\r\n", 403, "forbidden"),
        ("http://evil.example@localhost", HERE, 403, "forbidden"),
        ("http://localhost", "", 403, "forbidden"),
        ("http://localhost:81", HERE, 400, "bad_frame"),
        ("https://localhost:80", HERE, 400, "bad_frame"),
        ("http://127.0.0.1", HERE, 400, "bad_frame"),
        ("http://example.org", HERE, 400, "bad_frame"),
        ("ws://localhost", HERE, 400, "bad_frame"),
    ] {
        let answer = answer(&gateway, &format!("{start}{path}"), fields).await;
        assert!(is_refused(&answer, status, code), "{start} {fields}: {answer}");
        assert!(answer.contains("\"nonce\":\"n\""), "{answer}");
    }
    let health = answer(&gateway, "http://10.0.0.7/healthz", "Host: 10.0.0.7\r\n").await;
    assert!(health.starts_with("HTTP/1.1 200 "), "a monitor may use any address: {health}");
}

/// Guards against request smuggling:
/// 1. A request states its length twice, once as chunks. A proxy may believe the other length.
/// 2. The bytes behind it are then the rest of its body for one side, and a new request for the other.
/// 3. A poll that waited gives its connection back to the requests behind it, even though its head is ambiguous.
#[tokio::test]
async fn nothing_is_accepted_behind_a_request_that_states_its_length_twice() {
    let gateway = Running::with(|config| config.session.poll_hold = Duration::from_millis(100)).await;
    let (mut client, leg) = Client::online(&gateway, Transport::Poll).await;
    client.settle(leg).await;
    for lengths in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 300\r\n",
        "Content-Length: 3, 3\r\n",
        "Content-Length: +3\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: gzip\r\n",
    ] {
        // The session's second poll waits.
        let hello = client.hello(leg, Some(1)).to_string();
        let request = format!(
            "POST /rt/poll HTTP/1.1\r\n{HERE}{lengths}\r\n{:x}\r\n{hello}\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n{HERE}\r\n",
            hello.len()
        );
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        // The gateway left bytes unread, so the kernel may reset the connection.
        let _ = within_patience(socket.read_to_end(&mut seen)).await;
        let seen = String::from_utf8_lossy(&seen);
        assert!(!seen.contains("\r\n\r\nok"), "{lengths}: {seen}");
        assert!(seen.matches("HTTP/1.1").count() <= 1, "{lengths}: {seen}");
        let is_whole = lengths.ends_with("chunked\r\n") || lengths.starts_with("Transfer-Encoding: chunked\r\n");
        assert_eq!(seen.starts_with("HTTP/1.1 200"), is_whole, "{lengths}: {seen}");
    }
}
