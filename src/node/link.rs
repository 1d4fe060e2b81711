//! The handle of a transport: lines in, lines out. A transport cannot see a session through it.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::time::{Instant, Sleep};
use tracing::debug;

use super::Node;
use super::join::Judged;
use super::judgements::{Verdict, Waiting};
use super::session::Session;
use super::sessions::going_away;
use crate::backend::access::Admitted;
use crate::driver::cycle::{self, NotAccepted};
use crate::protocol::body::{self, Body};
use crate::protocol::code::{Leaving, Limit, Mistake, Refusal};
use crate::protocol::frame::RawFrame;
use crate::protocol::token::Token;
use crate::protocol::up::{Hello, Up};
use crate::protocol::{Line, Nonce, Transport, down, limits};
use crate::session::server::settings::not_offered;
use crate::session::server::{Carrier, Input, Right};

pub use crate::driver::cell::Progress;

/// A refusal of a request, with the nonce that its answer must echo.
#[derive(Debug)]
pub struct Refused {
    /// The nonce of the request's hello, if it could be read.
    pub nonce: Option<Nonce>,
    /// The reason.
    pub refusal: Refusal,
}

/// One carrier of a leg: a socket, a stream's response, or a poll's request. Dropping it reports that to the session.
pub struct Link {
    node: Arc<Node>,
    carrier: Carrier,
    state: State,
}

/// The other end of a connection, as its server sees it.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// Its address, if it is known.
    pub address: Option<IpAddr>,
    /// The token in a header or a cookie of its request.
    pub token: Option<Token>,
}

enum State {
    /// A socket that has sent no hello. Next: any other state.
    Silent(Caller),
    /// The backend has not judged the hello yet. Next: `Attached` or `Over`.
    Joining(Box<Joining>),
    /// Next: `Over`.
    Attached(Arc<Session>),
    /// These are the last lines. All that comes in is dropped.
    Over(Box<[Line]>),
}

/// A hello that waits for its verdict. Dropping this cancels the hello.
struct Joining {
    waiting: Waiting,
    /// When the client is told to wait. `None` once it is.
    tells: Option<Pin<Box<Sleep>>>,
    attaching: Attaching,
    /// The frames that came up the socket meanwhile, and their cost in bytes.
    early: Vec<RawFrame>,
    early_bytes: usize,
}

/// A hello that attaches a leg, and the frames behind it in its body.
struct Attaching {
    /// The address of the client.
    address: Option<IpAddr>,
    transport: Transport,
    hello: Hello,
    frames: Vec<Up>,
}

impl Node {
    /// Returns the link of a socket that opened.
    #[must_use]
    pub fn socket(self: &Arc<Self>, caller: Caller) -> Link {
        self.links.fetch_add(1, Ordering::Relaxed);
        Link { node: Arc::clone(self), carrier: self.next_carrier(), state: State::Silent(caller) }
    }

    /// Accepts the whole body of a stream or a poll. A refused leg may get a link as well, for its `end`.
    ///
    /// # Errors
    /// A refusal to answer instead of lines.
    pub fn attach(self: &Arc<Self>, transport: Transport, from: Caller, body: &Bytes) -> Result<Link, Refused> {
        let Body { hello, frames } = read(body)?;
        let (address, mut link) = (from.address, self.socket(from));
        let nonce = hello.nonce.clone();
        match link.attach(Attaching { address, transport, hello, frames }) {
            Err(refusal) if refusal.is_error() => Err(refused(Some(nonce), refusal)),
            Err(refusal) => {
                link.turn_away(Some(nonce), &refusal);
                Ok(link)
            }
            Ok(()) => Ok(link),
        }
    }

