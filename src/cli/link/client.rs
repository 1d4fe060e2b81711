//! A session of the client, and the carriers of its legs. One task polls it; it never spawns.
//!
//! It stays on one transport. If it loses a leg, it opens another of the same kind: at once, then after ever longer
//! pauses. Its owner chooses the transport in use.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};
use uuid::Uuid;

use super::arrival::{Arrival, Failed};
use super::carrier::Carrier;
use super::socket::Traffic;
use super::words::Words;
use crate::cli::target::Target;
use crate::protocol::frame::RawFrame;
use crate::protocol::token::Token;
use crate::protocol::{LegNumber, Line, Transport};
use crate::session::Time;
use crate::session::client::{ClientSession, Failure, Input, Output, Route};

/// A leg without a welcome after this time is given up, unless the owner says otherwise.
const OPENING: Duration = Duration::from_secs(10);
/// A leg on which nothing comes down for so long is dead: pings come every 15 s, and a poll is held for 25 s.
const SILENCE: Duration = Duration::from_secs(45);
/// The pause before the second attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// What happens to a client.
#[derive(Debug)]
pub(in crate::cli) enum Event {
    /// A numbered frame, once and in order.
    Frame(RawFrame),
    /// The welcome of a leg was read.
    Usable(LegNumber),
    /// The leg carries the session.
    Active(LegNumber),
    /// The promise of the session ended, and so many messages may be lost.
    Lost(u64),
    /// A leg is over, for this reason.
    Closed(String),
}

/// A session, and the carriers of its legs.
pub(in crate::cli) struct Client {
    target: Arc<Target>,
    traffic: Arc<Traffic>,
    origin: Instant,
    session: ClientSession,
    legs: Vec<Leg>,
    opened: u32,
    /// The transport to open when no leg is left.
    transport: Transport,
    /// A leg without a welcome after this time is given up.
    opening: Duration,
    /// Why the gateway last refused something.
    words: Option<Words>,
    /// Failed attempts since the last success, and when to try again.
    failures: u32,
    again: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    armed: Option<Instant>,
    events: VecDeque<Event>,
}

struct Leg {
    number: LegNumber,
    carrier: Carrier,
    usable: bool,
    /// Why one of its requests last failed.
    why: String,
    /// When something last came down, or when the leg was opened.
    heard: Instant,
    /// The times by which requests must be answered.
    until: Vec<(Route, Instant)>,
}

impl Client {
    /// Makes a client, which opens its first leg at once.
    pub(in crate::cli) fn new(target: &Arc<Target>, traffic: Arc<Traffic>, transport: Transport) -> Self {
        let now = Instant::now();
        let mut client = Self {
            target: Arc::clone(target),
            traffic,
            origin: now,
            session: ClientSession::new(Box::new(|_| Uuid::new_v4().simple().to_string())),
            legs: Vec::new(),
            opened: 0,
            transport,
            opening: OPENING,
            words: None,
            failures: 0,
            again: None,
            timer: Box::pin(sleep_until((now + OPENING).into())),
            armed: None,
            events: VecDeque::new(),
        };
        if let Some(token) = target.token() {
            client.session.handle(client.now(), Input::Token(token.clone()));
        }
        client.open(transport);
        client
    }

    /// Sends a numbered frame up.
    pub(in crate::cli) fn push(&mut self, line: Line) {
        self.session.handle(self.now(), Input::Push(line));
    }

    /// Gives a leg up that has no welcome after this time.
    pub(in crate::cli) const fn opening_within(mut self, opening: Duration) -> Self {
        self.opening = opening;
        self
    }

    /// Uses this token from now on.
    pub(in crate::cli) fn sign_in(&mut self, token: Token) {
        self.session.handle(self.now(), Input::Token(token));
    }

    /// Leaves for good. The gateway ends the session, and says so by the end of the leg.
    pub(in crate::cli) fn leave(&mut self) {
        self.session.handle(self.now(), Input::Bye(Time::ZERO));
    }

    /// Opens this transport when no leg is left.
    pub(in crate::cli) const fn prefer(&mut self, transport: Transport) {
        self.transport = transport;
    }

