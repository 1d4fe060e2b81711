//! One request on a connection of its own. The code trusts nothing in an answer, and reads a bounded part of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::time::timeout;

use super::speak::{Begun, Cause, Stop, UNAUTHORIZED};
use super::target::{NoConnection, Target};

/// The most that is read of an answer. The gateway's own answers are not half as long.
const MOST: usize = 256 * 1024;

/// A whole answer, from the gateway or from something in its place.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
    pub(super) ms: u64,
}

impl Answer {
    /// Returns the first line, if it is JSON.
    pub(super) fn first(&self) -> Value {
        self.text.lines().next().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
    }

    /// Returns whether the gateway says that it is full.
    pub(super) fn is_full(&self) -> bool {
        self.status == 503 && self.first()["code"] == "full"
    }

    /// Returns what a status other than 200 means.
    pub(super) fn wrong(&self) -> Stop {
        if self.status == 403 && self.first()["code"] == "forbidden" {
            return Stop::new("off");
        }
        if self.status == 401 && self.first()["code"] == UNAUTHORIZED {
            return Stop::new(UNAUTHORIZED);
        }
        if self.is_full() {
            return Stop::new("full");
        }
        Stop::new("answered").with("status", self.status).with("after_ms", self.ms)
    }
}

/// Sends a GET, and accepts any status.
pub(super) async fn get(target: &Target, path: &str, limit: Duration) -> Result<Answer, Stop> {
    exchange(target, Request::get(path), String::new(), limit).await
}

/// Sends a POST, and accepts only status 200.
pub(super) async fn post(target: &Target, route: &str, body: String, limit: Duration) -> Result<Answer, Stop> {
    let answer = exchange(target, Request::post(target.route(route)), body, limit).await?;
    if answer.status == 200 { Ok(answer) } else { Err(answer.wrong()) }
}

async fn exchange(target: &Target, request: Builder, body: String, limit: Duration) -> Result<Answer, Stop> {
    let begun = Begun::now();
    let whole = async { read(begin(target, request, body).await?, begun).await };
    timeout(limit, whole).await.unwrap_or_else(|_| Err(begun.stop("no_answer")))
}

/// Reads the rest of an answer.
pub(super) async fn read(response: Response<Incoming>, begun: Begun) -> Result<Answer, Stop> {
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MOST).collect().await.map_err(|_| begun.stop("refused"))?;
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    Ok(Answer { status, text, ms: begun.ms() })
}

/// Sends a request, and returns before the answer's body arrives.
pub(super) async fn begin(target: &Target, request: Builder, body: String) -> Result<Response<Incoming>, Stop> {
    let begun = Begun::now();
    let refused = |_| begun.stop("refused");
    let socket = match target.connect().await {
        Ok(socket) => socket,
        Err(NoConnection::Closed) => return Err(begun.stop("refused").because(Cause::Closed)),
        Err(NoConnection::Tcp(_)) => return Err(begun.stop("refused")),
        Err(NoConnection::Tls(why)) => return Err(begun.stop("refused").because(Cause::Certificate(why))),
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(refused)?;
    // This task ends with the answer, or with the leg that holds it. The answer reports its errors too.
    tokio::spawn(connection.with_upgrades());
    let request = request
        .header(HOST, target.authority())
        .header(CONTENT_TYPE, "text/plain;charset=UTF-8")
        .header(ACCEPT, "text/event-stream, */*")
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| begun.stop("refused"))?;
    sender.send_request(request).await.map_err(refused)
}

/// A target that tasks can share.
pub(super) type Shared = Arc<Target>;
