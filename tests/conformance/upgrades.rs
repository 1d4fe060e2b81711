//! The opening handshake of a WebSocket (RFC 6455, section 4.2): the conditions of an upgrade, and the answers to other
//! requests.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::gateway::{Running, within_patience};

const CONNECTION: &str = "Connection: Upgrade\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Returns the head and the body of the answer to a request with these fields.
async fn answer(gateway: &Running, start: &str, fields: &[&str]) -> (String, String) {
    let request = format!("{start}\r\nHost: localhost\r\n{}\r\n", fields.concat());
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut seen = String::new();
    loop {
        if let Some((head, body)) = seen.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_none_or(|length| length == body.len().to_string()) {
                return (head.to_owned(), body.to_owned());
            }
        }
        let mut piece = [0; 1024];
        let length = within_patience(socket.read(&mut piece)).await.unwrap();
        assert!(length > 0, "closed after {seen:?}");
        seen += std::str::from_utf8(&piece[..length]).unwrap();
    }
}

const GET: &str = "GET /rt/ws HTTP/1.1";

#[tokio::test]
async fn fields_of_an_upgrade_are_lists_in_any_case_and_order() {
    let gateway = Running::start().await;
    for fields in [
        &[CONNECTION, UPGRADE, VERSION, KEY][..],
        &[KEY, VERSION, UPGRADE, CONNECTION],
        &["connection: keep-alive, UPGRADE\r\n", "upgrade: WebSocket\r\n", VERSION, KEY],
        &["Connection: keep-alive\r\n", CONNECTION, "Upgrade: h2c, websocket\r\n", VERSION, KEY],
        &["Connection: ,upgrade ,\r\n", "Upgrade: h2c\r\n", UPGRADE, VERSION, KEY, "Content-Length: 0\r\n"],
        &[CONNECTION, UPGRADE, "Sec-WebSocket-Version:  13 \r\n", "Sec-WebSocket-Key: \t+/+/+/+/+/+/+/+/+/+/+/== \r\n"],
    ] {
        let (head, _) = answer(&gateway, GET, fields).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{fields:?}: {head}");
    }
}

#[tokio::test]
async fn the_answer_to_an_upgrade_of_another_version_names_the_gateways_version() {
    let gateway = Running::start().await;
    for version in ["8", "0", "12", "14", "1313", "13.0", "13, 8", "", "x"] {
        let version = format!("Sec-WebSocket-Version: {version}\r\n");
        let (head, body) =
            answer(&gateway, "GET /rt/ws?nonce=N-1 HTTP/1.1", &[CONNECTION, UPGRADE, &version, KEY]).await;
        assert!(head.starts_with("HTTP/1.1 426 "), "{version}: {head}");
        for field in ["sec-websocket-version: 13", "upgrade: websocket", "connection: upgrade"] {
            assert!(head.lines().any(|line| line == field), "{version} {field}: {head}");
        }
        assert!(body.contains("\"code\":\"bad_frame\"") && body.contains("\"nonce\":\"N-1\""), "{version}: {body}");
    }
    assert_eq!(gateway.figure("refusals_total{reason=\"version\"}").await, 9);
}

#[tokio::test]
async fn an_upgrade_without_one_whole_key_and_one_version_is_refused() {
    let gateway = Running::start().await;
    let key = |key: &str| format!("Sec-WebSocket-Key: {key}\r\n");
    let mut refused = vec![
        vec![CONNECTION.to_owned(), UPGRADE.into(), VERSION.into()],
        vec![CONNECTION.into(), UPGRADE.into(), KEY.into()],
        vec![CONNECTION.into(), UPGRADE.into(), VERSION.into(), KEY.into(), KEY.into()],
        vec![CONNECTION.into(), UPGRADE.into(), VERSION.into(), VERSION.into(), KEY.into()],
        vec![CONNECTION.into(), UPGRADE.into(), VERSION.into(), "sec-websocket-version: 8\r\n".into(), KEY.into()],
        vec![CONNECTION.into(), UPGRADE.into(), VERSION.into(), KEY.into(), key("AAAAAAAAAAAAAAAAAAAAAA==")],
        vec!["Connection: upgraded\r\n".into(), UPGRADE.into(), VERSION.into(), KEY.into()],
        vec!["Connection: \"upgrade\"\r\n".into(), UPGRADE.into(), VERSION.into(), KEY.into()],
        vec![CONNECTION.into(), "Upgrade: websocket/13\r\n".into(), VERSION.into(), KEY.into()],
        vec![CONNECTION.into(), UPGRADE.into(), VERSION.into(), KEY.into(), "Content-Length: 1\r\n".into()],
        vec![CONNECTION.into(), UPGRADE.into(), VERSION.into(), KEY.into(), "Transfer-Encoding: chunked\r\n".into()],
    ];
    for bad in [
        "",
        "x",
        "==",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZQA=",
        "dGhlIHNhbXBsZSBub25jZTAx",
        "dGhlIHNhbXBsZSBub25jZTAxMg==",
        "dGhlIHNhbXBsZSBub25j",
        "_-hlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
    ] {
        refused.push(vec![CONNECTION.into(), UPGRADE.into(), VERSION.into(), key(bad)]);
    }
    let count = refused.len() as u64;
    for fields in refused {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let (head, body) = answer(&gateway, GET, &fields).await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{fields:?}: {head}");
        assert!(body.contains("\"code\":\"bad_frame\""), "{fields:?}: {body}");
        assert!(body.contains("not a WebSocket upgrade"), "{fields:?}: {body}");
    }
    assert_eq!(gateway.figure("refusals_total{reason=\"upgrade\"}").await, count);
}

#[tokio::test]
async fn http_1_0_cannot_become_a_socket() {
    let gateway = Running::start().await;
    let (head, body) = answer(&gateway, "GET /rt/ws HTTP/1.0", &[CONNECTION, UPGRADE, VERSION, KEY]).await;
    assert!(head.starts_with("HTTP/1.0 400 ") && body.contains("cannot become a socket"), "{head} {body}");
}
