//! One schedule: a client, the server's side and a network that misbehaves for a while and then stops.

mod carry;
mod owner;
mod rights;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use self::rights::Rights;
use super::ledger::{Ledger, Message};
use super::network::{Event, LONGEST_WRITE, Network, Path, Refusal};
use super::switches::{Step, Switches, UnderWay, asked_turn};
use super::{LONGEST_HARD_QUIET, LONGEST_QUIET, PROBE_EVERY};
use crate::protocol::frame::RawFrame;
use crate::protocol::limits::Limits;
use crate::protocol::{LegNumber, Line, Transport};
use crate::session::Time;
use crate::session::client::{ClientSession, Failure, Input, Output, Route};
use crate::session::mutant::{Mutant, Mutation};
use crate::session::server::{Carrier, ServerSession, Settings};
use crate::session::server_side::{Effect, Post, ServerSide};
use crate::simulation::{Agenda, Random};

/// More events than this at one moment are an endless loop.
const MOST_AT_ONCE: u32 = 5_000;
/// How much longer an answer may take on a slow line, behind some 60 KB.
const PATIENCE: Time = Time::from_secs(25);
/// The longest poll, which the gateway holds for 2 s.
const LONGEST_POLL: Time = Time::from_secs(5);
/// A poll leg is dead if it answered no poll for this long. The session itself finds most of them before.
const LONGEST_SILENCE: Time = Time::from_secs(20);

/// The messages of the client's application in a schedule with hard messages.
const MESSAGES: [Message; 7] = {
    use Message::{Long, Short, Unreadable};
    [Short, Short, Short, Short, Long, Long, Unreadable]
};

/// The owner's view of a leg. The owner opens legs and drops dead ones; it knows nothing of turns.
struct Owned {
    usable: bool,
    opened: Time,
    heard: Time,
    pinged: Option<Time>,
    /// When the first poll was issued after the last answer.
    awaited: Option<Time>,
}

/// The owner of a carrier: a leg, and for a request its number.
type Addressee = (LegNumber, Option<(u64, Route)>);

pub(super) struct Schedule {
    now: Time,
    random: Random,
    agenda: Agenda<Time, Event>,
    client: ClientSession,
    server: ServerSide,
    pub(super) ledger: Ledger,
    pub(super) switches: Switches,
    /// The step of the next switch at which a fault hits the old leg.
    aim: Option<Step>,
    paths: Vec<Path>,
    owned: HashMap<LegNumber, Owned>,
    carriers: HashMap<Carrier, Addressee>,
    /// The requests under way, and when each answer is due.
    requests: BTreeMap<(LegNumber, Route), (u64, Time)>,
    network: Network,
    /// A socket fell silent: the next one must prove that long writes pass (P4).
    doubts_sockets: bool,
    /// Some messages are long, and some are unreadable for a gateway.
    is_hard: bool,
    counted: u64,
    room: usize,
    chance: u64,
    /// The percentage of checks at which the owner opens another leg, or requests a turn on one.
    chaos: u64,
    replay_frames: usize,
    faults_stop: Time,
    client_timer: Option<Time>,
    server_timer: Option<Time>,
    rights: Rights,
}

fn line(text: &str) -> Line {
    Line::compose(|buffer| buffer.extend_from_slice(text.as_bytes()))
}

fn received(lines: &[Line]) -> Vec<RawFrame> {
    lines.iter().map(Line::received).collect()
}

