//! What a transport holds: lines in, lines out. It cannot see a session through it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use tracing::debug;

use super::Node;
use super::session::Session;
use super::sessions::going_away;
use crate::driver::cycle;
use crate::protocol::body::{self, Body};
use crate::protocol::code::{Code, Refusal};
use crate::protocol::frame::RawFrame;
use crate::protocol::up::{Hello, Up};
use crate::protocol::{Line, NetworkId, Nonce, Transport, down};
use crate::session::server::settings::not_offered;
use crate::session::server::{Carrier, Input};

pub use crate::driver::cell::Progress;

/// A refusal of a request, with what its answer must echo.
#[derive(Debug)]
pub struct Refused {
    /// Of the request's hello, where it could be read.
    pub nonce: Option<Nonce>,
    /// The reason.
    pub refusal: Refusal,
}

/// One carrier of a leg: a socket, a stream's response, a poll's request. Dropping it tells the session.
pub struct Link {
    node: Arc<Node>,
    carrier: Carrier,
    network: Option<NetworkId>,
    state: State,
}

enum State {
    /// A socket that has not said hello. Next: any other.
    Silent,
    /// Next: `Over`.
    Attached(Arc<Session>),
    /// These lines are the last; whatever comes in is dropped.
    Over(Vec<Line>),
}

impl Node {
    /// A socket opened, from this address if that is known.
    #[must_use]
    pub fn socket(self: &Arc<Self>, from: Option<IpAddr>) -> Link {
        self.links.fetch_add(1, Ordering::Relaxed);
        let network = from.map(|address| self.networks.id(address));
        Link { node: Arc::clone(self), carrier: self.next_carrier(), network, state: State::Silent }
    }

    /// A stream's or a poll's whole body. A leg that is not taken gets a link as well, for its `end`.
    ///
    /// # Errors
    /// What to answer in place of lines.
    pub fn attach(self: &Arc<Self>, transport: Transport, from: Option<IpAddr>, body: &Bytes) -> Result<Link, Refused> {
        let Body { hello, frames } = read(body)?;
        let mut link = self.socket(from);
        let nonce = hello.nonce.clone();
        match link.attach(transport, hello, frames) {
            Err(refusal) if refusal.is_error() => Err(refused(Some(nonce), refusal)),
            Err(refusal) => {
                link.turn_away(Some(nonce), &refusal);
                Ok(link)
            }
            Ok(()) => Ok(link),
        }
    }

    /// A send's whole body; the lines of its answer.
    ///
    /// # Errors
    /// What to answer in place of lines.
    pub fn send(self: &Arc<Self>, body: &Bytes) -> Result<Vec<Line>, Refused> {
        let Body { hello, frames } = read(body)?;
        let nonce = hello.nonce.clone();
        let end = || vec![down::end(Some(nonce.clone()), &gone())];
        let Some(session) = self.sessions.find(&hello) else { return Ok(end()) };
        let carrier = self.next_carrier();
        match cycle::input(&**self, &session, Input::Send { carrier, hello, frames }) {
            None => Ok(end()),
            Some(Ok(())) => Ok(session.cell.take_finished(carrier)),
            Some(Err(refusal)) => Err(refused(Some(nonce), refusal)),
        }
    }
}

fn read(body: &Bytes) -> Result<Body, Refused> {
    body::read(body).map_err(|(nonce, refusal)| refused(nonce, refusal))
}

const fn refused(nonce: Option<Nonce>, refusal: Refusal) -> Refused {
    Refused { nonce, refusal }
}

impl Link {
    /// Frames came up the socket. What is wrong with them is answered on the socket. Call [`Self::poll_lines`] in the same poll: this
    /// socket is not woken for what became due.
    pub fn receive(&mut self, frames: impl IntoIterator<Item = Result<RawFrame, Refusal>>) {
        let mut frames = frames.into_iter();
        while let State::Silent = self.state {
            match frames.next() {
                None => return,
                Some(first) => self.receive_first(first),
            }
        }
        let frames = frames.map(|frame| frame.and_then(|frame| Up::read(&frame)));
        let State::Attached(session) = &self.state else { return };
        let session = Arc::clone(session);
        let (node, carrier) = (&*self.node, self.carrier);
        let inputs = frames.map(|frame| {
            let frame = frame.and_then(|frame| match &frame {
                Up::Hello(hello) if hello.secret != session.secret => {
                    Err(Refusal::bad_frame("a socket carries one session; this hello names another"))
                }
                _ => Ok(frame),
            });
            match frame {
                Ok(frame) => Input::Frame { carrier, frame },
                Err(refusal) => {
                    node.note(&refusal);
                    Input::Refused { carrier, refusal }
                }
            }
        });
        if cycle::turn(node, &session, |cell, now| cell.take(now, Some(carrier), inputs)).is_none() {
            self.state = State::Over(session.cell.take_finished(carrier));
        }
    }

