//! A small real server. It answers a POST with the same body, streams the test's texts, and echoes in its tunnels. It
//! records everything that reaches it.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Frame, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    select,
    sync::{broadcast, watch},
    task::JoinHandle,
    time::timeout,
};

use crate::LOOPBACK;

const PATIENCE: Duration = Duration::from_secs(10);

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The record of everything that reached the origin.
#[derive(Debug, Default, Clone)]
pub(crate) struct Account {
    /// Method, path and body of each request. The body stays empty for streams and upgrades.
    pub(crate) requests: Vec<String>,
    /// All bytes from the clients of tunnels.
    pub(crate) tunnelled: String,
    /// The ends of tunnels: `fin` or `reset`.
    pub(crate) ends: Vec<&'static str>,
}

#[derive(Clone)]
struct Shared {
    account: watch::Sender<Account>,
    said: broadcast::Sender<String>,
}

pub(crate) struct Origin {
    pub(crate) addr: SocketAddr,
    shared: Shared,
    accepting: JoinHandle<()>,
}

impl Origin {
    pub(crate) async fn start() -> Self {
        Self::start_at(LOOPBACK).await
    }

    pub(crate) async fn start_at(addr: SocketAddr) -> Self {
        let listener = TcpListener::bind(addr).await.expect("a loopback port");
        let addr = listener.local_addr().expect("an address");
        let shared = Shared { account: watch::Sender::default(), said: broadcast::channel(1024).0 };
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { addr, shared, accepting }
    }

    /// Sends this as a chunk to every open stream, and as bytes to every tunnel. It ends none of them.
    pub(crate) fn say(&self, text: &str) {
        self.shared.said.send(text.to_owned()).expect("a stream or tunnel is open");
    }

    pub(crate) fn account(&self) -> Account {
        self.shared.account.borrow().clone()
    }

    pub(crate) async fn until(&self, holds: impl Fn(&Account) -> bool) -> Account {
        let mut account = self.shared.account.subscribe();
        let reached = timeout(PATIENCE, account.wait_for(|account| holds(account))).await;
        reached.expect("the origin got what it should").expect("the sender lives").clone()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).expect("an open socket");
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(request, shared.clone());
                async { Ok::<_, hyper::Error>(answer.await) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A client may leave in any way.
            let _ = connection.with_upgrades().await;
        });
    }
}

async fn answer(mut request: Request<Incoming>, shared: Shared) -> Response<Body> {
    let line = format!("{} {}", request.method(), request.uri().path());
    if request.headers().contains_key(header::UPGRADE) {
        let tunnel = tunnel(hyper::upgrade::on(&mut request), shared.clone());
        note(&shared, &line, "");
        tokio::spawn(tunnel);
        let upgraded = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        let upgraded = upgraded.header(header::CONNECTION, "Upgrade").header(header::UPGRADE, "websocket");
        return upgraded.body(text("")).expect("a response");
    }
    if ["/rt/stream", "/updates"].contains(&request.uri().path()) {
        let body = streamed(shared.said.subscribe());
        note(&shared, &line, "");
        let response = Response::builder().header(header::CONTENT_TYPE, "text/event-stream");
        return response.body(body).expect("a response");
    }
    let body = match request.into_body().collect().await {
        Ok(body) => String::from_utf8(body.to_bytes().to_vec()).expect("text"),
        Err(_) => return Response::new(text("broken")),
    };
    note(&shared, &line, &body);
    if body == "hold" {
        std::future::pending::<()>().await;
    }
    Response::new(text(&body))
}

fn note(shared: &Shared, line: &str, body: &str) {
    shared.account.send_modify(|account| {
        account.requests.push(format!("{line} {body}").trim_end().to_owned());
    });
}

fn text(body: &str) -> Body {
    Full::new(Bytes::from(body.to_owned())).boxed_unsync()
}

/// Streams the test's texts, and ends at `bye`.
fn streamed(said: broadcast::Receiver<String>) -> Body {
    let chunks = stream::unfold(said, |mut said| async move {
        let text = said.recv().await.ok().filter(|text| text != "bye")?;
        Some((Ok(Frame::data(Bytes::from(text))), said))
    });
    StreamBody::new(chunks.boxed()).boxed_unsync()
}

fn tunnel(upgrade: OnUpgrade, shared: Shared) -> impl Future<Output = ()> {
    let said = shared.said.subscribe();
    async move {
        let upgraded = upgrade.await.expect("an upgrade");
        let end = echo(TokioIo::new(upgraded), said, &shared).await;
        shared.account.send_modify(|account| account.ends.push(end));
    }
}

async fn echo(mut socket: TokioIo<Upgraded>, mut said: broadcast::Receiver<String>, shared: &Shared) -> &'static str {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let reply = select! {
            read = socket.read(&mut bytes) => match read {
                Ok(0) => return "fin",
                Err(_) => return "reset",
                Ok(count) => {
                    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                    shared.account.send_modify(|account| account.tunnelled.push_str(&text));
                    text
                }
            },
            Ok(text) = said.recv() => text,
        };
        if socket.write_all(reply.as_bytes()).await.is_err() {
            return "reset";
        }
        socket.flush().await.expect("a write went well just now");
    }
}
