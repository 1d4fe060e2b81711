//! A connection that is taken from HTTP, for as long as what happens on it needs none of that.
//!
//! The HTTP library keeps two buffers of 8 KB and a state for each connection, however idle. A socket, a stream that has nothing to
//! say at the moment and a poll that waits need neither; they go on in a future that is no larger than they are. A stream's chunks
//! and a poll's answer are written here then; after that answer the connection is HTTP's again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::connection::{Connection, Stalling, Watch};
use crate::node::link::Link;
use crate::transport::Held;
use crate::transport::poll::answer::Head;
use crate::transport::poll::carrier::Waiting;
use crate::transport::sse::carrier::Stream;
use crate::transport::websocket::carrier::Serving;

/// Where a request's answer leaves what shall go on with its connection. A server that can hand its connections over brings one
/// with each request; behind another, everything is written through HTTP to its end.
#[derive(Clone, Default)]
pub struct Bare {
    slot: Arc<Slot>,
    /// The answer goes through HTTP to its end.
    stays: bool,
}

#[derive(Default)]
struct Slot {
    wanted: Mutex<Option<Wanted>>,
    watch: Watch,
}

/// What goes on with a connection.
pub(in crate::transport) enum Wanted {
    /// A WebSocket, once its upgrade is answered, and whether it may be compressed.
    Socket(Link, bool),
    /// The rest of a stream, in chunks.
    Stream(Link),
    /// A poll that waits, and how it is to be answered.
    Poll(Link, Head),
    /// A protocol of somebody else, once its upgrade is answered.
    Foreign(Foreign),
}

/// Speaks a protocol that is not of a session on an upgraded connection. The bytes were read from it already.
pub type Foreign = Box<dyn FnOnce(Connection, Vec<u8>) -> BoxFuture<'static, ()> + Send>;

impl Bare {
    /// What leads to and from a connection: it sees whether all of an answer is written.
    #[must_use]
    pub fn watch(&self, socket: TcpStream) -> Connection {
        Stalling::new(socket, self.slot.watch.clone())
    }

    /// Whether the connection is to be taken now: something shall go on with it, and all before is written. (A socket waits for HTTP to
    /// be done with its connection.)
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        let now = matches!(*self.wanted(), Some(Wanted::Stream(_) | Wanted::Poll(..)));
        now && !self.slot.watch.has_unwritten()
    }

    /// Goes on with a connection that was taken, or ends it. `early` was read from it already; `held` is given back when it is gone.
    /// What comes back is HTTP's again.
    pub async fn go_on(&self, io: TokioIo<Connection>, early: Vec<u8>, held: &Held) -> Option<Connection> {
        let mut io = io.into_inner();
        let wanted = self.wanted().take();
        match wanted {
            // In tasks of their own, since nothing follows them: what it took to get here is freed.
            Some(Wanted::Socket(link, deflate)) => {
                io.unwatch();
                drop(tokio::spawn(Serving::new(io, &early, link, deflate, Some(held.clone()))));
            }
            Some(Wanted::Stream(link)) => {
                io.unwatch();
                drop(tokio::spawn(Stream::new(io, link, held.clone())));
            }
            Some(Wanted::Poll(link, head)) => {
                io.read_first(early);
                return Waiting::new(io, link, head).await;
            }
            Some(Wanted::Foreign(foreign)) => {
                io.unwatch();
                let (spoken, held) = (foreign(io, early), held.clone());
                drop(tokio::spawn(async move {
                    spoken.await;
                    drop(held);
                }));
            }
            None => {
                let _ = io.shutdown().await;
            }
        }
        None
    }

    /// The same for an answer that goes through HTTP to its end: the connection cannot be handed over.
    #[must_use]
    pub fn staying(self) -> Self {
        Self { stays: true, ..self }
    }

    /// Whether the connection can be handed over.
    pub(in crate::transport) const fn may_take(&self) -> bool {
        !self.stays
    }

    /// Whether the client has shut its sending side, for an answer that HTTP writes. Who asks is woken when it has.
    pub(in crate::transport) fn is_shut(&self) -> bool {
        self.slot.watch.is_shut()
    }

    /// Leaves the connection to another protocol, once the answer that upgrades it is written.
    pub fn leave_to(&self, foreign: Foreign) {
        self.want(Wanted::Foreign(foreign));
    }

    pub(in crate::transport) fn want(&self, wanted: Wanted) {
        *self.wanted() = Some(wanted);
    }

    fn wanted(&self) -> MutexGuard<'_, Option<Wanted>> {
        self.slot.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
