//! The server's side of a simulation: real sessions, found by their secret, behind carriers that the simulation names.
//!
//! It is the driver without tasks. The simulation beside it, the shared vectors and the simulation of the JavaScript client
//! all use it. No product build contains it.

mod check;

use std::collections::BTreeMap;

use crate::protocol::code::{Leaving, Mistake, Refusal};
use crate::protocol::frame::RawFrame;
use crate::protocol::up::{Command, Hello, Up};
use crate::protocol::{Line, Secret, Seq, SessionId, Transport, body, down};
use crate::session::Time;
use crate::session::server::{Carrier, Input, Output, Resolution, Right, ServerSession, resolve};
use bytes::Bytes;

pub use self::check::{Check, stated, stating};
use self::check::{Checks, Judged};

/// An action of the server's side.
pub enum Effect {
    /// Lines on a carrier that stays.
    Write(Carrier, Vec<Line>),
    /// The last lines of a carrier.
    Finish(Carrier, Vec<Line>),
    /// A request was refused with an error.
    Refused(Carrier, Refusal),
    /// A session accepted this from its client.
    Command(SessionId, Command),
    /// A session dropped all frames up to this number.
    Overrun(Seq),
}

/// The route of a POST.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Post {
    /// `/rt/stream`
    Stream,
    /// `/rt/send`
    Send,
    /// `/rt/poll`
    Poll,
}

/// The most bytes that a carrier accepts at once. They are few, so that a write often leaves some lines.
const WRITTEN_AT_ONCE: usize = 400;

type Make = Box<dyn Fn(Time, SessionId) -> ServerSession>;

/// What became of a carrier.
enum Known {
    /// It carries a leg of this session.
    Attached(SessionId),
    /// Its hello is not decided. These frames came on it meanwhile.
    Waiting(Vec<RawFrame>),
    /// Its request was refused, or it got `end` with `gone`. All that follows on it is dropped.
    TurnedAway,
}

/// The server's side of a simulation.
pub struct ServerSide {
    make: Make,
    sessions: Vec<(Secret, ServerSession)>,
    /// The carriers that brought something, and are not closed.
    carriers: BTreeMap<Carrier, Known>,
    created: u32,
    checks: Option<Checks>,
    /// The last session that its client ended.
    left: Option<SessionId>,
    effects: Vec<Effect>,
}

impl std::fmt::Debug for ServerSide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.sessions.iter().map(|(_, session)| session)).finish()
    }
}

impl ServerSide {
    /// Returns a server's side without sessions.
    pub fn new(make: Make) -> Self {
        Self {
            make,
            sessions: Vec::new(),
            carriers: BTreeMap::new(),
            created: 0,
            checks: None,
            left: None,
            effects: Vec::new(),
        }
    }

    /// Lets in only clients whose token passes the check. Each decision about a hello takes this long.
    #[must_use]
    pub fn checking(mut self, check: Check, takes: Time) -> Self {
        self.checks = Some(Checks::new(check, takes));
        self
    }

    /// Handles a message on a socket; the first must be a hello. After `gone`, drops all that follows.
    pub fn socket(&mut self, now: Time, carrier: Carrier, frame: &RawFrame) {
        let up = Up::read(frame);
        match self.carriers.get_mut(&carrier) {
            Some(Known::TurnedAway) => {}
            Some(Known::Waiting(early)) => early.push(frame.clone()),
            Some(Known::Attached(id)) => {
                let id = id.clone();
                match up {
                    Ok(frame) => self.input(now, &id, Input::Frame { carrier, frame }),
                    Err(refusal) => self.input(now, &id, Input::Refused { carrier, refusal }),
                }
            }
            None => match up {
                Ok(Up::Hello(hello)) => {
                    self.attach(now, carrier, Transport::WebSocket, hello, Vec::new());
                }
                Ok(_) => self.refuse(carrier, Mistake::SocketWithoutHello.into()),
                Err(refusal) => self.refuse(carrier, refusal),
            },
        }
    }

