//! One HTTP exchange: its beginning, its way to the origin, and its answer back.
//!
//! Bodies are streamed: the first byte goes on at once unless a rule keeps it. Heads pass unchanged, with the order and
//! case of their names. `upstream` says what a client sees if the origin cannot be reached.

use std::{future::pending, io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http_body_util::{BodyExt, Empty, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Body as _, Frame, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, select, sync::oneshot, time::timeout};

use super::{
    body::hold,
    classify::streams,
    faults::{Answer, Direction, Headers, Lost, Opening},
    network::Route,
    path::Path,
    shaping::{ByteStream, Line},
    tunnel::Tunnel,
    upstream::{Absent, Upstream},
    wire::Wire,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// The largest request body that can be sent twice.
const TWIN_BODY: usize = 1024 * 1024;

/// How long the second of two twins waits for the answer to the first.
const TWIN_HEAD_START: Duration = Duration::from_millis(250);

pub(super) struct Exchange {
    pub(super) upstream: Arc<Upstream>,
    pub(super) path: Path,
    pub(super) opening: Opening,
}

impl Exchange {
    /// Returns the answer for the client. An error closes its connection without an answer.
    pub(super) async fn serve(self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let expiry = self.path.clone().expiry();
        select! {
            biased;
            () = expiry => Err(io::Error::other("cut by a rule")),
            answer = Box::pin(self.begin(request)) => answer,
        }
    }

    async fn begin(self, mut request: Request<Incoming>) -> io::Result<Response<Body>> {
        match &self.opening {
            Opening::Pass => self.pass(request).await,
            Opening::Reset => self.reset().await,
            Opening::Swallow => {
                exhaust(request.into_body()).await;
                pending().await
            }
            Opening::Answer(answer) => {
                self.cross(Direction::Up).await;
                exhaust(request.into_body()).await;
                self.cross(Direction::Down).await;
                Ok(page(answer))
            }
            Opening::StripUpgrade => {
                request.headers_mut().remove(header::UPGRADE);
                request.headers_mut().remove(header::CONNECTION);
                self.pass(request).await
            }
            Opening::LoseResponse(how) => {
                let response = self.forward(request).await?;
                if *how == Lost::Reset {
                    return self.reset().await;
                }
                exhaust(response.into_body()).await;
                pending().await
            }
            Opening::Twice if request.headers().contains_key(header::UPGRADE) => self.pass(request).await,
            Opening::Twice => self.twice(request).await,
        }
    }

    async fn pass(self, mut request: Request<Incoming>) -> io::Result<Response<Body>> {
        let client = hyper::upgrade::on(&mut request);
        let mut response = self.forward(request).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return self.deliver(response).await;
        }
        let origin = hyper::upgrade::on(&mut response).await.map_err(io::Error::other)?;
        let mut tunnel = Tunnel::new(&self.path, origin);
        tunnel.head().await;
        // The task ends with its path: when both sides are done, by a rule, or by a reset.
        tokio::spawn(tunnel.run(client));
        Ok(response.map(|_| nothing()))
    }

    /// Sends the request up, and waits for the origin's answer.
    async fn forward(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = if body.is_end_stream() {
            self.cross(Direction::Up).await;
            nothing()
        } else {
            let mut line = Line::new(&self.path, Direction::Up, pieces(body));
            line.head().await;
            streamed(line.into_stream())
        };
        send(&self.upstream, &self.path, Request::from_parts(head, body)).await
    }

    /// Sends the origin's answer down.
    async fn deliver(mut self, response: Response<Body>) -> io::Result<Response<Body>> {
        if streams(&response) {
            self.path.turn(Route::Stream);
        }
        let (head, body) = response.into_parts();
        if body.is_end_stream() {
            self.cross(Direction::Down).await;
            return Ok(Response::from_parts(head, nothing()));
        }
        let mut source = pieces(body);
        if let Some(buffer) = self.path.rule(|rule| rule.buffer) {
            source = hold(source, buffer);
            if buffer.headers == Headers::Held {
                let first = source.next().await;
                source = stream::iter(first).chain(source).boxed();
            }
        }
        let mut line = Line::new(&self.path, Direction::Down, source);
        line.head().await;
        let body = line.into_stream().take_until(self.path.expiry()).boxed();
        Ok(Response::from_parts(head, streamed(body)))
    }

    async fn twice(self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, TWIN_BODY).collect().await.map_err(io::Error::other)?.to_bytes();
        let copy = || Request::from_parts(head.clone(), whole(body.clone()));
        self.cross(Direction::Up).await;
        let (upstream, path, first) = (Arc::clone(&self.upstream), self.path.clone(), copy());
        let (answered, answer) = oneshot::channel();
        // The task ends when the origin has answered, or with a reset.
        tokio::spawn(async move {
            if let Ok(response) = send(&upstream, &path, first).await {
                // The second twin may have stopped waiting.
                let _ = answered.send(());
                exhaust(response.into_body()).await;
            }
        });
        let _ = timeout(TWIN_HEAD_START, answer).await;
        let response = send(&self.upstream, &self.path, copy()).await?;
        self.deliver(response).await
    }

    async fn reset<T>(&self) -> T {
        self.path.fate().reset();
        pending().await
    }

    /// Sends a head without a body one way.
    async fn cross(&self, direction: Direction) {
        Line::new(&self.path, direction, stream::empty().boxed()).head().await;
    }
}

/// Sends one request on a connection of its own, which ends with the response's body or with the path's reset.
async fn send(upstream: &Upstream, path: &Path, request: Request<Body>) -> io::Result<Response<Body>> {
    let fate = path.fate().clone();
    let Ok(stream) = TcpStream::connect(&*upstream.addrs).await else {
        return match &upstream.absent {
            Absent::Answer(answer) => Ok(page(answer)),
            Absent::Reset => {
                fate.reset();
                pending().await
            }
        };
    };
    let wire = TokioIo::new(Wire::new(stream, fate.clone()));
    let (mut sender, connection) =
        http1::Builder::new().preserve_header_case(true).handshake(wire).await.map_err(io::Error::other)?;
    tokio::spawn(async move {
        select! {
            biased;
            () = fate.sealed() => {}
            // The response reports its errors too.
            _ = connection.with_upgrades() => {}
        }
    });
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    Ok(response.map(|body| body.map_err(io::Error::other).boxed_unsync()))
}

/// Returns the network's own answer. An invalid one becomes a 500.
fn page(answer: &Answer) -> Response<Body> {
    let mut response = Response::builder().status(answer.status).header(header::CONTENT_TYPE, "text/html");
    if let Some(location) = &answer.location {
        response = response.header(header::LOCATION, location);
    }
    if answer.status == 407 {
        response = response.header(header::PROXY_AUTHENTICATE, "Basic realm=\"netlab\"");
    }
    let response = response.body(whole(Bytes::from(answer.html.clone())));
    match response {
        Ok(response) if answer.status >= 200 => response,
        _ => {
            let body = whole(Bytes::from_static(b"netlab: the scripted answer is not a valid response\n"));
            let mut response = Response::new(body);
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

fn pieces<B>(body: B) -> ByteStream
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    body.into_data_stream().map_err(io::Error::other).boxed()
}

fn streamed(pieces: ByteStream) -> Body {
    StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync()
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn nothing() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

async fn exhaust(mut body: impl http_body::Body<Data = Bytes> + Unpin) {
    while let Some(Ok(_)) = body.frame().await {}
}
