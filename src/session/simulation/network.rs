//! The network of a schedule: what is under way, and what happens to it.

use bytes::Bytes;

use crate::protocol::frame::RawFrame;
use crate::protocol::{LegNumber, Line, Transport};
use crate::session::Time;
use crate::session::client::{Failure, Route};
use crate::session::server::Carrier;
use crate::simulation::Random;

/// How a proxy refuses a body that is too large for it: by a status, by a page with status 200, by a reset, or not at all.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    Status(u16),
    Page,
    Reset,
    Silence,
}

const REFUSALS: [Refusal; 7] = [
    Refusal::Status(413),
    Refusal::Status(403),
    Refusal::Status(400),
    Refusal::Status(503),
    Refusal::Page,
    Refusal::Reset,
    Refusal::Silence,
];

/// A longer write does not pass a hole for long writes.
pub(super) const LONGEST_WRITE: usize = 1_400;

/// Sockets lose long writes, and all behind them, up, down or both ways.
#[derive(Clone, Copy)]
pub(super) struct Hole {
    pub(super) up: bool,
    pub(super) down: bool,
}

/// A property of all paths for the whole of a schedule: they may refuse large bodies, they may be slow, and sockets may lose long
/// writes.
pub(super) struct Network {
    /// The largest body, in bytes.
    pub(super) largest: usize,
    pub(super) refusal: Refusal,
    /// A body that is refused reaches the gateway all the same.
    pub(super) delivers: bool,
    /// Bytes per second up. A slow line carries 2,500 to 16,000.
    pub(super) rate: Option<u64>,
    /// All there is, in some schedules.
    pub(super) only: Option<Transport>,
    pub(super) hole: Option<Hole>,
}

impl Network {
    pub(super) fn draw(random: &mut Random) -> Self {
        let only = random.percent(25).then(|| random.pick(&Transport::ALL));
        let directions = 1 + random.below(3);
        let hole = Hole { up: directions & 1 != 0, down: directions & 2 != 0 };
        // A long line that comes down must have another way.
        let has_hole = random.percent(20) && only != Some(Transport::WebSocket);
        let largest = if random.percent(40) { 700 + random.below(5_000) } else { u64::MAX };
        Self {
            largest: usize::try_from(largest).unwrap_or(usize::MAX),
            refusal: random.pick(&REFUSALS),
            delivers: random.percent(15),
            rate: random.percent(25).then(|| 2_500 + random.below(13_500)),
            only,
            hole: has_hole.then_some(hole),
        }
    }

    /// How long so many bytes take up a line.
    pub(super) fn takes(&self, bytes: usize) -> Time {
        self.rate.map_or(Time::ZERO, |rate| Time::from_micros(bytes as u64 * 1_000_000 / rate))
    }

    pub(super) const fn is_hard(&self) -> bool {
        self.largest < usize::MAX || self.rate.is_some() || self.hole.is_some()
    }

    /// The hole in a path of this transport.
    pub(super) fn hole(&self, transport: Transport) -> Option<Hole> {
        self.hole.filter(|_| transport == Transport::WebSocket)
    }
}

/// Something under way, or a moment of a clock.
pub(super) enum Event {
    /// A socket opened; its client can write.
    SocketOpens(LegNumber),
    /// A message came up a socket.
    Up(LegNumber, RawFrame),
    /// Lines came down a socket or a stream.
    Down(LegNumber, Vec<RawFrame>),
    /// A request's body came to the server. A copy is answered to nobody.
    Request {
        leg: LegNumber,
        request: u64,
        route: Route,
        body: Bytes,
        copy: bool,
    },
    /// A request's answer came to the client, or the news that there is none.
    Response {
        leg: LegNumber,
        request: u64,
        route: Route,
        answer: Result<Vec<RawFrame>, Failure>,
    },
    /// An end notices that a leg's carrier is dead.
    ServerNotices(Carrier),
    ClientNotices(LegNumber),
    /// The client's owner looks after its legs.
    Tick,
    ClientTimer,
    ServerTimer,
    PushUp,
    PushDown,
    /// The client's application says something short.
    Probe,
    /// On this leg, or on any.
    Fault(Option<LegNumber>),
}

/// What lies between the two ends for one leg.
pub(super) struct Path {
    pub(super) leg: LegNumber,
    pub(super) transport: Transport,
    /// Of a socket or a stream.
    pub(super) carrier: Option<Carrier>,
    pub(super) up_cut: bool,
    pub(super) down_cut: bool,
    up_last: Time,
    down_last: Time,
    /// When the last byte that goes up is through.
    pub(super) up_free: Time,
    /// A long write was lost on its way, and all that is written after it is too.
    pub(super) up_lost: bool,
    pub(super) down_lost: bool,
    /// Writes on their way down; no more room when there are many.
    pub(super) under_way: usize,
    /// Messages and requests on their way up.
    pub(super) rising: usize,
    /// The client has let go of it.
    pub(super) disposed: bool,
    /// The pings that went up it.
    pub(super) pings: Vec<Line>,
}

impl Path {
    pub(super) fn new(leg: LegNumber, transport: Transport) -> Self {
        let zero = Time::ZERO;
        Self {
            leg,
            transport,
            carrier: None,
            up_cut: false,
            down_cut: false,
            up_last: zero,
            down_last: zero,
            up_free: zero,
            up_lost: false,
            down_lost: false,
            under_way: 0,
            rising: 0,
            disposed: false,
            pings: Vec::new(),
        }
    }

    /// When what is written now arrives: in order, on a socket or a stream.
    pub(super) fn arrival_up(&mut self, at: Time) -> Time {
        self.up_last = self.up_last.max(at);
        self.up_last
    }

    /// Something comes to the upper end: false if the way is cut by now.
    pub(super) const fn rises(&mut self) -> bool {
        self.rising -= 1;
        !self.up_cut
    }

    pub(super) fn arrival_down(&mut self, at: Time) -> Time {
        self.down_last = self.down_last.max(at);
        self.down_last
    }
}
