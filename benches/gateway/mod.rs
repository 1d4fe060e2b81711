//! What the benches share: a gateway in a process of its own, and clients that speak just enough to be complete sessions.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Connections from one source address, so that no range of ports runs out.
const FROM_ONE_ADDRESS: usize = 4_000;

/// The optimised binary. It ends with this.
pub(crate) struct Gateway {
    pub(crate) process: Child,
    /// Where it listens.
    pub(crate) address: String,
}

impl Gateway {
    /// Starts it.
    pub(crate) fn start() -> Self {
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
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A session by WebSocket whose welcome is answered, subscribed to a channel.
pub(crate) async fn open_socket(address: &str, number: usize, channel: &str) -> TcpStream {
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
    socket.write_all(&frame(&format!(r#"{{"sub":"{channel}","id":1}}"#))).await.expect("writes");
    read_until(&mut socket, "\"ok\":1").await;
    socket.write_all(&frame(r#"{"ack":1,"next":2}"#)).await.expect("writes");
    socket
}

/// The hello of a session's only leg.
pub(crate) fn hello(number: usize, id: &str, received: u64, next: u64) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    let turn = r#""turn":1,"#;
    format!(
        r#"{{"hello":{{"v":1,"session":"{number:0>24}",{id}"leg":1,{turn}"received":{received},"next":{next},"nonce":"n"}}}}"#
    )
}

/// A connection from the address that has room for it.
pub(crate) async fn connect(address: &str, number: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let source = format!("127.0.0.{}:0", 2 + number / FROM_ONE_ADDRESS);
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
pub(crate) async fn read_until(socket: &mut TcpStream, mark: &str) -> String {
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