    /// Handles a request with its whole body.
    pub fn request(&mut self, now: Time, carrier: Carrier, post: Post, text: &Bytes) {
        match body::read(text) {
            Err((_, refusal)) => self.refuse(carrier, refusal),
            Ok(body) => match post {
                Post::Stream => self.attach(now, carrier, Transport::Sse, body.hello, body.frames),
                Post::Poll => self.attach(now, carrier, Transport::Poll, body.hello, body.frames),
                Post::Send => match self.find(now, &body.hello, false) {
                    None => self.gone(carrier, &body.hello),
                    Some(id) => {
                        let input = Input::Send { carrier, hello: body.hello, frames: body.frames };
                        self.checked(now, &id, carrier, input);
                    }
                },
            },
        }
    }

    fn attach(&mut self, now: Time, carrier: Carrier, transport: Transport, hello: Hello, frames: Vec<Up>) {
        let is_known = self.find(now, &hello, false).is_some_and(|id| {
            self.session(&id).is_some_and(|session| session.knows_leg(hello.leg)) && hello.token.is_none()
        });
        let Some(checks) = self.checks.as_mut().filter(|_| !is_known) else {
            return self.admit(now, carrier, transport, (hello, frames), None);
        };
        match checks.judge(now, carrier, transport, hello, frames) {
            Judged::Now(hello, frames, Ok(right)) => self.admit(now, carrier, transport, (hello, frames), Some(right)),
            Judged::Now(hello, _, Err(refusal)) => self.end(carrier, &hello, &refusal),
            Judged::Told(line) if transport == Transport::Poll => {
                self.carriers.insert(carrier, Known::TurnedAway);
                self.effects.push(Effect::Finish(carrier, vec![line]));
            }
            Judged::Told(line) => {
                self.carriers.insert(carrier, Known::Waiting(Vec::new()));
                self.effects.push(Effect::Write(carrier, vec![line]));
            }
            Judged::Held => {
                self.carriers.insert(carrier, Known::Waiting(Vec::new()));
            }
        }
    }

    /// Attaches a leg of a client that the check let in.
    fn admit(
        &mut self,
        now: Time,
        carrier: Carrier,
        transport: Transport,
        (hello, frames): (Hello, Vec<Up>),
        right: Option<Box<Right>>,
    ) {
        let Some(id) = self.find(now, &hello, true) else { return self.gone(carrier, &hello) };
        let user = right.as_ref().map(|right| right.user.as_deref());
        let is_of_another = |session: &mut ServerSession| user.is_some_and(|user| !session.is_new_or_of(user));
        if self.session(&id).is_some_and(is_of_another) {
            return self.gone(carrier, &hello);
        }
        self.carriers.insert(carrier, Known::Attached(id.clone()));
        self.checked(now, &id, carrier, Input::Attach { carrier, transport, network: None, right, hello, frames });
    }

    /// Admits the clients whose decision has come.
    fn decide(&mut self, now: Time) {
        let decided = self.checks.as_mut().map(|checks| checks.decided(now)).unwrap_or_default();
        for (carrier, transport, hello, frames, outcome) in decided {
            let Some(Known::Waiting(early)) = self.carriers.remove(&carrier) else { continue };
            match outcome {
                Ok(right) => self.admit(now, carrier, transport, (hello, frames), Some(right)),
                Err(refusal) => self.end(carrier, &hello, &refusal),
            }
            early.iter().for_each(|frame| self.socket(now, carrier, frame));
        }
    }

    fn find(&mut self, now: Time, hello: &Hello, may_create: bool) -> Option<SessionId> {
        let held =
            self.sessions.iter().find(|(secret, _)| *secret == hello.secret).map(|(_, session)| session.id().clone());
        match resolve(held.as_ref(), hello, may_create) {
            Resolution::Join => held,
            Resolution::Gone => None,
            Resolution::Create => {
                self.created += 1;
                let id = SessionId::try_from(format!("s{}", self.created)).ok()?;
                self.sessions.push((hello.secret.clone(), (self.make)(now, id.clone())));
                Some(id)
            }
        }
    }

    fn gone(&mut self, carrier: Carrier, hello: &Hello) {
        self.end(carrier, hello, &Leaving::Incarnation.into());
    }

    fn end(&mut self, carrier: Carrier, hello: &Hello, refusal: &Refusal) {
        self.carriers.insert(carrier, Known::TurnedAway);
        self.effects.push(Effect::Finish(carrier, vec![down::end(Some(hello.nonce.clone()), refusal)]));
    }

