//! What an idle WebSocket session costs the gateway in resident memory. Linux only: it reads /proc.
//!
//!     cargo bench --bench idle_memory
//!
//! It starts the optimised binary, opens sessions that are subscribed to a channel and resumable, lets them be, and prints the slope
//! between two numbers of them, so that what the process costs without any is left out. It fails above the bound.

// Its figures are its output.
#![allow(clippy::print_stdout)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sessions at the first and at the second look.
const SIZES: [usize; 2] = [1_000, 5_000];
/// Bytes a session may cost.
const BOUND: f64 = 12.0 * 1024.0;
/// Handshakes under way at once.
const AT_ONCE: usize = 64;

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

#[tokio::main]
async fn main() -> ExitCode {
    let gateway = Gateway::start();
    let mut sessions = Vec::new();
    let mut looks = Vec::new();
    for size in SIZES {
        while sessions.len() < size {
            let batch = AT_ONCE.min(size - sessions.len());
            let first = sessions.len();
            let opened = (first..first + batch).map(|number| open(gateway.address.clone(), number));
            sessions.extend(futures::future::join_all(opened).await);
        }
        // Idle means idle: what the handshakes left behind is given back first.
        tokio::time::sleep(Duration::from_secs(3)).await;
        looks.push(gateway.memory());
        println!("{size} idle WebSocket sessions: {:.1} MB resident", gateway.memory() / 1e6);
    }
    let slope = (looks[1] - looks[0]) / (SIZES[1] - SIZES[0]) as f64;
    println!("per session: {:.2} KB (bound {:.0} KB)", slope / 1024.0, BOUND / 1024.0);
    if slope <= BOUND { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A session whose welcome is answered, subscribed to a channel.
async fn open(address: String, number: usize) -> TcpStream {
    let mut socket = TcpStream::connect(&address).await.expect("connects");
    let request = format!(
        "GET /rt/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: throughline.v1\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.expect("writes");
    read_until(&mut socket, "\r\n\r\n").await;
    let hello = format!(
        r#"{{"hello":{{"v":1,"session":"{number:0>24}","leg":1,"turn":1,"received":0,"next":1,"nonce":"n"}}}}"#
    );
    socket.write_all(&frame(&hello)).await.expect("writes");
    read_until(&mut socket, "\"limits\"").await;
    socket.write_all(&frame(r#"{"ack":0,"next":1}"#)).await.expect("writes");
    socket.write_all(&frame(r#"{"sub":"news","id":1}"#)).await.expect("writes");
    read_until(&mut socket, "\"ok\":1").await;
    socket.write_all(&frame(r#"{"ack":1,"next":2}"#)).await.expect("writes");
    socket
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

async fn read_until(socket: &mut TcpStream, mark: &str) {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(mark) {
        let mut piece = [0; 1024];
        let length = socket.read(&mut piece).await.expect("reads");
        assert!(length > 0, "closed before {mark:?}: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..length]);
    }
}