    /// Opens this transport now, without the pause after a failure.
    pub(in crate::cli) fn turn_to(&mut self, transport: Transport) {
        self.transport = transport;
        if self.again.take().is_some() {
            self.open(transport);
        }
    }

    /// Takes the gateway's words about its last refusal, if a leg that is over was refused by words.
    pub(in crate::cli) const fn take_words(&mut self) -> Option<Words> {
        self.words.take()
    }

    /// Opens one more leg. If there is another, the session stays there until the owner calls [`Client::take`] for this
    /// one.
    pub(in crate::cli) fn open(&mut self, transport: Transport) -> LegNumber {
        self.opened += 1;
        let number = LegNumber(self.opened);
        let carrier = Carrier::new(transport, &self.target, &self.traffic);
        let (why, heard, until) = (String::new(), Instant::now(), Vec::new());
        self.legs.push(Leg { number, carrier, usable: false, why, heard, until });
        self.session.handle(self.now(), Input::OpenLeg(transport));
        number
    }

    /// Changes over to this leg, and stays on its transport.
    pub(in crate::cli) fn take(&mut self, leg: LegNumber, transport: Transport) {
        self.transport = transport;
        self.session.handle(self.now(), Input::RequestTurn { leg, pings: false, is_long: false });
    }

    /// Returns whether this leg is open, or being opened.
    pub(in crate::cli) fn holds(&self, leg: LegNumber) -> bool {
        self.legs.iter().any(|held| held.number == leg)
    }

    /// Ends every connection by RST, now. The session is resumed when a leg is opened.
    pub(in crate::cli) fn cut(&mut self) {
        self.traffic.cutting(true);
        for leg in std::mem::take(&mut self.legs) {
            self.session.handle(self.origin.elapsed(), Input::LegDied(leg.number));
        }
        self.traffic.cutting(false);
    }

