//! The network of a schedule: the things under way, and their fates.

use bytes::Bytes;

use crate::protocol::frame::RawFrame;
use crate::protocol::{LegNumber, Line, Transport};
use crate::session::Time;
use crate::session::client::{Failure, Route};
use crate::session::server::Carrier;
use crate::simulation::Random;

/// How a proxy refuses a body that is too large for it: by a status, by a page with status 200, by a reset, or by
/// silence.
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

/// The longest write that passes a hole for long writes.
pub(super) const LONGEST_WRITE: usize = 1_400;

/// A hole: sockets lose long writes and all that follows them, up, down or both ways.
#[derive(Clone, Copy)]
pub(super) struct Hole {
    pub(super) up: bool,
    pub(super) down: bool,
}

/// A property of all paths for a whole schedule. They may refuse large bodies, they may be slow, and sockets may
/// lose long writes.
pub(super) struct Network {
    /// The largest body, in bytes.
    pub(super) largest: usize,
    pub(super) refusal: Refusal,
    /// A refused body reaches the gateway all the same.
    pub(super) delivers: bool,
    /// Bytes per second up. A slow line carries 2,500 to 16,000.
    pub(super) rate: Option<u64>,
    /// In some schedules, the only transport.
    pub(super) only: Option<Transport>,
    pub(super) hole: Option<Hole>,
}

impl Network {
    pub(super) fn draw(random: &mut Random) -> Self {
        let only = random.percent(25).then(|| random.pick(&Transport::ALL));
        let directions = 1 + random.below(3);
        let hole = Hole { up: directions & 1 != 0, down: directions & 2 != 0 };
        // A long line that comes down must have another path.
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

    /// Returns how long this many bytes take up a line.
    pub(super) fn takes(&self, bytes: usize) -> Time {
        self.rate.map_or(Time::ZERO, |rate| Time::from_micros(bytes as u64 * 1_000_000 / rate))
    }

    pub(super) const fn is_hard(&self) -> bool {
        self.largest < usize::MAX || self.rate.is_some() || self.hole.is_some()
    }

    /// Returns the hole in a path of this transport.
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
    /// A request's body came to the server. No client reads the answer to a copy.
    Request {
        leg: LegNumber,
        request: u64,
        route: Route,
        body: Bytes,
        copy: bool,
    },
    /// A request's answer came to the client, or the news that no answer comes.
    Response {
        leg: LegNumber,
        request: u64,
        route: Route,
        answer: Result<Vec<RawFrame>, Failure>,
    },
    /// An end notices that a leg's carrier is dead.
    ServerNotices(Carrier),
    ClientNotices(LegNumber),
    /// The client's owner checks its legs.
    Tick,
    ClientTimer,
    ServerTimer,
    PushUp,
    PushDown,
    /// The client's application sends something short.
    Probe,
    /// Another user tries the session's secret.
    Intrude,
    /// A fault hits this leg, or any leg.
    Fault(Option<LegNumber>),
}

/// The network between the two ends for one leg.
pub(super) struct Path {
    pub(super) leg: LegNumber,
    pub(super) transport: Transport,
    /// The carrier of a socket or a stream.
    pub(super) carrier: Option<Carrier>,
    pub(super) up_cut: bool,
    pub(super) down_cut: bool,
    up_last: Time,
    down_last: Time,
    /// When the last byte that goes up has passed.
    pub(super) up_free: Time,
    /// A long write was lost on its way, so all that is written after it is lost too.
    pub(super) up_lost: bool,
    pub(super) down_lost: bool,
    /// Writes on their way down. Many of them leave no more room.
    pub(super) under_way: usize,
    /// Messages and requests on their way up.
    pub(super) rising: usize,
    /// The client has closed it.
    pub(super) disposed: bool,
    /// The pings that went up on it.
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

    /// Returns when a write of now arrives. On a socket or a stream, writes arrive in order.
    pub(super) fn arrival_up(&mut self, at: Time) -> Time {
        self.up_last = self.up_last.max(at);
        self.up_last
    }

    /// Notes that something reaches the upper end. Returns false if the path was cut meanwhile.
    pub(super) const fn rises(&mut self) -> bool {
        self.rising -= 1;
        !self.up_cut
    }

    pub(super) fn arrival_down(&mut self, at: Time) -> Time {
        self.down_last = self.down_last.max(at);
        self.down_last
    }
}