    /// Accepts the whole body of a send. Returns the lines of its answer.
    ///
    /// # Errors
    /// A refusal to answer instead of lines.
    pub fn send(self: &Arc<Self>, body: &Bytes) -> Result<Vec<Line>, Refused> {
        let Body { hello, frames } = read(body)?;
        let nonce = hello.nonce.clone();
        let end = || vec![down::end(Some(nonce.clone()), &gone())];
        let Some(session) = self.sessions.find(&hello) else { return Ok(end()) };
        let carrier = self.next_carrier();
        match cycle::input(&**self, &session, Input::Send { carrier, hello, frames }) {
            Ok(()) => Ok(session.cell.take_finished(carrier)),
            Err(NotAccepted::Over) => Ok(end()),
            Err(NotAccepted::Refused(refusal)) => Err(refused(Some(nonce), refusal)),
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
    /// Receives frames that came up the socket. Faults in them are answered on the socket. Call
    /// [`Self::poll_lines`] in the same poll, because this socket is not woken for lines that became due.
    pub fn receive(&mut self, frames: impl IntoIterator<Item = Result<RawFrame, Refusal>>) {
        let mut frames = frames.into_iter();
        while let State::Silent(_) = self.state {
            match frames.next() {
                None => return,
                Some(first) => self.receive_first(first),
            }
        }
        let session = match &self.state {
            State::Attached(session) => Arc::clone(session),
            State::Joining(_) => return frames.for_each(|frame| self.keep(frame)),
            State::Silent(_) | State::Over(_) => return,
        };
        let frames = frames.map(|frame| frame.and_then(|frame| Up::read(&frame)));
        let (node, carrier) = (&*self.node, self.carrier);
        let inputs = frames.map(|frame| {
            let frame = frame.and_then(|frame| match &frame {
                Up::Hello(hello) if hello.secret != session.secret => Err(Mistake::OtherSession.into()),
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
        if !cycle::frames(node, &session, carrier, inputs) {
            self.state = State::Over(session.cell.take_finished(carrier).into());
        }
    }

    fn receive_first(&mut self, frame: Result<RawFrame, Refusal>) {
        let frame = match frame {
            Ok(frame) => frame,
            Err(refusal) => return self.refuse(&refusal),
        };
        let State::Silent(Caller { address, .. }) = self.state else { return };
        match Up::read(&frame) {
            Ok(Up::Hello(hello)) => {
                let nonce = hello.nonce.clone();
                let attaching = Attaching { address, transport: Transport::WebSocket, hello, frames: Vec::new() };
                if let Err(refusal) = self.attach(attaching) {
                    self.turn_away(Some(nonce), &refusal);
                }
            }
            Ok(_) => self.refuse(&Mistake::SocketWithoutHello.into()),
            Err(refusal) => self.turn_away(Hello::nonce_of(&frame), &refusal),
        }
    }

    /// Keeps a frame that came before the verdict.
    fn keep(&mut self, frame: Result<RawFrame, Refusal>) {
        let State::Joining(joining) = &mut self.state else { return };
        let refusal = match frame {
            Ok(frame) => {
                joining.early_bytes += frame.cost();
                joining.early.push(frame);
                if joining.early_bytes <= limits::BODY_BYTES && joining.early.len() <= limits::BODY_LINES {
                    return;
                }
                Limit::Early.into()
            }
            Err(refusal) => refusal,
        };
        let nonce = joining.attaching.hello.nonce.clone();
        self.turn_away(Some(nonce), &refusal);
    }

    /// Sends `end` on a socket that has no session yet.
    pub fn refuse(&mut self, refusal: &Refusal) {
        if matches!(self.state, State::Silent(_)) {
            self.turn_away(None, refusal);
        }
    }

    fn turn_away(&mut self, nonce: Option<Nonce>, refusal: &Refusal) {
        self.node.note(refusal);
        self.state = State::Over([down::end(nonce, refusal)].into());
    }

    /// Returns true if the socket has not sent its hello.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        matches!(self.state, State::Silent(_))
    }

    /// Hands out lines to be written, now or later. Lines that are not handed out stay in the session.
    pub fn poll_lines(&mut self, cx: &mut Context<'_>, out: impl FnMut(&Line)) -> Poll<Progress> {
        if let State::Joining(joining) = &mut self.state {
            match joining.waiting.verdict.as_mut().poll(cx) {
                Poll::Ready(verdict) => self.joined(verdict),
                Poll::Pending => return self.poll_wait(cx, out),
            }
        }
        match &mut self.state {
            State::Silent(_) | State::Joining(_) => Poll::Pending,
            State::Over(lines) => {
                std::mem::take(lines).iter().for_each(out);
                Poll::Ready(Progress::End)
            }
            State::Attached(session) => cycle::poll_lines(&*self.node, session, cx, self.carrier, out),
        }
    }

    /// Tells the client of an undecided hello that its path works. For a poll that is the whole answer. Its judgement
    /// goes on, and the next poll joins it.
    fn poll_wait(&mut self, cx: &mut Context<'_>, mut out: impl FnMut(&Line)) -> Poll<Progress> {
        let State::Joining(joining) = &mut self.state else { return Poll::Pending };
        let Some(tells) = &mut joining.tells else { return Poll::Pending };
        ready!(tells.as_mut().poll(cx));
        joining.tells = None;
        let left = joining.waiting.until.saturating_duration_since(Instant::now());
        out(&down::wait(joining.attaching.hello.nonce.clone(), crate::session::milliseconds(left)));
        if joining.attaching.transport != Transport::Poll {
            return Poll::Ready(Progress::Lines);
        }
        if let State::Joining(joining) = std::mem::replace(&mut self.state, State::Over(Box::default())) {
            joining.waiting.promise();
        }
        Poll::Ready(Progress::End)
    }

    /// Makes the answer of a poll due, because its client stopped waiting. Call [`Self::poll_lines`] in the same
    /// poll.
    pub fn hurry(&mut self) {
        match &self.state {
            State::Attached(session) => session.cell.hurry(self.carrier),
            State::Joining(joining) => {
                let nonce = joining.attaching.hello.nonce.clone();
                self.turn_away(Some(nonce), &Leaving::Undecided.into());
            }
            State::Silent(_) | State::Over(_) => {}
        }
    }

    /// Attaches the leg of a hello, at once or after the hello is judged.
    fn attach(&mut self, attaching: Attaching) -> Result<(), Refusal> {
        self.check_may_attach(&attaching)?;
        let hello = &attaching.hello;
        let named = self.node.named(hello);
        // A leg that attached before is not judged again, unless it brings a token.
        let beside = if let State::Silent(caller) = &self.state { caller.token.as_ref() } else { None };
        let token = hello.token.as_ref().or(beside);
        let is_judged = self.node.access.checks_tokens() && token.is_some();
        let known = named.as_ref().filter(|session| session.cell.knows_leg(hello.leg));
        match known {
            Some(session) if !is_judged => return self.enter(Arc::clone(session), attaching, None),
            Some(_) => {}
            // A forged token costs as much as a valid one, so each new leg counts before it is judged.
            None => self.node.spend_attach(attaching.address)?,
        }
        match self.node.judge(hello, token) {
            Judged::Now(verdict) => self.find(&verdict?, named, attaching),
            Judged::Later(waiting) => {
                let tells = (!waiting.is_told).then(|| Box::pin(tokio::time::sleep(limits::WAIT_AFTER)));
                let joining = Joining { waiting, tells, attaching, early: Vec::new(), early_bytes: 0 };
                self.state = State::Joining(Box::new(joining));
                Ok(())
            }
        }
    }

    /// Handles the verdict, and receives the frames that came meanwhile.
    fn joined(&mut self, verdict: Verdict) {
        let State::Joining(joining) = std::mem::replace(&mut self.state, State::Silent(Caller::default())) else {
            return;
        };
        let Joining { attaching, early, .. } = *joining;
        let nonce = attaching.hello.nonce.clone();
        let allowed = self.check_may_attach(&attaching).and(verdict);
        let named = self.node.named(&attaching.hello);
        match allowed.and_then(|admitted| self.find(&admitted, named, attaching)) {
            Ok(()) => self.receive(early.into_iter().map(Ok)),
            Err(refusal) => self.turn_away(Some(nonce), &refusal),
        }
    }

    /// Refuses new legs while the node drains. Only a leg that polls may go on until it has left.
    fn check_may_attach(&self, Attaching { transport, hello, .. }: &Attaching) -> Result<(), Refusal> {
        let leaves = self.node.is_draining() && (*transport != Transport::Poll || hello.id.is_none());
        if leaves { Err(going_away()) } else { Ok(()) }
    }

    /// Finds the session of a client that the backend let in, and attaches to it.
    fn find(&mut self, admitted: &Admitted, named: Option<Arc<Session>>, attaching: Attaching) -> Result<(), Refusal> {
        let Attaching { address, transport, hello, .. } = &attaching;
        // If the session lives, it decides itself whether it accepts the leg, because it knows which legs are new.
        let offered = self.node.transports().contains(transport);
        match self.node.join(hello, named, admitted, (*address, offered))? {
            Some(session) => {
                let right = self.node.right_of(admitted);
                self.enter(Arc::clone(&session), attaching, right)?;
                self.node.end_if_revoked(&session, &admitted.identity);
                Ok(())
            }
            None if !offered && hello.id.is_none() => Err(not_offered(*transport)),
            None => {
                self.state = State::Over([down::end(Some(hello.nonce.clone()), &gone())].into());
                Ok(())
            }
        }
    }

    fn enter(&mut self, session: Arc<Session>, attaching: Attaching, right: Option<Box<Right>>) -> Result<(), Refusal> {
        let Attaching { address, transport, mut hello, frames } = attaching;
        let network = address.map(|address| self.node.networks.id(address));
        self.node.counters.attaches[transport.place()].inc();
        debug!(session = %session.id, leg = hello.leg.0, %transport, carrier = self.carrier.0, "a leg attaches");
        let (nonce, asks, report) = (hello.nonce.clone(), hello.turn.is_some(), hello.report.take());
        let attach = Input::Attach { carrier: self.carrier, transport, network, right, hello, frames };
        match cycle::input(&*self.node, &session, attach) {
            Err(NotAccepted::Over) => self.state = State::Over([down::end(Some(nonce), &gone())].into()),
            Err(NotAccepted::Refused(refusal)) => return Err(refusal),
            Ok(()) => {
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
    Leaving::Session.into()
}
