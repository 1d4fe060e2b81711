//! Clients that speak just enough of the protocol to be complete sessions. They check nothing else that the gateway
//! sends.
//!
//! A number names a client: its secret and its source address follow from it.

use throughline::protocol::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Clients from one source address, so that no range of ports runs out.
const FROM_ONE_ADDRESS: usize = 4_000;
/// The kernel's receive buffer of a client that does not read, in bytes: small, so the gateway notices soon.
const RECEIVED: u32 = 16 * 1024;
/// A text in a full welcome, near its end, and in no other frame.
const WELCOME: &str = "\"limits\"";

/// A session and the connections that carry it.
pub(crate) struct Session {
    /// The gateway's name for it.
    id: String,
    /// The connection that carries its leg.
    connection: TcpStream,
    /// The connection for its sends, on a transport that has those.
    _sends: Option<TcpStream>,
}

impl Session {
    /// Cuts the connections. Returns the session's id.
    pub(crate) fn cut(self) -> String {
        self.id
    }
}

/// Opens a session by WebSocket whose welcome is answered, subscribed to a channel.
pub(crate) async fn open_socket(address: &str, number: usize, channel: &str) -> TcpStream {
    let (socket, id) = greet_socket(address, number, "").await;
    acknowledged(subscribe_socket(socket, id, channel).await).await
}

/// Does the same by a socket that accepts compressed messages.
pub(crate) async fn open_compressed(address: &str, number: usize, channel: &str) -> TcpStream {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let (socket, id) = greet_socket(address, number, offer).await;
    acknowledged(subscribe_socket(socket, id, channel).await).await
}