    fn refuse(&mut self, carrier: Carrier, refusal: Refusal) {
        self.carriers.insert(carrier, Known::TurnedAway);
        self.effects.push(Effect::Refused(carrier, refusal));
    }

    fn checked(&mut self, now: Time, id: &SessionId, carrier: Carrier, input: Input) {
        let Some(session) = self.session(id) else {
            return;
        };
        if let Err(refusal) = session.handle(now, input) {
            self.refuse(carrier, refusal);
        }
        self.drain(now, id);
    }

    /// Handles the loss of a carrier.
    pub fn closed(&mut self, now: Time, carrier: Carrier) {
        if let Some(Known::Attached(id)) = self.carriers.remove(&carrier) {
            self.input(now, &id, Input::Closed(carrier));
        }
    }

    /// Pushes a frame for a session's client. Returns false if there is no such session.
    pub fn push(&mut self, id: &SessionId, line: Line) -> bool {
        let Some(session) = self.session(id) else { return false };
        session.push(line);
        self.drain(Time::ZERO, id);
        true
    }

    /// Advances the time.
    pub fn timeout(&mut self, now: Time) {
        self.decide(now);
        let due = |session: &ServerSession| session.poll_timeout().is_some_and(|at| at <= now);
        let due: Vec<SessionId> =
            self.sessions.iter().filter(|(_, session)| due(session)).map(|(_, session)| session.id().clone()).collect();
        for id in due {
            self.input(now, &id, Input::Timeout);
        }
    }

    /// Returns when [`Self::timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Time> {
        let decision = self.checks.as_ref().and_then(Checks::due);
        self.sessions.iter().filter_map(|(_, session)| session.poll_timeout()).chain(decision).min()
    }

    /// Returns the effects since the last call. `room` says whether a carrier accepts anything now.
    pub fn effects(&mut self, now: Time, room: impl Fn(Carrier) -> bool) -> Vec<Effect> {
        for (_, session) in &mut self.sessions {
            let wanting: Vec<Carrier> = session.wants_write().filter(|carrier| room(*carrier)).collect();
            for carrier in wanting {
                let mut lines = Vec::new();
                session.write(now, carrier, WRITTEN_AT_ONCE, |line| lines.push(line.clone()));
                self.effects.push(Effect::Write(carrier, lines));
            }
        }
        std::mem::take(&mut self.effects)
    }

    /// Returns the session of this id, if it lives.
    pub fn session(&mut self, id: &SessionId) -> Option<&mut ServerSession> {
        self.sessions.iter_mut().map(|(_, session)| session).find(|session| session.id() == id)
    }

    /// Returns the last session that its client ended by `bye`.
    pub const fn left(&self) -> Option<&SessionId> {
        self.left.as_ref()
    }

    /// Returns the secret of the newest session.
    pub fn secret(&self) -> Option<&Secret> {
        self.sessions.last().map(|(secret, _)| secret)
    }

    /// Returns the newest session.
    pub fn newest(&self) -> Option<SessionId> {
        self.sessions.last().map(|(_, session)| session.id().clone())
    }

    fn input(&mut self, now: Time, id: &SessionId, input: Input) {
        let Some(session) = self.session(id) else {
            return;
        };
        let _ = session.handle(now, input);
        self.drain(now, id);
    }

    fn drain(&mut self, now: Time, id: &SessionId) {
        let Some(session) = self.session(id) else {
            return;
        };
        let outputs: Vec<Output> = std::iter::from_fn(|| session.poll_output()).collect();
        for output in outputs {
            // No output follows the end of a session.
            if self.session(id).is_none() {
                return;
            }
            match output {
                Output::Command(command) => self.effects.push(Effect::Command(id.clone(), command)),
                Output::Finish { carrier, lines } => {
                    self.effects.push(Effect::Finish(carrier, lines));
                }
                Output::Overrun { through } => self.effects.push(Effect::Overrun(through)),
                Output::Token { leg, token } => {
                    if let Some(outcome) = self.checks.as_ref().map(|checks| checks.check(now, Some(&token))) {
                        self.input(now, id, Input::Token { leg, outcome });
                    }
                }
                Output::Left => {
                    self.left = Some(id.clone());
                    self.sessions.retain(|(_, session)| session.id() != id);
                }
                Output::Expired => self.sessions.retain(|(_, session)| session.id() != id),
            }
        }
    }
}