    /// Returns the next event. Cancel-safe.
    pub(in crate::cli) async fn next(&mut self) -> Event {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    pub(in crate::cli) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            self.carry_out();
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(event);
            }
            if !(self.poll_legs(cx) || self.poll_timer(cx)) {
                return Poll::Pending;
            }
        }
    }

    /// Polls the legs. Returns whether anything came.
    fn poll_legs(&mut self, cx: &mut Context<'_>) -> bool {
        let mut came = false;
        let mut place = 0;
        while let Some(leg) = self.legs.get_mut(place) {
            place += 1;
            let Poll::Ready(arrival) = leg.carrier.poll(cx) else { continue };
            came = true;
            leg.heard = Instant::now();
            let number = leg.number;
            let input = match arrival {
                Arrival::Opened => Input::SocketOpened(number),
                Arrival::Frame(frame) => {
                    if let Some(words) = Words::of_end(&frame) {
                        self.words = Some(words);
                    }
                    Input::FrameArrived(number, frame)
                }
                Arrival::Answer(route, frames) => {
                    leg.settles(route);
                    if let Some(words) = frames.last().and_then(Words::of_end) {
                        self.words = Some(words);
                    }
                    Input::AnswerArrived(number, route, frames)
                }
                Arrival::Failed(route, Failed { why, status, body }) => {
                    leg.settles(route);
                    leg.why = why;
                    if let Some(words) = Words::of_body(&body) {
                        self.words = Some(words);
                    }
                    Input::RequestFailed(number, route, Failure { status, code: None })
                }
                Arrival::Closed(why) => {
                    self.legs.retain(|leg| leg.number != number);
                    self.lost(why);
                    Input::LegDied(number)
                }
            };
            self.session.handle(self.origin.elapsed(), input);
        }
        came
    }

    /// Polls the timer. Returns whether a time had come. A new time moves the timer only if it is earlier: one that
    /// fires early finds nothing due.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(due) = self.due() else { return false };
        if self.armed.is_none_or(|armed| due < armed) {
            self.armed = Some(due);
            self.timer.as_mut().reset(due.into());
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.armed = None;
        let now = Instant::now();
        self.session.handle(self.now(), Input::Timeout);
        self.give_up_late_requests(now);
        let given_up: Vec<LegNumber> =
            self.legs.iter().filter(|leg| leg.deadline(self.opening) <= now).map(|leg| leg.number).collect();
        for number in given_up {
            self.legs.retain(|leg| leg.number != number);
            self.session.handle(self.now(), Input::LegDied(number));
            self.lost("silent".to_owned());
        }
        if self.again.is_some_and(|again| again <= now) {
            self.again = None;
            self.open(self.transport);
        }
        true
    }

    fn give_up_late_requests(&mut self, now: Instant) {
        for leg in &mut self.legs {
            for (route, _) in leg.until.extract_if(.., |(_, until)| *until <= now) {
                leg.carrier.give_up(route);
                "no answer in time".clone_into(&mut leg.why);
                self.session.handle(self.origin.elapsed(), Input::RequestFailed(leg.number, route, Failure::default()));
            }
        }
    }

    fn due(&self) -> Option<Instant> {
        let session = self.session.poll_timeout().map(|time| self.origin + time);
        let legs = self.legs.iter().map(|leg| leg.deadline(self.opening));
        let requests = self.legs.iter().flat_map(|leg| leg.until.iter().map(|(_, until)| *until));
        legs.chain(requests).chain(session).chain(self.again).min()
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Write(number, lines) => {
                    if let Some(leg) = self.leg(number) {
                        leg.carrier.write(&lines);
                    }
                }
                Output::Post { leg: number, route, lines, timeout } => {
                    if let Some(leg) = self.leg(number) {
                        leg.settles(route);
                        leg.until.extend(timeout.map(|timeout| (route, Instant::now() + timeout)));
                        leg.carrier.request(route, &lines);
                    }
                }
                // This client tries no other transport.
                Output::LineStuck(_) => self.session.handle(self.origin.elapsed(), Input::WithdrawLine),
                Output::LegUsable(number) => {
                    if let Some(leg) = self.leg(number) {
                        leg.usable = true;
                    }
                    self.events.push_back(Event::Usable(number));
                }
                Output::LegActive(number) => {
                    self.failures = 0;
                    self.words = None;
                    self.events.push_back(Event::Active(number));
                }
                Output::Deliver(frame) => self.events.push_back(Event::Frame(frame)),
                Output::LegDropped(number, why) => {
                    let Some(place) = self.legs.iter().position(|leg| leg.number == number) else { continue };
                    let leg = self.legs.remove(place);
                    let why = match leg.why {
                        told if why == "failed" && !told.is_empty() => told,
                        _ if why == "failed" => "an answer that is not a gateway's".to_owned(),
                        _ => why,
                    };
                    // A switch ends the replaced leg on purpose.
                    if why != "replaced" || self.legs.is_empty() {
                        self.lost(why);
                    }
                }
                Output::Reset(_, frames) => self.events.push_back(Event::Lost(frames)),
                // The decision has time, and then the leg does again.
                Output::Wait(number, most) => {
                    if let Some(leg) = self.leg(number) {
                        leg.waits(most);
                    }
                }
                Output::UnknownOutcome(_)
                | Output::Pong { .. }
                | Output::OneRequest(_)
                | Output::TokenAnswered(_)
                | Output::Link(_) => {}
            }
        }
    }

    /// Notes that a leg is over, and is no more among the legs.
    fn lost(&mut self, why: String) {
        self.events.push_back(Event::Closed(why));
        if self.legs.is_empty() && self.again.is_none() {
            let pause = if self.failures == 0 { Duration::ZERO } else { PAUSE * (1 << self.failures.min(6)) };
            self.failures += 1;
            self.again = Some(Instant::now() + pause.min(LONGEST_PAUSE));
        }
    }

    fn leg(&mut self, number: LegNumber) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.number == number)
    }

    fn now(&self) -> Time {
        self.origin.elapsed()
    }
}

impl Leg {
    /// Notes that the request of a route is over, or replaced.
    fn settles(&mut self, route: Route) {
        self.until.retain(|(other, _)| *other != route);
    }

    /// Allows for a decision about its hello that may take this long.
    fn waits(&mut self, most: Duration) {
        self.heard = Instant::now() + most;
    }

    fn deadline(&self, opening: Duration) -> Instant {
        self.heard + if self.usable { SILENCE } else { opening }
    }
}
