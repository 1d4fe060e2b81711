//! A stop by signal, and the secrets that no log may hold.

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::process::{Running, within_patience};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

const SECRET: &str = "s3cr3t-s3cr3t-s3cr3t-s3cr3t";
const TOKEN: &str = "t0k3n-t0k3n-t0k3n";

fn hello(leg: u32) -> String {
    let hello = json!({
        "v": 1, "session": SECRET, "leg": leg, "turn": leg, "received": 0, "next": 1, "nonce": "N",
        "token": TOKEN, "client": format!("report-of-{TOKEN}"),
    });
    json!({ "hello": hello }).to_string()
}

/// Opens a socket, sends a hello, and reads the welcome.
async fn connect(running: &Running) -> Socket {
    let url = format!("ws://{}/rt/ws", running.address);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    socket.send(Message::Text(hello(1).into())).await.unwrap();
    assert!(next(&mut socket).await["welcome"].is_object());
    socket
}

async fn next(socket: &mut Socket) -> Value {
    let message = within_patience(socket.next()).await.unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

#[tokio::test]
async fn a_signal_asks_clients_to_leave_and_the_exit_code_is_0_when_they_have() {
    for signal in ["TERM", "INT"] {
        let running = Running::start(&["serve", "--listen", "127.0.0.1:0", "--drain", "20"]).await;
        let mut socket = connect(&running).await;
        running.signal(signal).await;
        let told = next(&mut socket).await;
        assert_eq!(told["goaway"]["after_ms"], 0, "{told}");
        assert!(told["goaway"]["jitter_ms"].as_u64().is_some_and(|jitter| jitter <= 20_000), "{told}");
        socket.close(None).await.unwrap();
        drop(socket);
        assert_eq!(running.ended().await.0, Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_client_that_never_leaves_holds_a_stop_no_longer_than_the_drain() {
    let running = Running::start(&["serve", "--listen", "127.0.0.1:0", "--drain", "1"]).await;
    let _socket = connect(&running).await;
    let stopping = std::time::Instant::now();
    running.signal("TERM").await;
    assert_eq!(running.ended().await.0, Some(0));
    assert!(stopping.elapsed().as_secs() < 10, "{:?}", stopping.elapsed());
}

#[tokio::test]
async fn the_demo_stops_as_well() {
    let running = Running::start(&["demo", "--listen", "127.0.0.1:0"]).await;
    running.signal("TERM").await;
    assert_eq!(running.ended().await.0, Some(0));
}

#[tokio::test]
async fn no_log_holds_a_secret_or_a_token_however_much_is_logged() {
    for (command, level) in
        [("serve", "trace"), ("demo", "trace"), ("serve", "tungstenite::protocol=trace,throughline=trace")]
    {
        let running = Running::logging(&[command, "--listen", "127.0.0.1:0"], level).await;
        let mut socket = connect(&running).await;
        // These are good requests, refused ones, and one that breaks off. Each takes a different path through the code.
        for route in ["/rt/poll", "/rt/send"] {
            running.ask("POST", route, &hello(2)).await;
            running.ask("POST", route, &hello(2).replace("\"v\":1", "\"v\":2")).await;
            running.ask("POST", route, &hello(2)[1..]).await;
        }
        socket.send(Message::Text(hello(9).into())).await.unwrap();
        assert!(next(&mut socket).await["end"].is_object());
        drop(socket);
        running.signal("TERM").await;
        let (code, log) = running.ended().await;
        assert_eq!(code, Some(0));
        assert!(!log.is_empty(), "the log is not empty");
        for secret in [SECRET, TOKEN] {
            let line = log.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{command} logs {secret}");
        }
    }
}
