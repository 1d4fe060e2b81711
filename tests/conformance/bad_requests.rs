//! Requests that are invalid before the gateway reads a body. The tests write them byte by byte.

use throughline::protocol::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bad_bodies::{Bystander, hello};
use crate::gateway::{Running, within_patience};
use crate::http;

const UPGRADE: &str = "GET /rt/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn a_request_that_is_no_upgrade_gets_an_error_that_says_so() {
    let gateway = Running::start().await;
    let mut bystander = Bystander::new(&gateway, Transport::WebSocket).await;
    for missing in [
        "Connection: Upgrade\r\n",
        "Upgrade: websocket\r\n",
        "Sec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ] {
        let request = format!("{}Connection: close\r\n\r\n", UPGRADE.replace(missing, ""));
        let answer = within_patience(http::raw(gateway.address, request.as_bytes())).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "without {missing}: {answer}");
        assert!(answer.contains("\"code\":\"bad_frame\""), "without {missing}: {answer}");
        bystander.is_well(missing).await;
    }
}

#[tokio::test]
async fn requests_that_are_hardly_http_harm_no_other_session() {
    let gateway = Running::start().await;
    let mut bystander = Bystander::new(&gateway, Transport::Sse).await;
    let body = hello(|_| {});
    for (request, status) in [
        ("garbage\r\n\r\n".to_owned(), "400"),
        ("POST /rt/poll HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into(), "403"),
        ("POST /rt/poll HTTP/1.0\r\n\r\n".into(), "403"),
        ("POST /rt/poll HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n".into(), "400"),
        ("POST /rt/poll HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".into(), "400"),
        (
            format!(
                "POST /rt/poll HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n{body}"
            ),
            "400",
        ),
        (format!("GET /{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "x".repeat(20_000)), "404"),
    ] {
        let answer = within_patience(http::raw(gateway.address, request.as_bytes())).await;
        assert!(answer.starts_with("HTTP/1.") && answer[9..].starts_with(status), "{status}: {request:.60}: {answer}");
        bystander.is_well(&request[..10]).await;
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_accepted() {
    let gateway = Running::start().await;
    let mut bystander = Bystander::new(&gateway, Transport::Poll).await;
    let body = hello(|_| {});
    for route in ["stream", "poll", "send"] {
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        let head = format!("POST /rt/{route} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n{body}\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        bystander.is_well(route).await;
    }
    assert_eq!(gateway.figure("sessions").await, 2);
}

#[tokio::test]
async fn a_declared_length_beyond_the_limit_is_answered_without_waiting_for_all_of_it() {
    let gateway = Running::start().await;
    let mut bystander = Bystander::new(&gateway, Transport::WebSocket).await;
    for route in ["stream", "poll", "send"] {
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        let head = format!("POST /rt/{route} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000000\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let chunk = vec![b' '; 64 * 1024];
        for _ in 0..20 {
            if socket.write_all(&chunk).await.is_err() {
                break;
            }
        }
        let mut answer = [0; 12];
        within_patience(socket.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413", "{route}");
        bystander.is_well(route).await;
    }
}

#[tokio::test]
async fn a_socket_that_breaks_the_websocket_protocol_is_closed_alone() {
    let gateway = Running::start().await;
    let mut bystander = Bystander::new(&gateway, Transport::WebSocket).await;
    for (what, bytes) in [
        ("no frame", b"garbage garbage garbage".as_slice()),
        ("an unmasked frame", b"\x81\x02{}"),
        ("a reserved opcode", b"\x83\x80\0\0\0\0"),
        ("text that is not UTF-8", b"\x81\x82\0\0\0\0\xff\xfe"),
        ("a ping that is too long", b"\x89\xfe\x01\x00\0\0\0\0"),
        ("a length of 2^63", b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"),
    ] {
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        socket.write_all(format!("{UPGRADE}\r\n").as_bytes()).await.unwrap();
        let mut head = [0; 12];
        socket.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 101");
        socket.write_all(bytes).await.unwrap();
        // The client sends no more, so the gateway must not wait for the rest of a frame that seems to begin here.
        socket.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = within_patience(socket.read_to_end(&mut rest)).await;
        bystander.is_well(what).await;
    }
}

#[tokio::test]
async fn a_text_message_that_is_not_utf_8_gets_an_error_that_says_so() {
    let gateway = Running::start().await;
    let mut bystander = Bystander::new(&gateway, Transport::Poll).await;
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    let message = b"\x81\x82\0\0\0\0\xff\xfe";
    let request = [UPGRADE.as_bytes(), b"\r\n", message].concat();
    socket.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    within_patience(socket.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("\"code\":\"bad_frame\""), "{answer}");
    bystander.is_well("invalid UTF-8").await;
}
