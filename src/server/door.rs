//! Accepts as many connections as there is room for, of each address and in all. It refuses the others with an answer,
//! so a full gateway still reports its health.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tracing::warn;

use super::front::Front;
use super::process::BEYOND;
use super::shares::{Share, Shares};
use crate::node::seldom::Seldom;
use crate::protocol::code::{Limit, Refusal};
use crate::transport::takeover::serve::{BUFFER, IDLE, IDLE_OF_PROXY, serve};
use crate::transport::{ConnectionPermit, Peer};

/// The pause after a failure to accept a connection, for example because too many files are open.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// The time in which a connection without room must ask, and read the refusal.
const TURNED_AWAY: Duration = Duration::from_secs(2);

/// The listener of a gateway, and its open connections.
pub(super) struct Door {
    listener: TcpListener,
    front: Front,
    room: Arc<Semaphore>,
    shares: Shares,
    /// The number of open connections, for `/metrics`.
    open: Gauge,
    connections: JoinSet<()>,
    leave: watch::Sender<bool>,
    /// The refusals for a connection without room, and for one beyond the share of its address.
    full: Arc<Refusal>,
    beyond_share: Arc<Refusal>,
    /// The connections that are being refused, the oldest first.
    turned_away: VecDeque<AbortHandle>,
    failures: Failures,
}

/// The log of failures to accept a connection.
struct Failures {
    since: Instant,
    log: Seldom,
}

/// The place of a connection among those allowed.
struct Place {
    open: Gauge,
    _permit: OwnedSemaphorePermit,
    _share: Option<Share>,
}

impl Place {
    fn new(open: &Gauge, permit: OwnedSemaphorePermit, share: Option<Share>) -> Self {
        open.inc();
        Self { open: open.clone(), _permit: permit, _share: share }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.dec();
    }
}

impl Door {
    /// Returns a door for this many connections, of which one address may hold so many.
    pub(super) fn new(
        listener: TcpListener,
        front: Front,
        (connections, per_address): (usize, usize),
        open: Gauge,
    ) -> Self {
        Self {
            listener,
            front,
            room: Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))),
            shares: Shares::new(per_address),
            open,
            connections: JoinSet::new(),
            leave: watch::Sender::new(false),
            full: Arc::new(Limit::Connections(connections).into()),
            beyond_share: Arc::new(Limit::AddressConnections(per_address).into()),
            turned_away: VecDeque::new(),
            failures: Failures { since: Instant::now(), log: Seldom::default() },
        }
    }

    /// Accepts connections, and never returns.
    pub(super) async fn admit(&mut self) {
        loop {
            let (socket, peer) = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        self.failures.tell(&error);
                        tokio::time::sleep(ACCEPT_AGAIN).await;
                        continue;
                    }
                },
                Some(_) = self.connections.join_next() => continue,
            };
            match self.place(peer.ip()) {
                Ok(place) => self.let_in(socket, peer, place),
                Err(refusal) => self.turn_away(socket, refusal),
            }
        }
    }

    /// Returns a place for a connection of this address. A listed proxy carries many clients, so it has no share.
    fn place(&self, address: IpAddr) -> Result<Place, Arc<Refusal>> {
        let is_counted = !self.front.is_proxy(address);
        let share = is_counted.then(|| self.shares.take(address).ok_or_else(|| Arc::clone(&self.beyond_share)));
        let share = share.transpose()?;
        let permit = Arc::clone(&self.room).try_acquire_owned().map_err(|_| Arc::clone(&self.full))?;
        Ok(Place::new(&self.open, permit, share))
    }

    fn let_in(&mut self, socket: TcpStream, peer: SocketAddr, place: Place) {
        let permit = ConnectionPermit(Arc::new(place));
        let peer = Peer { connection: peer.ip(), client: peer.ip() };
        let front = self.front.clone();
        let idle = if front.trusts(peer.connection) { IDLE_OF_PROXY } else { IDLE };
        let answer = move |request, arrival| front.answer(request, arrival);
        self.connections.spawn(serve(socket, peer, permit, answer, idle, self.leave.subscribe()));
    }

    /// Refuses a connection. The oldest refused connection makes room for the newest: a peer that connects and stays
    /// silent must not delay a health check.
    fn turn_away(&mut self, socket: TcpStream, why: Arc<Refusal>) {
        self.turned_away.retain(|answering| !answering.is_finished());
        if self.turned_away.len() >= BEYOND
            && let Some(oldest) = self.turned_away.pop_front()
        {
            oldest.abort();
        }
        let answering = tokio::spawn(turn_away(socket, self.front.clone(), why));
        self.turned_away.push_back(answering.abort_handle());
    }

    /// Stops accepting connections. Connections without a request under way end now, and the others after their answer.
    pub(super) async fn close(mut self) {
        drop(self.listener);
        let _ = self.leave.send(true);
        while self.connections.join_next().await.is_some() {}
    }
}

/// Answers one request on a connection for which there is no room.
async fn turn_away(socket: TcpStream, front: Front, full: Arc<Refusal>) {
    let service =
        service_fn(move |request| front.clone().turn_away(request, Arc::clone(&full)).map(Ok::<_, Infallible>));
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .half_close(true)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(socket), service);
    // A peer that is too slow, or breaks off, gets no answer.
    let _ = tokio::time::timeout(TURNED_AWAY, http).await;
}

impl Failures {
    /// Logs a failure, but seldom. Errors of one connection, or of too many open files, pass. They must not fill the
    /// log.
    fn tell(&self, error: &std::io::Error) {
        if let Some(untold) = self.log.happened(self.since.elapsed()) {
            warn!(
                %error, untold,
                "a connection could not be accepted; if too many files are open: set `limits.connections` lower, or raise the limit (LimitNOFILE, ulimit -n)"
            );
        }
    }
}
