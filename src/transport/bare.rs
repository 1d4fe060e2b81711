//! A connection that is taken from HTTP once an answer's head is written: what follows on it is ours to write.
//!
//! The HTTP library keeps two buffers of 8 KB and a state for each connection, however idle. A socket, and a stream that has
//! nothing to say at the moment, need neither; they go on in a task that is no larger than they are.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::Held;
use super::bare_stream::Stream;
use super::stall::Stalling;
use super::websocket::socket::Serving;
use crate::driver::link::Link;

/// Where a request's answer leaves what shall go on with its connection. A server that can hand its connections over brings one
/// with each request; behind another, the answer is written through HTTP to its end.
#[derive(Clone, Default)]
pub struct Bare(Arc<Slot>);

#[derive(Default)]
struct Slot {
    wanted: Mutex<Option<Wanted>>,
    /// Something was given to the connection that it has not taken.
    unwritten: AtomicBool,
}

/// What goes on with a connection.
enum Wanted {
    /// A WebSocket, once its upgrade is answered.
    Socket(Link),
    /// The rest of a stream, in chunks.
    Stream(Link),
}

impl Bare {
    /// What leads to and from the connection: it sees whether all of an answer is written.
    #[must_use]
    pub fn watch(&self, socket: TcpStream) -> TokioIo<Stalling<TcpStream>> {
        TokioIo::new(Stalling::new(socket, self.clone()))
    }

    /// Whether a stream is to go on, and all of it so far is written. (A socket waits for HTTP to be done with its connection.)
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        let stream = matches!(*self.wanted(), Some(Wanted::Stream(_)));
        stream && !self.0.unwritten.load(Ordering::Relaxed)
    }

    /// Goes on with a connection that HTTP is done with, or ends it. `early` was read from it already; `held` is given back when
    /// it is gone.
    pub async fn go_on(&self, io: TokioIo<Stalling<TcpStream>>, early: &[u8], held: Held) {
        let mut io = io.into_inner();
        let wanted = self.wanted().take();
        match wanted {
            // In a task of its own: what it took to get here is freed.
            Some(Wanted::Socket(link)) => drop(tokio::spawn(Serving::new(io, early, link, Some(held)))),
            Some(Wanted::Stream(link)) => drop(tokio::spawn(Stream::new(io, link, held))),
            None => {
                let _ = io.shutdown().await;
            }
        }
    }

    pub(super) fn socket(&self, link: Link) {
        *self.wanted() = Some(Wanted::Socket(link));
    }

    pub(super) fn stream(&self, link: Link) {
        *self.wanted() = Some(Wanted::Stream(link));
    }

    pub(super) fn wrote(&self, all: bool) {
        self.0.unwritten.store(!all, Ordering::Relaxed);
    }

    fn wanted(&self) -> std::sync::MutexGuard<'_, Option<Wanted>> {
        self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