/// Acknowledges the answer to a subscription.
async fn acknowledged(Session { mut connection, .. }: Session) -> TcpStream {
    connection.write_all(&frame(r#"{"ack":1,"next":2}"#)).await.expect("writes");
    connection
}

/// Does the same by SSE.
pub(crate) async fn open_stream(address: &str, number: usize, channel: &str) -> TcpStream {
    let Session { id, connection, .. } = subscribed(Transport::Sse, address, number, channel).await;
    let mut send = post(address, number, "/rt/send", &hello(number, &id, 1, 1, 2)).await;
    read_until(&mut send, "\"nonce\"").await;
    connection
}

/// Does the same by a poll, which waits.
pub(crate) async fn open_poll(address: &str, number: usize, channel: &str) -> TcpStream {
    subscribed(Transport::Poll, address, number, channel).await.connection
}

/// Opens a session until the answer to its subscription has come, which is not acknowledged yet. A poll waits for the
/// next line.
pub(crate) async fn subscribed(transport: Transport, address: &str, number: usize, channel: &str) -> Session {
    let (mut connection, id) = greet(transport, address, number).await;
    if transport == Transport::WebSocket {
        return subscribe_socket(connection, id, channel).await;
    }
    let body = format!("{}\n{{\"sub\":\"{channel}\",\"id\":1}}", hello(number, &id, 1, 0, 1));
    let mut send = post(address, number, "/rt/send", &body).await;
    read_until(&mut send, "\"nonce\"").await;
    if transport == Transport::Poll {
        request(&mut connection, address, "/rt/poll", &hello(number, &id, 1, 0, 2)).await;
    }
    read_until(&mut connection, "\"ok\":1").await;
    if transport == Transport::Poll {
        request(&mut connection, address, "/rt/poll", &hello(number, &id, 1, 1, 2)).await;
    }
    Session { id, connection, _sends: Some(send) }
}

async fn subscribe_socket(mut connection: TcpStream, id: String, channel: &str) -> Session {
    connection.write_all(&frame(r#"{"ack":0,"next":1}"#)).await.expect("writes");
    connection.write_all(&frame(&format!(r#"{{"sub":"{channel}","id":1}}"#))).await.expect("writes");
    read_until(&mut connection, "\"ok\":1").await;
    Session { id, connection, _sends: None }
}

/// Sends a first hello and waits for its welcome. Returns the connection, and the session's id.
pub(crate) async fn greet(transport: Transport, address: &str, number: usize) -> (TcpStream, String) {
    if transport == Transport::WebSocket {
        return greet_socket(address, number, "").await;
    }
    let mut connection = post(address, number, route(transport), &hello(number, "", 1, 0, 1)).await;
    let id = id(&read_until(&mut connection, WELCOME).await);
    (connection, id)
}

async fn greet_socket(address: &str, number: usize, offer: &str) -> (TcpStream, String) {
    let mut socket = upgraded(address, number, offer).await;
    socket.write_all(&frame(&hello(number, "", 1, 0, 1))).await.expect("writes");
    let id = id(&read_until(&mut socket, WELCOME).await);
    (socket, id)
}

/// Opens a new leg of a session, asks for its turn, and waits for its welcome. `received` is the number of lines that
/// the client has received.
pub(crate) async fn resume(
    transport: Transport,
    address: &str,
    number: usize,
    id: &str,
    leg: u32,
    received: u64,
) -> TcpStream {
    let hello = hello(number, id, leg, received, received + 1);
    let mut connection = if transport == Transport::WebSocket {
        let mut socket = upgraded(address, number, "").await;
        socket.write_all(&frame(&hello)).await.expect("writes");
        socket
    } else {
        post(address, number, route(transport), &hello).await
    };
    read_until(&mut connection, WELCOME).await;
    connection
}

/// Opens a leg whose first hello brings a token. It does not wait for the answer, which may never come.
pub(crate) async fn knock(transport: Transport, address: &str, number: usize, token: &str) -> TcpStream {
    let hello = hello_with(&format!(r#""token":"{token}","#), number, 1, 0, 1);
    if transport != Transport::WebSocket {
        return post(address, number, route(transport), &hello).await;
    }
    let mut socket = upgraded(address, number, "").await;
    socket.write_all(&frame(&hello)).await.expect("writes");
    socket
}

/// Does the same, and waits for the welcome.
pub(crate) async fn let_in(transport: Transport, address: &str, number: usize, token: &str) -> TcpStream {
    let mut connection = knock(transport, address, number, token).await;
    read_until(&mut connection, WELCOME).await;
    connection
}

/// Returns the route of a hello on a transport other than WebSocket.
const fn route(transport: Transport) -> &'static str {
    match transport {
        Transport::WebSocket => "/rt/ws",
        Transport::Sse => "/rt/stream",
        Transport::Poll => "/rt/poll",
    }
}

async fn upgraded(address: &str, number: usize, offer: &str) -> TcpStream {
    let mut socket = connect(address, number).await;
    let upgrade = format!(
        "GET {} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: throughline.v1\r\n{offer}\r\n",
        route(Transport::WebSocket)
    );
    socket.write_all(upgrade.as_bytes()).await.expect("writes");
    let answer = read_until(&mut socket, "\r\n\r\n").await;
    assert_eq!(answer.contains("permessage-deflate"), !offer.is_empty(), "the extension that both agreed on");
    socket
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

/// Returns the answer to a request for a page.
pub(crate) async fn get(address: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(address).await.expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.expect("writes");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("reads");
    answer
}

async fn request(connection: &mut TcpStream, address: &str, path: &str, body: &str) {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.expect("writes");
}

/// Returns the hello of a session's only leg, or of its newest: the turn is the leg's number.
fn hello(number: usize, id: &str, leg: u32, received: u64, next: u64) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    hello_with(&id, number, leg, received, next)
}

/// Does the same with more keys.
fn hello_with(keys: &str, number: usize, leg: u32, received: u64, next: u64) -> String {
    format!(
        r#"{{"hello":{{"v":1,"session":"{number:0>24}",{keys}"leg":{leg},"turn":{leg},"received":{received},"next":{next},"nonce":"n"}}}}"#
    )
}

/// Connects from the address that has room.
async fn connect(address: &str, number: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let source = format!("127.0.0.{}:0", 2 + number / FROM_ONE_ADDRESS);
    socket.set_recv_buffer_size(RECEIVED).expect("an option");
    socket.bind(source.parse().expect("an address")).expect("binds");
    let connection = socket.connect(address.parse().expect("an address")).await.expect("connects");
    connection.set_nodelay(true).expect("an option");
    connection
}

/// Returns a masked text frame; the mask is zero.
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
