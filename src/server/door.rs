//! Accepts as many connections as there is room for, of each address and in all. It refuses the others with an answer,
//! so a full gateway still reports its health.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::IpAddr;
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
use tracing::{debug, warn};

use super::front::Front;
use super::process::BEYOND;
use super::proxied;
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
    /// The part of its address. It is given back with the place.
    share: Option<Share>,
}

impl Place {
    fn new(open: &Gauge, permit: OwnedSemaphorePermit, share: Option<Share>) -> Self {
        open.inc();
        Self { open: open.clone(), _permit: permit, share }
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
                Ok(place) if self.front.begins_with_header(peer.ip()) => self.let_client_in(socket, peer.ip(), place),
                Ok(place) => self.let_in(socket, peer.ip(), place),
                Err(refusal) => self.turn_away(socket, peer.ip(), refusal),
            }
        }
    }

    fn place(&self, address: IpAddr) -> Result<Place, Arc<Refusal>> {
        let share = share(&self.front, &self.shares, address).map_err(|Beyond| Arc::clone(&self.beyond_share))?;
        let permit = Arc::clone(&self.room).try_acquire_owned().map_err(|_| Arc::clone(&self.full))?;
        Ok(Place::new(&self.open, permit, share))
    }

    fn let_in(&mut self, socket: TcpStream, address: IpAddr, place: Place) {
        self.connections.spawn(serve_with(self.front.clone(), socket, address, place, self.leave.subscribe()));
    }

    /// Lets a connection of a proxy in, after its header stated the client's address. The client has a share.
    fn let_client_in(&mut self, mut socket: TcpStream, proxy: IpAddr, mut place: Place) {
        let (front, shares, beyond) = (self.front.clone(), self.shares.clone(), Arc::clone(&self.beyond_share));
        let mut leave = self.leave.subscribe();
        self.connections.spawn(async move {
            let client = tokio::select! {
                client = proxied::client(&mut socket) => client,
                _ = leave.wait_for(|leave| *leave) => return,
            };
            let client = match client {
                Ok(client) => client.unwrap_or(proxy),
                Err(error) => return debug!(%proxy, %error, "a connection of a listed proxy is closed"),
            };
            match share(&front, &shares, client) {
                Ok(share) => {
                    place.share = share;
                    serve_with(front, socket, client, place, leave).await;
                }
                Err(Beyond) => turn_away(socket, front, beyond).await,
            }
        });
    }

    /// Refuses a connection. The oldest refused connection makes room for the newest: a peer that connects and stays
    /// silent must not delay a health check.
    fn turn_away(&mut self, mut socket: TcpStream, address: IpAddr, why: Arc<Refusal>) {
        self.turned_away.retain(|answering| !answering.is_finished());
        if self.turned_away.len() >= BEYOND
            && let Some(oldest) = self.turned_away.pop_front()
        {
            oldest.abort();
        }
        let front = self.front.clone();
        let answering = tokio::spawn(async move {
            if !front.begins_with_header(address) || proxied::client(&mut socket).await.is_ok() {
                turn_away(socket, front, why).await;
            }
        });
        self.turned_away.push_back(answering.abort_handle());
    }

    /// Stops accepting connections. Connections without a request under way end now, and the others after their answer.
    pub(super) async fn close(mut self) {
        drop(self.listener);
        let _ = self.leave.send(true);
        while self.connections.join_next().await.is_some() {}
    }
}

/// An address has nothing left of its share.
struct Beyond;

/// Takes a part of the share of an address. A listed proxy carries many clients, so it has none.
fn share(front: &Front, shares: &Shares, address: IpAddr) -> Result<Option<Share>, Beyond> {
    if front.is_proxy(address) {
        return Ok(None);
    }
    shares.take(address).map(Some).ok_or(Beyond)
}

/// Serves a connection of a client at this address.
fn serve_with(
    front: Front,
    socket: TcpStream,
    address: IpAddr,
    place: Place,
    leave: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + 'static {
    let permit = ConnectionPermit(Arc::new(place));
    let peer = Peer { connection: address, client: address };
    let idle = if front.is_proxy(address) { IDLE_OF_PROXY } else { IDLE };
    serve(socket, peer, permit, move |request, arrival| front.answer(request, arrival), idle, leave)
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