    fn receive_first(&mut self, frame: Result<RawFrame, Refusal>) {
        let frame = match frame {
            Ok(frame) => frame,
            Err(refusal) => return self.refuse(&refusal),
        };
        match Up::read(&frame) {
            Ok(Up::Hello(hello)) => {
                let nonce = hello.nonce.clone();
                if let Err(refusal) = self.attach(Transport::WebSocket, hello, Vec::new()) {
                    self.turn_away(Some(nonce), &refusal);
                }
            }
            Ok(_) => self.refuse(&Refusal::bad_frame("the first frame on a socket must be a hello")),
            Err(refusal) => self.turn_away(Hello::nonce_of(&frame), &refusal),
        }
    }

    /// Says `end` to a socket that has no session yet.
    pub fn refuse(&mut self, refusal: &Refusal) {
        if matches!(self.state, State::Silent) {
            self.turn_away(None, refusal);
        }
    }

    fn turn_away(&mut self, nonce: Option<Nonce>, refusal: &Refusal) {
        self.node.note(refusal);
        self.state = State::Over(vec![down::end(nonce, refusal)]);
    }

    /// Whether the socket still has to say hello.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        matches!(self.state, State::Silent)
    }

    /// Hands out lines to be written now, or later. What is not handed out stays in the session.
    pub fn poll_lines(&mut self, cx: &mut Context<'_>, out: impl FnMut(&Line)) -> Poll<Progress> {
        match &mut self.state {
            State::Silent => Poll::Pending,
            State::Over(lines) => {
                std::mem::take(lines).iter().for_each(out);
                Poll::Ready(Progress::End)
            }
            State::Attached(session) => cycle::poll_lines(&*self.node, session, cx, self.carrier, out),
        }
    }

    fn attach(&mut self, transport: Transport, mut hello: Hello, frames: Vec<Up>) -> Result<(), Refusal> {
        // A leg that polls goes on until it has left; nothing else attaches any more.
        if self.node.is_draining() && (transport != Transport::Poll || hello.id.is_none()) {
            return Err(going_away());
        }
        let (nonce, named, asks) = (hello.nonce.clone(), hello.id.is_some(), hello.turn.is_some());
        // Whether a session that lives takes the leg is for the session to say: it knows which legs are new.
        let offered = self.node.transports().contains(&transport);
        let Some(session) = self.node.join(&hello, offered)? else {
            if !offered && !named {
                return Err(not_offered(transport));
            }
            self.state = State::Over(vec![down::end(Some(nonce), &gone())]);
            return Ok(());
        };
        self.node.counters.attaches[transport.place()].inc();
        debug!(session = %session.id, leg = hello.leg, %transport, carrier = self.carrier.0, "a leg attaches");
        let report = hello.report.take();
        let attach = Input::Attach { carrier: self.carrier, transport, network: self.network, hello, frames };
        match cycle::input(&*self.node, &session, attach) {
            None => self.state = State::Over(vec![down::end(Some(nonce), &gone())]),
            Some(Err(refusal)) => return Err(refusal),
            Some(Ok(())) => {
                self.state = State::Attached(session);
                if let Some(report) = report {
                    self.node.counters.clients.told(transport, &report, asks);
                }
            }
        }
        Ok(())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.node.links.fetch_sub(1, Ordering::Relaxed);
        if let State::Attached(session) = &self.state {
            debug!(session = %session.id, carrier = self.carrier.0, "a leg's connection or poll is over");
            cycle::closed(&*self.node, session, self.carrier);
        }
    }
}

fn gone() -> Refusal {
    Refusal::new(Code::Gone, "that session does not exist any more; start a new one")
}