impl Schedule {
    pub(super) fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut random = Random::new(seed);
        let mutation = Mutation::of(mutant);
        let replay_frames = if random.percent(25) { 4 } else { 64 };
        let resume = if random.percent(40) { 1_500 } else { 120_000 };
        let settings = Arc::new(Settings {
            limits: Limits { replay_frames, ..Limits::default() },
            hold: Time::from_secs(2),
            resume: Time::from_millis(resume),
            attaches_a_minute: 1_000_000,
            ..Settings::default()
        });
        let make = move |now, id| ServerSession::new(now, id, Arc::clone(&settings)).mutated(mutation);
        let mut secrets = 0;
        let source = Box::new(move |words: usize| {
            secrets += 1;
            format!("{secrets:0>width$}", width = 6 * words)
        });
        let mut schedule = Self {
            now: Time::ZERO,
            agenda: Agenda::default(),
            client: ClientSession::new(source).mutated(mutation),
            server: ServerSide::new(Box::new(make)),
            ledger: Ledger::default(),
            switches: Switches::default(),
            aim: None,
            paths: Vec::new(),
            owned: HashMap::new(),
            carriers: HashMap::new(),
            requests: BTreeMap::new(),
            network: Network::draw(&mut random),
            doubts_sockets: false,
            is_hard: random.percent(40),
            counted: 0,
            room: 1 + usize::try_from(random.below(4)).unwrap_or(0),
            chance: random.below(30),
            chaos: 5 + random.below(40),
            replay_frames,
            faults_stop: Time::from_secs(3 + random.below(6)),
            client_timer: None,
            server_timer: None,
            rights: Rights::default(),
            random,
        };
        schedule.draw_rights(Time::from_millis(resume));
        schedule.plan_first();
        schedule
    }

    fn plan_first(&mut self) {
        self.agenda.plan(Time::ZERO, Event::Tick);
        for _ in 0..4 + self.random.below(20) {
            let at = self.random.milliseconds(9_000);
            let up = self.random.percent(50);
            self.agenda.plan(at, if up { Event::PushUp } else { Event::PushDown });
        }
        for _ in 0..self.random.below(14) {
            let at = self.random.milliseconds(9_000);
            self.agenda.plan(at, Event::Fault(None));
        }
    }

    /// Runs to the end. Returns an error if an invariant is broken.
    pub(super) fn run(&mut self) -> Result<(), String> {
        let mut probe = self.faults_stop;
        let mut at_once = 0;
        while let Some((at, event)) = self.agenda.next() {
            at_once = if at > self.now { 0 } else { at_once + 1 };
            if at_once > MOST_AT_ONCE {
                return Err(format!(
                    "busy without end at {at:?}: {}; client {:?}; server {:?}",
                    self.ledger, self.client, self.server
                ));
            }
            self.now = at;
            self.happen(event)?;
            self.settle()?;
            if self.now >= probe {
                if probe > self.faults_stop && self.ledger.settled(self.server.newest().as_ref()) && self.leave()? {
                    return Ok(());
                }
                let quiet = if self.network.is_hard() { LONGEST_HARD_QUIET } else { LONGEST_QUIET };
                if self.now > self.faults_stop + quiet {
                    return Err(format!("stuck: {}; client {:?}", self.ledger, self.client));
                }
                probe = self.now + PROBE_EVERY;
                self.agenda.plan(self.now, Event::Probe);
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

    fn path(&mut self, leg: LegNumber) -> Option<&mut Path> {
        self.paths.iter_mut().find(|path| path.leg == leg)
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        let at = self.now;
        match event {
            Event::SocketOpens(leg) => self.client.handle(self.now, Input::SocketOpened(leg)),
            Event::Up(leg, frame) => {
                let carrier = self.path(leg).and_then(|path| path.rises().then_some(path.carrier).flatten());
                if let Some(carrier) = carrier {
                    self.server.socket(self.now, carrier, &frame);
                }
            }
            Event::Down(leg, frames) => self.lines_come(leg, frames),
            Event::Request { leg, request, route, body, copy } => self.request_comes(leg, request, route, &body, copy),
            Event::Response { leg, request, route, answer } => self.response_comes(leg, request, route, answer),
            Event::ServerNotices(carrier) => self.server.closed(self.now, carrier),
            Event::ClientNotices(leg) => self.client_drops(leg),
            Event::Tick => self.tick(),
            // A timer that was rearmed for an earlier time leaves a stale event behind.
            Event::ClientTimer => {
                if self.client_timer.take_if(|armed| *armed == at).is_some() {
                    self.client.handle(at, Input::Timeout);
                }
            }
            Event::ServerTimer => {
                if self.server_timer.take_if(|armed| *armed == at).is_some() {
                    self.server.timeout(at);
                }
            }
            Event::PushUp if self.is_hard => {
                let message = self.random.pick(&MESSAGES);
                self.push_up(message);
            }
            Event::Probe if self.rights.is_leaving() => {}
            Event::PushUp | Event::Probe => self.push_up(Message::Short),
            Event::PushDown => {
                let burst = if self.random.percent(20) { 7 } else { 1 };
                for id in std::iter::repeat_n(self.server.newest(), burst).flatten() {
                    let is_long = self.network.hole.is_some() && self.random.percent(10);
                    let text = self.ledger.push_down(&id, is_long);
                    self.server.push(&id, line(&text));
                }
            }
            Event::Fault(leg) => self.fault(leg),
            Event::Intrude => self.intrude()?,
        }
        Ok(())
    }

    fn push_up(&mut self, message: Message) {
        let text = self.ledger.push_up(message);
        self.client.handle(self.now, Input::Push(line(&text)));
    }

    /// Drains both ends until neither has an output.
    fn settle(&mut self) -> Result<(), String> {
        while let Some(output) = self.client.poll_output() {
            self.client_does(output)?;
        }
        self.see_the_grant();
        let (paths, carriers, room) = (&self.paths, &self.carriers, self.room);
        let has_room = |carrier: Carrier| {
            let path = carriers
                .get(&carrier)
                .and_then(|(leg, request)| request.is_none().then(|| paths.iter().find(|path| path.leg == *leg)));
            path.flatten().is_none_or(|path| path.under_way < room)
        };
        for effect in self.server.effects(self.now, has_room) {
            self.server_does(effect)?;
        }
        self.check_memory()?;
        self.check_intruder()?;
        self.strike();
        self.arm();
        Ok(())
    }

    /// Returns the lines under way, for the record of the switches.
    fn under_way(&mut self) -> UnderWay {
        let Some((id, sent, received)) = self.client.numbers() else {
            return UnderWay::default();
        };
        let Some((_, sent_down, taken)) = self.server.session(id).map(|session| session.numbers()) else {
            return UnderWay::default();
        };
        UnderWay { up: sent > taken, down: sent_down > received }
    }

    fn see_what_goes_up(&mut self, leg: LegNumber, lines: &[Line]) {
        if let Some(turn) = lines.first().and_then(|line| asked_turn(line.record()))
            && self.switches.asks(leg, turn)
        {
            let under_way = self.under_way();
            self.switches.asked(leg, under_way);
        }
    }

    fn see_the_grant(&mut self) {
        if !self.switches.awaits() {
            return;
        }
        let session = self.client.numbers().and_then(|(id, ..)| self.server.session(id));
        if let Some(leg) = session.and_then(|session| session.numbers().0) {
            self.switches.granted(leg);
        }
    }

    fn check_memory(&mut self) -> Result<(), String> {
        let Some(id) = self.server.newest() else {
            return Ok(());
        };
        let kept = self.server.session(&id).map_or(0, |session| session.kept().0);
        if kept > self.replay_frames {
            return Err(format!("{kept} frames are kept; the bound is {}", self.replay_frames));
        }
        Ok(())
    }

    fn arm(&mut self) {
        if let Some(at) = self.client.poll_timeout().filter(|at| self.client_timer.is_none_or(|armed| *at < armed)) {
            let at = at.max(self.now);
            self.client_timer = Some(at);
            self.agenda.plan(at, Event::ClientTimer);
        }
        if let Some(at) = self.server.poll_timeout().filter(|at| self.server_timer.is_none_or(|armed| *at < armed)) {
            let at = at.max(self.now);
            self.server_timer = Some(at);
            self.agenda.plan(at, Event::ServerTimer);
        }
    }

    fn client_does(&mut self, output: Output) -> Result<(), String> {
        match output {
            Output::Write(leg, lines) => {
                self.see_what_goes_up(leg, &lines);
                self.write_up(leg, &lines);
            }
            Output::Post { leg, route, lines, timeout } => self.issue(leg, route, &lines, timeout),
            Output::LegUsable(leg) => {
                self.switches.usable(leg);
                if let Some(owned) = self.owned.get_mut(&leg) {
                    owned.usable = true;
                }
            }
            Output::Deliver(frame) => self.ledger.received(&frame)?,
            Output::LegDropped(leg, why) => {
                let under_way = self.under_way();
                self.switches.closed(self.now, leg, &why, under_way);
                self.dispose(leg);
                self.legs_end(&why);
            }
            Output::Wait(leg, most) => self.waits(leg, most),
            Output::LegActive(leg) => self.switches.active(self.now, leg),
            Output::Reset(reset, frames) => self.ledger.reset(reset, frames)?,
            Output::UnknownOutcome(frames) => self.ledger.unknown(&received(&frames)),
            Output::Pong { leg, is_long, .. } => self.pong_comes(leg, is_long)?,
            Output::LineStuck(_) => self.client.handle(self.now, Input::WithdrawLine),
            Output::OneRequest(_) | Output::TokenAnswered(_) | Output::Link(_) => {}
        }
        Ok(())
    }

    fn server_does(&mut self, effect: Effect) -> Result<(), String> {
        match effect {
            Effect::Command(id, command) => {
                self.check_right(&id)?;
                self.ledger.taken(&command)?;
            }
            Effect::Write(carrier, lines) | Effect::Finish(carrier, lines) => self.carry_down(carrier, &lines)?,
            Effect::Refused(carrier, refusal) => self.answer_nothing(carrier, refusal.code()),
            Effect::Overrun(through) => self.ledger.dropped(through.0),
        }
        Ok(())
    }
}
