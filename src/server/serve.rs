//! Accepting connections, and stopping gracefully.
//!
//! Connections are served by hyper's HTTP/1 builder itself: `axum::serve` keeps buffers that make an idle stream three times as large.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use super::Gateway;
use super::front::Front;
use crate::transport::{Bare, Connection, Held, Peer};

/// A request's head must have come by then; also how long an idle keep-alive connection stays.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How often a drain looks whether anybody is here, and how often in a row nobody must be.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const LOOKS: u32 = 5;
/// A pause where no connection can be accepted, for want of files maybe.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// The most that is kept of a request's head, or of a response that waits to be written. The library's own is 400 KB.
const BUFFER: usize = 32 * 1024;
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
        let mut door = Door {
            listener,
            front: self.front(),
            room: Arc::new(Semaphore::new(self.config.connections)),
            connections: JoinSet::new(),
            leave: watch::Sender::new(false),
        };
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

/// Where connections come in.
struct Door {
    listener: TcpListener,
    front: Front,
    room: Arc<Semaphore>,
    connections: JoinSet<()>,
    leave: watch::Sender<bool>,
}

impl Door {
    /// Accepts connections, for ever.
    async fn admit(&mut self) {
        loop {
            let (socket, peer, permit) = tokio::select! {
                accepted = accept(&self.listener, &self.room) => accepted,
                Some(_) = self.connections.join_next() => continue,
            };
            let held = Held(Arc::new(permit));
            let peer = Peer { connection: peer.ip(), client: peer.ip() };
            let caller = Caller { front: self.front.clone(), peer, held };
            self.connections.spawn(connection(socket, caller, self.leave.subscribe()));
        }
    }

    /// Accepts no more. Connections without a request under way end now, the others with their answer.
    async fn close(mut self) {
        drop(self.listener);
        let _ = self.leave.send(true);
        while self.connections.join_next().await.is_some() {}
    }
}

/// The next connection, when there is room for it. Errors of one connection, or of having too many files open, pass.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let Ok(permit) = Arc::clone(room).acquire_owned().await else { unreachable!("the semaphore is never closed") };
        match listener.accept().await {
            Ok((socket, peer)) => return (socket, peer, permit),
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// Serves a connection until it ends: by HTTP, and by what takes it from there in between.
async fn connection(socket: TcpStream, caller: Caller, leave: watch::Receiver<bool>) {
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
struct Caller {
    front: Front,
    peer: Peer,
    held: Held,
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
