//! Serving connections, and stopping gracefully.
//!
//! Connections are served by hyper's HTTP/1 builder itself: `axum::serve` keeps buffers that make an idle stream three times as large.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::{debug, info};

use super::Gateway;
use super::door::Door;
use super::front::Front;
use super::process;
use crate::transport::{Bare, Connection, Held, Peer};

/// A request's head must have come by then; also how long an idle keep-alive connection stays.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How often a drain looks whether anybody is here, and how often in a row nobody must be.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const LOOKS: u32 = 5;
/// The most that is kept of a request's head, or of a response that waits to be written. The library's own is 400 KB.
pub(super) const BUFFER: usize = 32 * 1024;
/// Part of the drain that clients spread their leaving over; the rest is for their last answers.
const JITTER_OF_DRAIN: f64 = 0.6;

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// All connections ended by themselves.
    Drained,
    /// The deadline came first; the rest was cut.
    Cut,
}

impl Gateway {
    /// Serves until `stop` is ready, then drains, for the configured time at most: clients are told to leave with jitter, and until
    /// they have, those that poll and send are still answered; what is left after the jitter is ended.
    ///
    /// # Errors
    /// When what tells sessions the time has died: a gateway without it must not go on.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<Stopped> {
        let mut driver = tokio::spawn(Arc::clone(&self.driver).run());
        let connections = process::make_room(self.config.connections);
        self.metrics.connections_limit.set(i64::try_from(connections).unwrap_or(i64::MAX));
        self.say_what_is_served(&listener, connections);
        let mut door = Door::new(listener, self.front(), connections, self.metrics.connections.clone());
        tokio::select! {
            () = stop => {}
            () = door.admit() => {}
            died = &mut driver => return Err(io::Error::other(format!("the timers of all sessions have stopped: {died:?}"))),
        }
        info!(sessions = self.driver.sessions(), "stopping: clients are told to leave");
        let stopped = match tokio::time::timeout(self.config.drain, self.drain(door)).await {
            Ok(()) => Stopped::Drained,
            Err(_) => Stopped::Cut,
        };
        driver.abort();
        Ok(stopped)
    }

    /// The first line of the log.
    fn say_what_is_served(&self, listener: &TcpListener, connections: usize) {
        let address = listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
        let listed = |key| self.config.values().into_iter().find(|(name, _)| *name == key).map(|(_, value)| value);
        let (transports, origins) = (listed("transports").unwrap_or_default(), listed("origins").unwrap_or_default());
        let (sessions, channels, files) = (self.config.sessions, self.config.channels.channels, process::most());
        let version = env!("CARGO_PKG_VERSION");
        info!(version, address, transports, origins, connections, sessions, channels, files, "the gateway starts");
    }

    async fn drain(&self, mut door: Door) {
        let jitter = self.config.drain.mul_f64(JITTER_OF_DRAIN);
        self.driver.drain(jitter);
        tokio::select! {
            () = door.admit() => {}
            () = self.all_left() => {}
            () = tokio::time::sleep(jitter) => {}
        }
        self.driver.end_legs();
        door.close().await;
        self.all_left().await;
    }

    /// Nobody has been here for a while; between two polls nobody is here for a moment.
    async fn all_left(&self) {
        let mut looks = 0;
        while looks < LOOKS {
            looks = if self.driver.links() == 0 { looks + 1 } else { 0 };
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Serves a connection until it ends: by HTTP, and by what takes it from there in between.
pub(super) async fn connection(socket: TcpStream, caller: Caller, leave: watch::Receiver<bool>) {
    // Lines are written whole; waiting for more of them only delays.
    let _ = socket.set_nodelay(true);
    let bare = Bare::default();
    let mut next = Some(bare.watch(socket));
    while let Some(io) = next.take() {
        // Boxed, since what comes after it is far smaller and stays far longer.
        let taken = Box::pin(http(io, caller.clone(), bare.clone(), leave.clone())).await;
        let Some((io, early)) = taken else { return };
        next = bare.go_on(io, early, &caller.held).await;
        if next.is_some() {
            // What was answered is answered to many at once, as a rule: they have their answers before the next requests are read.
            tokio::task::yield_now().await;
        }
    }
}

/// Whose connection it is.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) front: Front,
    pub(super) peer: Peer,
    pub(super) held: Held,
}

/// Requests and answers, until the connection ends or is taken. What is left of it: itself, and what was read from it already.
async fn http(
    io: Connection,
    Caller { front, peer, held }: Caller,
    bare: Bare,
    mut leave: watch::Receiver<bool>,
) -> Option<(TokioIo<Connection>, Vec<u8>)> {
    let for_requests = bare.clone();
    let service = service_fn(move |request| {
        let answer = front.answer(request, Some(peer), Some(held.clone()), Some(for_requests.clone()));
        answer.map(Ok::<_, Infallible>)
    });
    let mut http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .writev(false)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(io), service);
    let mut leave = pin!(leave.wait_for(|leave| *leave));
    let mut told = false;
    let outcome = poll_fn(|cx| {
        if !told && leave.as_mut().poll(cx).is_ready() {
            told = true;
            Pin::new(&mut http).graceful_shutdown();
        }
        match http.poll_without_shutdown(cx) {
            Poll::Pending if bare.is_wanted() => Poll::Ready(Ok(())),
            outcome => outcome,
        }
    })
    .await;
    if let Err(error) = outcome {
        debug!(%error, "a connection ended early");
        return None;
    }
    let parts = http.into_parts();
    // Not the buffer of 8 KB that it is in.
    Some((parts.io, parts.read_buf.to_vec()))
}
