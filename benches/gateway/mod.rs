//! What the benches share: a gateway in a process of its own, and clients that speak just enough to be complete sessions.

#![allow(dead_code, reason = "each bench is a program of its own, and needs its part of this")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Connections from one source address, so that no range of ports runs out.
const FROM_ONE_ADDRESS: usize = 4_000;
/// What the kernel takes for a client that does not read, in bytes: little, so that the gateway notices soon.
const RECEIVED: u32 = 16 * 1024;

/// The optimised binary. It ends with this.
pub(crate) struct Gateway {
    pub(crate) process: Child,
    /// Where it listens.
    pub(crate) address: String,
}

impl Gateway {
    /// Starts it.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts it with compression on.
    pub(crate) fn compressing() -> Self {
        let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/compressing.toml");
        std::fs::write(file, "compression = true\n").expect("a file");
        Self::with(&["--config", file])
    }

    fn with(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_throughline"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the gateway starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("listening on http://").expect("its first line").to_owned();
        Self { process, address }
    }

    /// Its resident bytes.
    pub(crate) fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("/proc");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
        kib * 1024.0
    }

    /// What it has used of the processors so far, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("/proc");
        let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace();
        let ticks: f64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("ticks")).sum();
        // USER_HZ, which is 100 on every Linux.
        ticks / 100.0
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A session by WebSocket whose welcome is answered, subscribed to a channel.
pub(crate) async fn open_socket(address: &str, number: usize, channel: &str) -> TcpStream {
    open_socket_with(address, number, channel, "").await
}

/// The same by a socket that takes compressed messages.
pub(crate) async fn open_compressed(address: &str, number: usize, channel: &str) -> TcpStream {
    open_socket_with(address, number, channel, "Sec-WebSocket-Extensions: permessage-deflate\r\n").await
}

async fn open_socket_with(address: &str, number: usize, channel: &str, offer: &str) -> TcpStream {
    let mut socket = connect(address, number).await;
    let upgrade = format!(
        "GET /rt/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: throughline.v1\r\n{offer}\r\n"
    );
    socket.write_all(upgrade.as_bytes()).await.expect("writes");
    let answer = read_until(&mut socket, "\r\n\r\n").await;
    assert_eq!(answer.contains("permessage-deflate"), !offer.is_empty(), "what was agreed on");
    socket.write_all(&frame(&hello(number, "", 0, 1))).await.expect("writes");
    read_until(&mut socket, "\"limits\"").await;
    socket.write_all(&frame(r#"{"ack":0,"next":1}"#)).await.expect("writes");
    socket.write_all(&frame(&format!(r#"{{"sub":"{channel}","id":1}}"#))).await.expect("writes");
    read_until(&mut socket, "\"ok\":1").await;
    socket.write_all(&frame(r#"{"ack":1,"next":2}"#)).await.expect("writes");
    socket
}

/// The same by SSE.
pub(crate) async fn open_stream(address: &str, number: usize, channel: &str) -> TcpStream {
    let mut stream = post(address, number, "/rt/stream", &hello(number, "", 0, 1)).await;
    let id = id(&read_until(&mut stream, "\"limits\"").await);
    subscribe(address, number, &id, channel).await;
    read_until(&mut stream, "\"ok\":1").await;
    let mut send = post(address, number, "/rt/send", &hello(number, &id, 1, 2)).await;
    read_until(&mut send, "\"nonce\"").await;
    stream
}

/// The same by a poll, which waits.
pub(crate) async fn open_poll(address: &str, number: usize, channel: &str) -> TcpStream {
    let mut poll = post(address, number, "/rt/poll", &hello(number, "", 0, 1)).await;
    let id = id(&read_until(&mut poll, "\"limits\"").await);
    subscribe(address, number, &id, channel).await;
    request(&mut poll, address, "/rt/poll", &hello(number, &id, 0, 2)).await;
    read_until(&mut poll, "\"ok\":1").await;
    request(&mut poll, address, "/rt/poll", &hello(number, &id, 1, 2)).await;
    poll
}

async fn subscribe(address: &str, number: usize, id: &str, channel: &str) {
    let body = format!("{}\n{{\"sub\":\"{channel}\",\"id\":1}}", hello(number, id, 0, 1));
    let mut send = post(address, number, "/rt/send", &body).await;
    read_until(&mut send, "\"nonce\"").await;
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

/// The hello of a session's only leg.
fn hello(number: usize, id: &str, received: u64, next: u64) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    let turn = r#""turn":1,"#;
    format!(
        r#"{{"hello":{{"v":1,"session":"{number:0>24}",{id}"leg":1,{turn}"received":{received},"next":{next},"nonce":"n"}}}}"#
    )
}

/// A connection from the address that has room for it.
async fn connect(address: &str, number: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let source = format!("127.0.0.{}:0", 2 + number / FROM_ONE_ADDRESS);
    socket.set_recv_buffer_size(RECEIVED).expect("an option");
    socket.bind(source.parse().expect("an address")).expect("binds");
    let connection = socket.connect(address.parse().expect("an address")).await.expect("connects");
    connection.set_nodelay(true).expect("an option");
    connection
}

/// A masked text frame; the mask is zero.
pub(crate) fn frame(text: &str) -> Vec<u8> {
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

/// Reads until a text has come.
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
