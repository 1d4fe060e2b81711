//! One schedule: a client, a node and a network that misbehaves for a while and then stops.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::ledger::Ledger;
use super::network::{Agenda, Event, Path, Random};
use super::node::{Effect, Kind, Node};
use super::{LONGEST_QUIET, PROBE_EVERY};
use crate::protocol::Transport;
use crate::protocol::frame::RawFrame;
use crate::protocol::limits::Limits;
use crate::protocol::line::Line;
use crate::session::Time;
use crate::session::client::{ClientSession, Input, Output, Route};
use crate::session::mutant::{Mutant, Mutation};
use crate::session::server::{Carrier, ServerSession, Settings};

/// So much happening at one moment means that something spins.
const MOST_AT_ONCE: u32 = 5_000;

/// The client's owner's view of a leg. It opens legs and drops dead ones; it knows nothing of turns.
struct Owned {
    usable: bool,
    opened: Time,
    heard: Time,
    pinged: Option<Time>,
}

/// Who a carrier belongs to: a leg, and for a request its number.
type Addressee = (u32, Option<(u64, Kind)>);

pub(super) struct Schedule {
    now: Time,
    random: Random,
    agenda: Agenda,
    client: ClientSession,
    node: Node,
    pub(super) ledger: Ledger,
    paths: Vec<Path>,
    owned: HashMap<u32, Owned>,
    carriers: HashMap<Carrier, Addressee>,
    requests: HashMap<(u32, u8), (u64, Time)>,
    counted: u64,
    room: usize,
    chance: u64,
    /// In so many of a hundred looks of the owner, it opens another leg, or asks on one.
    chaos: u64,
    replay_frames: usize,
    faults_stop: Time,
    client_timer: Option<Time>,
    server_timer: Option<Time>,
}

fn line(text: &str) -> Line {
    Line::compose(|buffer| buffer.extend_from_slice(text.as_bytes()))
}

fn received(lines: &[Line]) -> Vec<RawFrame> {
    lines.iter().map(Line::received).collect()
}

