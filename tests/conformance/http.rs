//! Requests that a browser makes, and requests that no client should make.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A complete answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the lines in the answer to a poll or a send.
    pub(crate) fn lines(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{self:?}");
        self.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Checks that this is an error in the form that all routes share.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let body: Value = serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!((&body["v"], &body["code"]), (&1.into(), &code.into()), "{self:?}");
        assert!(body["message"].as_str().is_some_and(|text| text.len() > 8), "{self:?}");
        assert_eq!(self.header("content-type"), "application/json");
    }
}

/// A task that ends with its handle, and closes what it holds open.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Waits for the task's result. Cancel-safe.
    pub(crate) async fn join(&mut self) -> T {
        (&mut self.0).await.unwrap()
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An answer with an unread body. A drop closes the connection.
pub(crate) struct Opened {
    pub(crate) response: Response<Incoming>,
    _connection: Task<()>,
}

/// Sends a request on a new connection.
pub(crate) async fn open(address: SocketAddr, request: Request<Full<Bytes>>) -> Opened {
    open_on(TcpStream::connect(address).await.unwrap(), request).await
}

pub(crate) async fn open_on(socket: TcpStream, mut request: Request<Full<Bytes>>) -> Opened {
    socket.set_nodelay(true).unwrap();
    let host = socket.peer_addr().unwrap().to_string().parse().unwrap();
    request.headers_mut().entry("host").or_insert(host);
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.unwrap();
    let connection = Task::spawn(async move {
        let _ = connection.await;
    });
    let response = sender.send_request(request).await.expect("answered, not reset");
    Opened { response, _connection: connection }
}

pub(crate) async fn exchange(address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    let Opened { response, _connection } = open(address, request).await;
    whole(response).await
}

/// Reads the body of an answer to its end.
pub(crate) async fn whole(response: Response<Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    Answer { status: head.status.as_u16(), headers: head.headers, body: String::from_utf8(body.into()).unwrap() }
}

pub(crate) fn request(method: Method, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "text/plain;charset=UTF-8")
        .body(Full::new(body.into()))
        .unwrap()
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    exchange(address, request(Method::GET, path, Bytes::new())).await
}

pub(crate) async fn post(address: SocketAddr, path: &str, body: impl Into<Bytes>) -> Answer {
    exchange(address, request(Method::POST, path, body)).await
}

/// Writes bytes that need not be HTTP, and reads to the end.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("closed, not reset");
    String::from_utf8_lossy(&answer).into_owned()
}
