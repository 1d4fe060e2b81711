//! The states of a connection: HTTP has it, or the carrier that took it over.
//!
//! The HTTP library keeps two buffers of 8 KB and its own state for each connection, also for an idle one. A WebSocket,
//! a stream without news and a poll that waits need none of that. So a carrier takes their connection over, and is no
//! larger than it must be. A stream's carrier writes chunks. A poll's carrier writes one answer, and then HTTP gets the
//! connection back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::connection::{Connection, Watch};
use super::permit::ConnectionPermit;
use crate::node::link::Link;
use crate::transport::poll::answer::Head;
use crate::transport::poll::carrier::Carrier as PollCarrier;
use crate::transport::sse::carrier::Carrier as SseCarrier;
use crate::transport::websocket::carrier::Carrier as WebSocketCarrier;

/// The handle by which a route requests the connection of its request. Cloning shares it.
///
/// ```text
///          a route requests          HTTP has written          the loop hands
///          the connection            all bytes before it       the connection over
/// ┌──────┐ ───────────▶ ┌───────────┐ ───────────▶ ┌─────────┐ ───────────▶ ┌───────┐
/// │ Http │              │ Requested │              │ Drained │              │ Taken │
/// └──────┘              └───────────┘              └─────────┘              └───────┘
///   │  ▲                                                                      │   │
///   │  └──────────────────── a poll's carrier has answered ───────────────────┘   │
///   │                                                                             │
///   │ the connection ends       ┌────────┐    the carrier of a socket             │
///   └─────────────────────────▶ │ Closed │ ◀─ or a stream ends ───────────────────┘
///                               └────────┘
/// ```
///
/// `Drained` and `Closed` are not stored. A requested connection is drained if its `Watch` knows of no unwritten
/// byte. An upgraded connection is drained once the HTTP library gives it up. A closed connection has no handle any
/// more.
///
/// A request of another server brings no handle. Then HTTP writes each answer to its end.
#[derive(Clone, Default)]
pub struct Takeover {
    shared: Arc<Shared>,
    /// HTTP writes this answer to its end.
    is_denied: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    watch: Watch,
}

/// The stored states of [`Takeover`].
#[derive(Default)]
enum State {
    /// HTTP reads requests and writes answers.
    #[default]
    Http,
    /// HTTP still writes. Once the connection is drained, this takes it.
    Requested(Taker),
    /// A carrier has the connection.
    Taken,
}

/// What takes a connection over.
pub(in crate::transport) enum Taker {
    /// A WebSocket, and whether its messages may be compressed.
    WebSocket(Link, bool),
    /// The rest of a stream.
    Sse(Link),
    /// A poll that waits, and the head of its answer.
    Poll(Link, Head),
    /// Another protocol.
    Foreign(Foreign),
}

/// Speaks a protocol without a session on an upgraded connection. The bytes were read from the connection before.
pub type Foreign = Box<dyn FnOnce(Connection, Vec<u8>) -> BoxFuture<'static, ()> + Send>;

impl Takeover {
    /// Makes the connection of a socket. This handle then learns what is written to it, and whether the client shuts
    /// its sending side.
    pub(super) fn watch(&self, socket: TcpStream) -> Connection {
        Connection::new(socket, self.shared.watch.clone())
    }

    /// Returns whether a stream or a poll requested the connection, and HTTP has written all bytes before it. This
    /// stays false for an upgrade, since the HTTP library itself gives the connection up there.
    pub(super) fn is_drained(&self) -> bool {
        let is_requested = matches!(*self.state(), State::Requested(Taker::Sse(_) | Taker::Poll(..)));
        is_requested && !self.shared.watch.has_unwritten()
    }