impl Schedule {
    pub(super) fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut random = Random(seed);
        let mutation = Mutation::of(mutant);
        let replay_frames = if random.percent(25) { 4 } else { 64 };
        let resume = if random.percent(40) { 1_500 } else { 120_000 };
        let settings = Arc::new(Settings {
            limits: Limits {
                replay_frames,
                ..Limits::default()
            },
            hold: Time::from_secs(2),
            resume: Time::from_millis(resume),
            attaches_a_minute: 1_000_000,
            ..Settings::default()
        });
        let make =
            move |now, id| ServerSession::new(now, id, Arc::clone(&settings)).mutated(mutation);
        let mut secrets = 0;
        let source = Box::new(move || {
            secrets += 1;
            format!("{secrets:0>24}")
        });
        let mut schedule = Self {
            now: Time::ZERO,
            agenda: Agenda::default(),
            client: ClientSession::new(source).mutated(mutation),
            node: Node::new(Box::new(make)),
            ledger: Ledger::default(),
            paths: Vec::new(),
            owned: HashMap::new(),
            carriers: HashMap::new(),
            requests: HashMap::new(),
            counted: 0,
            room: 1 + usize::try_from(random.below(4)).unwrap_or(0),
            chance: random.below(30),
            chaos: 5 + random.below(40),
            replay_frames,
            faults_stop: Time::from_secs(3 + random.below(6)),
            client_timer: None,
            server_timer: None,
            random,
        };
        schedule.plan_first();
        schedule
    }

    fn plan_first(&mut self) {
        self.agenda.plan(Time::ZERO, Event::Tick);
        for _ in 0..4 + self.random.below(20) {
            let at = self.random.milliseconds(9_000);
            let up = self.random.percent(50);
            self.agenda
                .plan(at, if up { Event::PushUp } else { Event::PushDown });
        }
        for _ in 0..self.random.below(14) {
            let at = self.random.milliseconds(9_000);
            self.agenda.plan(at, Event::Fault);
        }
    }

    /// Runs to the end. An error is a broken invariant.
    pub(super) fn run(&mut self) -> Result<(), String> {
        let mut probe = self.faults_stop;
        let mut at_once = 0;
        while let Some((at, event)) = self.agenda.next() {
            at_once = if at > self.now { 0 } else { at_once + 1 };
            if at_once > MOST_AT_ONCE {
                return Err(format!(
                    "busy without end at {at:?}: {}; client {:?}; node {:?}",
                    self.ledger, self.client, self.node
                ));
            }
            self.now = at;
            self.happen(event)?;
            self.settle()?;
            if self.now >= probe {
                if probe > self.faults_stop && self.ledger.settled(self.node.newest().as_ref()) {
                    return Ok(());
                }
                if self.now > self.faults_stop + LONGEST_QUIET {
                    return Err(format!("stuck: {}; client {:?}", self.ledger, self.client));
                }
                probe = self.now + PROBE_EVERY;
                self.agenda.plan(self.now, Event::PushUp);
                self.agenda.plan(self.now, Event::PushDown);
            }
        }
        Err("nothing happens any more".to_owned())
    }

    fn quiet(&self) -> bool {
        self.now >= self.faults_stop
    }

    fn delay(&mut self) -> Time {
        let slow = !self.quiet() && self.random.percent(self.chance);
        let delay = self.random.milliseconds(if slow { 1_500 } else { 40 });
        self.now + delay
    }

    fn path(&mut self, leg: u32) -> Option<&mut Path> {
        self.paths.iter_mut().find(|path| path.leg == leg)
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        let at = self.now;
        match event {
            Event::SocketOpens(leg) => self.client.handle(self.now, Input::Opened(leg)),
            Event::Up(leg, frame) => {
                if let Some(carrier) = self
                    .path(leg)
                    .filter(|path| !path.up_cut)
                    .and_then(|path| path.carrier)
                {
                    self.node.socket(self.now, carrier, &frame);
                }
            }
            Event::Down(leg, frames) => self.lines_come(leg, frames),
            Event::Request {
                leg,
                request,
                kind,
                body,
                copy,
            } => self.request_comes(leg, request, kind, &body, copy),
            Event::Response {
                leg,
                request,
                kind,
                lines,
            } => self.response_comes(leg, request, kind, lines),
            Event::ServerNotices(carrier) => self.node.closed(self.now, carrier),
            Event::ClientNotices(leg) => self.client_drops(leg),
            Event::Tick => self.tick(),
            // A timer that was armed anew for an earlier moment leaves a stale event behind.
            Event::ClientTimer => {
                if self.client_timer.take_if(|armed| *armed == at).is_some() {
                    self.client.handle(at, Input::Timeout);
                }
            }
            Event::ServerTimer => {
                if self.server_timer.take_if(|armed| *armed == at).is_some() {
                    self.node.timeout(at);
                }
            }
            Event::PushUp => {
                let text = self.ledger.push_up();
                self.client.handle(self.now, Input::Push(line(&text)));
            }
            Event::PushDown => {
                let burst = if self.random.percent(20) { 7 } else { 1 };
                for id in std::iter::repeat_n(self.node.newest(), burst).flatten() {
                    let text = self.ledger.push_down(&id);
                    self.node.push(self.now, &id, line(&text));
                }
            }
            Event::Fault => self.fault(),
        }
        Ok(())
    }

    /// Drains both ends until neither has anything to say.
    fn settle(&mut self) -> Result<(), String> {
        while let Some(output) = self.client.poll_output() {
            self.client_does(output)?;
        }
        let (paths, carriers, room) = (&self.paths, &self.carriers, self.room);
        let has_room = |carrier: Carrier| {
            let path = carriers.get(&carrier).and_then(|(leg, request)| {
                request
                    .is_none()
                    .then(|| paths.iter().find(|path| path.leg == *leg))
            });
            path.flatten().is_none_or(|path| path.under_way < room)
        };
        for effect in self.node.effects(self.now, has_room) {
            self.server_does(effect)?;
        }
        self.check_memory()?;
        self.arm();
        Ok(())
    }

    fn check_memory(&mut self) -> Result<(), String> {
        let Some(id) = self.node.newest() else {
            return Ok(());
        };
        let kept = self.node.session(&id).map_or(0, |session| session.kept().0);
        if kept > self.replay_frames {
            return Err(format!(
                "{kept} frames are kept; the bound is {}",
                self.replay_frames
            ));
        }
        Ok(())
    }

    fn arm(&mut self) {
        if let Some(at) = self
            .client
            .poll_timeout()
            .filter(|at| self.client_timer.is_none_or(|armed| *at < armed))
        {
            let at = at.max(self.now);
            self.client_timer = Some(at);
            self.agenda.plan(at, Event::ClientTimer);
        }
        if let Some(at) = self
            .node
            .poll_timeout()
            .filter(|at| self.server_timer.is_none_or(|armed| *at < armed))
        {
            let at = at.max(self.now);
            self.server_timer = Some(at);
            self.agenda.plan(at, Event::ServerTimer);
        }
    }

    fn client_does(&mut self, output: Output) -> Result<(), String> {
        match output {
            Output::Write(leg, lines) => {
                let at = self.delay();
                let Some(path) = self.path(leg).filter(|path| !path.up_cut) else {
                    return Ok(());
                };
                let at = path.arrival_up(at);
                for frame in received(&lines) {
                    self.agenda.plan(at, Event::Up(leg, frame));
                }
            }
            Output::Request(leg, route, lines) => self.issue(leg, route, &lines),
            Output::Usable(leg) => {
                if let Some(owned) = self.owned.get_mut(&leg) {
                    owned.usable = true;
                }
            }
            Output::Frame(frame) => self.ledger.received(&frame)?,
            Output::Close(leg, _) => self.dispose(leg),
            Output::Reset(reset, frames) => self.ledger.reset(reset, frames)?,
            Output::Unknown(frames) => self.ledger.unknown(&received(&frames)),
            Output::Pong(leg, _) => {
                if let Some(owned) = self.owned.get_mut(&leg) {
                    owned.heard = self.now;
                    owned.pinged = None;
                }
            }
            Output::Active(_) | Output::Link(_) => {}
        }
        Ok(())
    }

    fn issue(&mut self, leg: u32, route: Route, lines: &[Line]) {
        let kind = match route {
            Route::Stream => Kind::Stream,
            Route::Send => Kind::Send,
            Route::Poll => Kind::Poll,
        };
        let body: Bytes = lines
            .iter()
            .flat_map(|line| line.record().to_vec())
            .collect::<Vec<u8>>()
            .into();
        self.counted += 1;
        let request = self.counted;
        self.requests.insert((leg, kind as u8), (request, self.now));
        let at = self.delay();
        let cut = self.path(leg).is_none_or(|path| path.up_cut);
        let faulty = !self.quiet();
        if !(cut || (faulty && self.random.percent(self.chance / 2))) {
            self.agenda.plan(
                at,
                Event::Request {
                    leg,
                    request,
                    kind,
                    body: body.clone(),
                    copy: false,
                },
            );
        } else if self.random.percent(50) {
            self.agenda.plan(
                at,
                Event::Response {
                    leg,
                    request,
                    kind,
                    lines: None,
                },
            );
        }
        if faulty && self.random.percent(self.chance / 2) {
            // The copy comes late; or first, and it is the second whose answer is read, as when a browser repeats a POST.
            let first = self.random.percent(50);
            let at = if first {
                self.now
            } else {
                at + self.random.milliseconds(3_000)
            };
            self.agenda.plan(
                at,
                Event::Request {
                    leg,
                    request,
                    kind,
                    body,
                    copy: true,
                },
            );
        }
    }

    fn request_comes(&mut self, leg: u32, request: u64, kind: Kind, body: &Bytes, copy: bool) {
        self.counted += 1;
        let carrier = Carrier(self.counted);
        if !copy {
            let stream = kind == Kind::Stream;
            self.carriers
                .insert(carrier, (leg, (!stream).then_some((request, kind))));
            if let Some(path) = self.path(leg).filter(|_| stream) {
                path.carrier = Some(carrier);
            }
        }
        self.node.request(self.now, carrier, kind, body);
        // Nobody reads a copy's answer; the server may notice that or not.
        if copy && self.random.percent(50) {
            let at = self.delay();
            self.agenda.plan(at, Event::ServerNotices(carrier));
        }
    }

    fn server_does(&mut self, effect: Effect) -> Result<(), String> {
        match effect {
            Effect::Command(_, command) => self.ledger.taken(&command)?,
            Effect::Write(carrier, lines) | Effect::Finish(carrier, lines) => {
                self.carry_down(carrier, &lines);
            }
            Effect::Refused(carrier, _) => self.answer_nothing(carrier),
            Effect::Overrun(through) => self.ledger.dropped(through),
        }
        Ok(())
    }

    fn carry_down(&mut self, carrier: Carrier, lines: &[Line]) {
        let Some((leg, request)) = self.carriers.get(&carrier).copied() else {
            return;
        };
        let at = self.delay();
        let lost = !self.quiet() && self.random.percent(self.chance / 2);
        match request {
            Some((request, kind)) if !lost => {
                self.agenda.plan(
                    at,
                    Event::Response {
                        leg,
                        request,
                        kind,
                        lines: Some(received(lines)),
                    },
                );
            }
            Some((request, kind)) if self.random.percent(50) => {
                self.agenda.plan(
                    at,
                    Event::Response {
                        leg,
                        request,
                        kind,
                        lines: None,
                    },
                );
            }
            Some(_) => {}
            None => {
                let Some(path) = self.path(leg) else { return };
                path.under_way += 1;
                if !path.down_cut {
                    let at = path.arrival_down(at);
                    self.agenda.plan(at, Event::Down(leg, received(lines)));
                }
            }
        }
    }

    fn answer_nothing(&mut self, carrier: Carrier) {
        let Some((leg, request)) = self.carriers.get(&carrier).copied() else {
            return;
        };
        let at = self.delay();
        match request {
            Some((request, kind)) => self.agenda.plan(
                at,
                Event::Response {
                    leg,
                    request,
                    kind,
                    lines: None,
                },
            ),
            None => self.agenda.plan(at, Event::ClientNotices(leg)),
        }
    }

    fn lines_come(&mut self, leg: u32, frames: Vec<RawFrame>) {
        let Some(path) = self.path(leg) else { return };
        path.under_way -= 1;
        if path.down_cut || path.disposed {
            return;
        }
        for frame in frames {
            self.client.handle(self.now, Input::Line(leg, frame));
        }
    }

    fn response_comes(&mut self, leg: u32, request: u64, kind: Kind, lines: Option<Vec<RawFrame>>) {
        let key = (leg, kind as u8);
        if self
            .requests
            .get(&key)
            .is_none_or(|(current, _)| *current != request)
        {
            return;
        }
        self.requests.remove(&key);
        let route = match kind {
            Kind::Stream => Route::Stream,
            Kind::Send => Route::Send,
            Kind::Poll => Route::Poll,
        };
        let input = match lines {
            Some(lines) => Input::Answer(leg, route, lines),
            None => Input::Failed(leg, route),
        };
        self.client.handle(self.now, input);
    }

    /// The client's owner drops a leg and tells its session.
    fn client_drops(&mut self, leg: u32) {
        if self.owned.contains_key(&leg) {
            self.client.handle(self.now, Input::Closed(leg));
            self.dispose(leg);
        }
    }

    fn dispose(&mut self, leg: u32) {
        self.owned.remove(&leg);
        for kind in [Kind::Stream, Kind::Send, Kind::Poll] {
            self.requests.remove(&(leg, kind as u8));
        }
        let Some(path) = self.path(leg) else { return };
        path.disposed = true;
        path.up_cut |= path.transport == Transport::WebSocket;
        path.down_cut = true;
        let carrier = path.carrier;
        // The server may hear of it, or believe the leg alive for ever: it must not matter (rule 3).
        if let Some(carrier) = carrier.filter(|_| self.random.percent(60)) {
            let at = self.delay();
            self.agenda.plan(at, Event::ServerNotices(carrier));
        }
    }

    fn fault(&mut self) {
        if self.quiet() || self.paths.is_empty() {
            return;
        }
        let place = usize::try_from(self.random.below(self.paths.len() as u64)).unwrap_or(0);
        let directions = 1 + self.random.below(3);
        let path = &mut self.paths[place];
        path.up_cut |= directions & 1 != 0;
        path.down_cut |= directions & 2 != 0;
        let (leg, carrier) = (path.leg, path.carrier);
        if self.random.percent(40) {
            let at = self.delay();
            self.agenda.plan(at, Event::ClientNotices(leg));
        }
        if let Some(carrier) = carrier.filter(|_| self.random.percent(40)) {
            let at = self.delay();
            self.agenda.plan(at, Event::ServerNotices(carrier));
        }
    }

    fn tick(&mut self) {
        self.drop_the_dead();
        let busy = !self.owned.is_empty();
        let chaos = !self.quiet() && self.owned.len() < 3 && self.random.percent(self.chaos);
        if !busy && self.random.percent(60) || chaos {
            self.open();
        }
        if !self.quiet() && self.random.percent(self.chaos) {
            let mut usable: Vec<u32> = self
                .owned
                .iter()
                .filter(|(_, owned)| owned.usable)
                .map(|(leg, _)| *leg)
                .collect();
            usable.sort_unstable();
            if !usable.is_empty() {
                let pick = usize::try_from(self.random.below(usable.len() as u64)).unwrap_or(0);
                self.client.handle(self.now, Input::Ask(usable[pick]));
            }
        }
        self.agenda
            .plan(self.now + Time::from_millis(250), Event::Tick);
    }

    fn open(&mut self) {
        let transport = Transport::ALL[usize::try_from(self.random.below(3)).unwrap_or(0)];
        let leg = u32::try_from(self.paths.len()).unwrap_or(0) + 1;
        let mut path = Path::new(leg, transport);
        if transport == Transport::WebSocket {
            self.counted += 1;
            let carrier = Carrier(self.counted);
            path.carrier = Some(carrier);
            self.carriers.insert(carrier, (leg, None));
            let at = self.delay();
            self.agenda.plan(at, Event::SocketOpens(leg));
        }
        self.paths.push(path);
        self.owned.insert(
            leg,
            Owned {
                usable: false,
                opened: self.now,
                heard: self.now,
                pinged: None,
            },
        );
        self.client.handle(self.now, Input::Open(transport));
    }

    /// Liveness as any owner has it: no welcome in time, no answer to a request, no pong to a ping. Only a pong tells
    /// that both directions pass: frames that still come down hide that nothing goes up any more.
    fn drop_the_dead(&mut self) {
        let now = self.now;
        let since = |at: Time| now.saturating_sub(at);
        let mut failed: Vec<(u32, u8)> = self
            .requests
            .iter()
            .filter(|(_, (_, at))| since(*at) > Time::from_secs(5))
            .map(|(key, _)| *key)
            .collect();
        failed.sort_unstable();
        for (leg, kind) in failed
            .into_iter()
            .filter(|(_, kind)| *kind != Kind::Stream as u8)
        {
            self.requests.remove(&(leg, kind));
            let route = if kind == Kind::Send as u8 {
                Route::Send
            } else {
                Route::Poll
            };
            self.client.handle(now, Input::Failed(leg, route));
            while let Some(output) = self.client.poll_output() {
                let _ = self.client_does(output);
            }
        }
        let mut legs: Vec<u32> = self.owned.keys().copied().collect();
        legs.sort_unstable();
        for leg in legs {
            let polls = self
                .path(leg)
                .is_some_and(|path| path.transport == Transport::Poll);
            let Some(owned) = self.owned.get_mut(&leg) else {
                continue;
            };
            let silent = owned
                .pinged
                .is_some_and(|at| since(at) > Time::from_millis(3_500));
            if (!owned.usable && since(owned.opened) > Time::from_secs(3)) || silent {
                self.client_drops(leg);
            } else if owned.usable
                && !polls
                && owned.pinged.is_none()
                && since(owned.heard) > Time::from_secs(2)
            {
                owned.pinged = Some(now);
                self.client.handle(now, Input::Ping(leg));
            }
        }
    }
}
