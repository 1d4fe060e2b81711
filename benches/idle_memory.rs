//! What an idle session costs the gateway in resident memory, on each transport. Linux only: it reads /proc.
//!
//!     cargo bench --bench idle_memory
//!
//! It starts the optimised binary, opens sessions that are subscribed to a channel and resumable, lets them be, and prints the slope
//! between two numbers of them, so that what the process costs without any is left out. It fails above a bound.

// Its figures are its output.
#![allow(clippy::print_stdout)]

mod gateway;

use std::process::ExitCode;
use std::time::Duration;

use gateway::{Gateway, connect, hello, open_socket, read_until};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Handshakes under way at once.
const AT_ONCE: usize = 64;
/// Idle means idle: what the handshakes left behind, kept-alive connections among it, is given back first.
const SETTLE: Duration = Duration::from_secs(7);

#[derive(Clone, Copy)]
enum Transport {
    WebSocket,
    Sse,
    Poll,
}

/// A transport, the sessions at the first and at the second look, and the kilobytes that one may cost.
const LOOKS: [(Transport, &str, [usize; 2], f64); 3] = [
    (Transport::WebSocket, "WebSocket", [2_000, 12_000], 2.5),
    (Transport::Sse, "SSE", [2_000, 9_000], 8.5),
    (Transport::Poll, "poll", [2_000, 9_000], 4.5),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut within = true;
    for (transport, name, sizes, bound) in LOOKS {
        let slope = look(transport, name, sizes).await;
        println!("{name}: {slope:.2} KB per session (bound {bound} KB)");
        within &= slope <= bound;
    }
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Resident bytes.
fn memory(gateway: &Gateway) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.process.id())).expect("/proc");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024.0
}

/// Kilobytes per session.
async fn look(transport: Transport, name: &str, sizes: [usize; 2]) -> f64 {
    let gateway = Gateway::start();
    let mut sessions = Vec::new();
    let mut looks = Vec::new();
    for size in sizes {
        while sessions.len() < size {
            let first = sessions.len();
            let batch = first..size.min(first + AT_ONCE);
            let opened = batch.map(|number| open(transport, gateway.address.clone(), number));
            sessions.extend(futures::future::join_all(opened).await);
        }
        tokio::time::sleep(SETTLE).await;
        looks.push(memory(&gateway));
        println!("{size} idle sessions on {name}: {:.1} MB resident", memory(&gateway) / 1e6);
    }
    (looks[1] - looks[0]) / (sizes[1] - sizes[0]) as f64 / 1024.0
}

/// A session whose welcome is answered, subscribed to a channel. What is returned keeps it.
async fn open(transport: Transport, address: String, number: usize) -> TcpStream {
    match transport {
        Transport::WebSocket => open_socket(&address, number, "news").await,
        Transport::Sse => {
            let mut stream = post(&address, number, "/rt/stream", &hello(number, "", 0, 1)).await;
            let id = id(&read_until(&mut stream, "\"limits\"").await);
            subscribe(&address, number, &id).await;
            read_until(&mut stream, "\"ok\":1").await;
            acknowledge(&address, number, &id).await;
            stream
        }
        Transport::Poll => {
            let mut poll = post(&address, number, "/rt/poll", &hello(number, "", 0, 1)).await;
            let id = id(&read_until(&mut poll, "\"limits\"").await);
            subscribe(&address, number, &id).await;
            request(&mut poll, &address, "/rt/poll", &hello(number, &id, 0, 2)).await;
            read_until(&mut poll, "\"ok\":1").await;
            request(&mut poll, &address, "/rt/poll", &hello(number, &id, 1, 2)).await;
            poll
        }
    }
}

async fn subscribe(address: &str, number: usize, id: &str) {
    let hello = hello(number, id, 0, 1);
    let mut send = post(address, number, "/rt/send", &format!("{hello}\n{{\"sub\":\"news\",\"id\":1}}")).await;
    read_until(&mut send, "\"limits\"").await;
}

async fn acknowledge(address: &str, number: usize, id: &str) {
    let mut send = post(address, number, "/rt/send", &hello(number, id, 1, 2)).await;
    read_until(&mut send, "\"limits\"").await;
}

fn id(welcome: &str) -> String {
    let rest = welcome.split_once("\"id\":\"").expect("an id").1;
    rest.split_once('"').expect("its end").0.to_owned()
}

async fn post(address: &str, number: usize, path: &str, body: &str) -> TcpStream {
    let mut connection = connect(address, number).await;
    request(&mut connection, address, path, body).await;
    connection
}

async fn request(connection: &mut TcpStream, address: &str, path: &str, body: &str) {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.expect("writes");
}