    /// Lets the requested carrier have the connection. Without a request the connection is closed. `early` was read
    /// from it already. The carrier keeps `permit` for as long as it has the connection. The result is the connection
    /// if HTTP gets it back.
    pub(super) async fn take_over(
        &self,
        io: TokioIo<Connection>,
        early: Vec<u8>,
        permit: &ConnectionPermit,
    ) -> Option<Connection> {
        let mut io = io.into_inner();
        let taker = self.take();
        match taker {
            // Each has a task of its own, since HTTP never gets the connection back. So all that served HTTP is freed.
            Some(Taker::WebSocket(link, deflate)) => {
                io.unwatch();
                drop(tokio::spawn(WebSocketCarrier::new(io, &early, link, deflate, Some(permit.clone()))));
            }
            Some(Taker::Sse(link)) => {
                io.unwatch();
                drop(tokio::spawn(SseCarrier::new(io, link, permit.clone())));
            }
            Some(Taker::Poll(link, head)) => {
                io.unread(early);
                let answered = PollCarrier::new(io, link, head).await;
                *self.state() = State::Http;
                return answered;
            }
            Some(Taker::Foreign(foreign)) => {
                io.unwatch();
                let (spoken, permit) = (foreign(io, early), permit.clone());
                drop(tokio::spawn(async move {
                    spoken.await;
                    drop(permit);
                }));
            }
            None => {
                let _ = io.shutdown().await;
            }
        }
        None
    }

    /// Returns a handle for an answer that HTTP must write to its end.
    pub(in crate::transport) fn denied(self) -> Self {
        Self { is_denied: true, ..self }
    }

    /// Returns whether a stream or a poll may request the connection.
    pub(in crate::transport) const fn is_allowed(&self) -> bool {
        !self.is_denied
    }

    /// Returns whether the client has shut its sending side. It may still read, or it may be gone.
    pub(in crate::transport) fn is_half_closed(&self) -> bool {
        self.shared.watch.is_half_closed()
    }

    /// Gives the connection to another protocol, once the answer that upgrades it is written.
    pub fn upgrade_to(&self, foreign: Foreign) {
        self.request(Taker::Foreign(foreign));
    }

    /// Requests the connection. The later of two requests holds. While a carrier has the connection, a request does
    /// nothing.
    pub(in crate::transport) fn request(&self, taker: Taker) {
        let before = {
            let mut state = self.state();
            match *state {
                State::Taken => State::Requested(taker),
                State::Http | State::Requested(_) => std::mem::replace(&mut *state, State::Requested(taker)),
            }
        };
        // To drop a link takes the lock of its session. That must not happen under this one.
        drop(before);
    }

    fn take(&self) -> Option<Taker> {
        match std::mem::replace(&mut *self.state(), State::Taken) {
            State::Requested(taker) => Some(taker),
            State::Http | State::Taken => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred thousand connections may be idle at once.
    #[test]
    fn a_carrier_and_the_states_of_its_connection_stay_small() {
        assert!(size_of::<WebSocketCarrier<Connection>>() <= 264);
        assert!(size_of::<SseCarrier>() <= 208);
        assert!(size_of::<PollCarrier>() <= 216);
        assert!(size_of::<Connection>() <= 80);
        assert!(size_of::<Shared>() <= 96);
        assert!(size_of::<Takeover>() <= 16);
    }

    /// 1. An application keeps the handle of a request.
    /// 2. A poll's carrier takes the connection.
    /// 3. The application upgrades by its handle: that must not take the connection away later.
    #[test]
    fn a_request_does_nothing_while_a_carrier_has_the_connection() {
        let takeover = Takeover::default();
        let foreign = || -> Foreign { Box::new(|_, _| Box::pin(std::future::ready(()))) };
        assert!(takeover.take().is_none());
        takeover.upgrade_to(foreign());
        assert!(takeover.take().is_none());
        *takeover.state() = State::Http;
        takeover.upgrade_to(foreign());
        assert!(!takeover.is_drained(), "the HTTP library gives an upgraded connection up itself");
        assert!(takeover.take().is_some());
    }
}
