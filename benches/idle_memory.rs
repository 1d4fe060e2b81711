//! What an idle session costs the gateway in resident memory, on each transport. Linux only: it reads /proc.
//!
//!     cargo bench --bench idle_memory
//!
//! It starts the optimised binary, opens sessions that are subscribed to a channel and resumable, lets them be, and prints the slope
//! between two numbers of them, so that what the process costs without any is left out. It fails above a bound.

// Its figures are its output.
#![allow(clippy::print_stdout)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Handshakes under way at once.
const AT_ONCE: usize = 64;
/// Idle means idle: what the handshakes left behind, kept-alive connections among it, is given back first.
const SETTLE: Duration = Duration::from_secs(7);
/// Connections from one source address, so that no range of ports runs out.
const FROM_ONE_ADDRESS: usize = 4_000;

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

struct Gateway {
    process: Child,
    address: String,
}

impl Gateway {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_throughline"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the gateway starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("listening on http://").expect("its first line").to_owned();
        Self { process, address }
    }

    /// Resident bytes.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("/proc");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
        kib * 1024.0
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

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
        looks.push(gateway.memory());
        println!("{size} idle sessions on {name}: {:.1} MB resident", gateway.memory() / 1e6);
    }
    (looks[1] - looks[0]) / (sizes[1] - sizes[0]) as f64 / 1024.0
}

/// A session whose welcome is answered, subscribed to a channel. What is returned keeps it.
async fn open(transport: Transport, address: String, number: usize) -> TcpStream {
    match transport {
        Transport::WebSocket => open_socket(&address, number).await,
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

async fn open_socket(address: &str, number: usize) -> TcpStream {
    let mut socket = connect(address, number).await;
    let upgrade = format!(
        "GET /rt/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: throughline.v1\r\n\r\n"
    );
    socket.write_all(upgrade.as_bytes()).await.expect("writes");
    read_until(&mut socket, "\r\n\r\n").await;
    socket.write_all(&frame(&hello(number, "", 0, 1))).await.expect("writes");
    read_until(&mut socket, "\"limits\"").await;
    socket.write_all(&frame(r#"{"ack":0,"next":1}"#)).await.expect("writes");
    socket.write_all(&frame(r#"{"sub":"news","id":1}"#)).await.expect("writes");
    read_until(&mut socket, "\"ok\":1").await;
    socket.write_all(&frame(r#"{"ack":1,"next":2}"#)).await.expect("writes");
    socket
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

fn hello(number: usize, id: &str, received: u64, next: u64) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    let turn = r#""turn":1,"#;
    format!(
        r#"{{"hello":{{"v":1,"session":"{number:0>24}",{id}"leg":1,{turn}"received":{received},"next":{next},"nonce":"n"}}}}"#
    )
}

fn id(welcome: &str) -> String {
    let rest = welcome.split_once("\"id\":\"").expect("an id").1;
    rest.split_once('"').expect("its end").0.to_owned()
}

async fn connect(address: &str, number: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let source = format!("127.0.0.{}:0", 2 + number / FROM_ONE_ADDRESS);
    socket.bind(source.parse().expect("an address")).expect("binds");
    socket.connect(address.parse().expect("an address")).await.expect("connects")
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

/// A masked text frame; the mask is zero.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(text.len()).expect("short").to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}

async fn read_until(socket: &mut TcpStream, mark: &str) -> String {
    let mut seen = Vec::new();
    loop {
        let mut piece = [0; 1024];
        let length = socket.read(&mut piece).await.expect("reads");
        seen.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&seen);
        if text.contains(mark) {
            return text.into_owned();
        }
        assert!(length > 0, "closed before {mark:?}: {text}");
    }
}
