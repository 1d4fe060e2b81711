//! Every bound of the protocol, each stated once. A bound is checked before the bounded thing costs anything.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The length of a secret in characters: 22 of the 64 allowed ones carry 132 bits.
pub const SECRET_LENGTH: std::ops::RangeInclusive<usize> = 22..=64;
/// The longest session id. Ours are UUIDs of 36 characters.
pub const SESSION_ID_BYTES: usize = 64;
/// The longest nonce.
pub const NONCE_BYTES: usize = 64;
/// The longest token.
pub const TOKEN_BYTES: usize = 8 * 1024;
/// The longest name of a user: the subject of a token.
pub const USER_BYTES: usize = 128;
/// The maximum number of grants in a token. Each costs a comparison when its user subscribes.
pub const GRANTS: usize = 64;
/// The longest report of a client about itself (`hello.client`).
pub const CLIENT_REPORT_BYTES: usize = 512;
/// The longest channel name.
pub const CHANNEL_BYTES: usize = 128;
/// The longest epoch that a client may ask for. Ours are UUIDs.
pub const EPOCH_BYTES: usize = 64;
/// The longest search for a connection that counts in a client's report.
pub const LONGEST_SEARCH: Duration = Duration::from_secs(86_400);
/// Every leg and turn is below this.
pub const LEG_AND_TURN: u32 = 1 << 31;
/// Every number, offset and id is below this. A JavaScript number holds every such integer exactly.
pub const NUMBER: u64 = 1 << 53;
/// The longest body or message on a socket.
pub const BODY_BYTES: usize = 64 * 1024;
/// The longest numbered line of a client. It fits into a body behind a hello with the longest token. So every
/// transport carries every line that another one carries.
pub const LINE_BYTES: usize = 55 * 1024;
/// The maximum number of lines in one body.
pub const BODY_LINES: usize = 512;
/// The maximum number of frames that a session keeps for a client that does not acknowledge.
pub const REPLAY_FRAMES: usize = 4096;
/// The maximum number of bytes of those frames, in line form.
pub const REPLAY_BYTES: usize = 1 << 20;
/// The maximum number of legs of one session that are attached at once. If a fourth comes, the oldest candidate ends.
pub const ATTACHED_LEGS: usize = 3;
/// The maximum number of attaches and turn requests of one session in a minute.
pub const ATTACHES_A_MINUTE: u32 = 60;
/// The gateway announces a write of this many bytes of numbered lines to a WebSocket by `bytes`. A browser shows
/// nothing of a message before it is whole. On the slowest supported line, 2,500 B/s, this many bytes take 1.6 s.
pub const ANNOUNCED_BYTES: usize = 4_096;
/// The maximum number of channels that one session may subscribe to.
pub const SUBSCRIPTIONS: usize = 512;
/// The maximum number of pings that a leg answers in a second. It drops the others.
pub const PINGS_A_SECOND: u32 = 4;
/// The longest pad of a ping. Its pong repeats the pad, so an answer is never longer than its ping.
pub const PAD_BYTES: usize = 4_096;

/// The longest delay of the gateway's acknowledgement. If a client gets none soon, it concludes that nothing goes
/// up.
pub const ACK_DELAY: Duration = Duration::from_secs(1);
/// The longest delay of a client's acknowledgement. Nothing waits for it: it only frees memory of the gateway.
/// Beside a stream each one is a request. The gateway keeps an idle connection for 5 s, so requests further apart
/// would each open a new one.
pub const CLIENT_ACK_DELAY: Duration = Duration::from_secs(3);
/// An acknowledgement of the gateway that is due within this time goes with the next write to a socket. A write of
/// its own costs as much as a message.
pub const ACK_RIDES: Duration = Duration::from_millis(500);
/// How long a socket may take to send its hello. A session is removed if no client answers its welcome in this
/// time.
pub const HELLO_DEADLINE: Duration = Duration::from_secs(10);
/// A candidate ends if it does not prove itself in this time.
pub const CANDIDATE_DEADLINE: Duration = Duration::from_secs(30);
/// The least time between a leg's welcome and a pong. The pong proves that a second write passes (PROTOCOL.md,
/// *Proofs*).
pub const PONG_AFTER_WELCOME: Duration = Duration::from_millis(20);
/// The interval at which the server pings a stream or a socket.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// The shortest heartbeat and hold that a client may wish for. A path that cuts idle connections after 4 s needs a
/// sign every 2 s.
pub const SHORTEST_WISH: Duration = Duration::from_secs(1);
/// A leg that answered nothing for this many heartbeats is dead. That is 75 s, which a throttled background tab
/// needs. The gateway's own heartbeats count, even if a client wished for shorter ones.
pub const SILENT_HEARTBEATS: u32 = 5;
/// A poll behind an answer of this many lines gathers more for a moment: [`GATHER`].
pub const LONG_ANSWER: usize = 8;
/// How long such a poll gathers. At saturation, with 1,000 subscribers, 2 ms take a third off the cost of a line
/// and off its latency. 10 ms took a fifth off the rest (measured).
pub const GATHER: Duration = Duration::from_millis(2);
/// The longest time that the gateway holds a poll.
pub const POLL_HOLD: Duration = Duration::from_secs(25);
/// How much longer a poll is held once its client has shut its sending side. After the same time, a comment on a
/// stream tests whether its client still reads.
pub const HALF_CLOSED: Duration = Duration::from_secs(1);
/// The time from the end of the client's jitter to the end of a leg whose transport is no longer offered.
pub const WITHDRAWAL: Duration = Duration::from_secs(10);
/// The longest time that a `bye` may leave its session. A page that reloads comes back within seconds.
pub const BYE_AFTER: Duration = Duration::from_secs(60);
/// How long a session without a token may stay attached, where every user needs one. The doctor takes less.
pub const WITHOUT_TOKEN: Duration = Duration::from_secs(60);
/// How long a decision about a hello may take before the client is told to wait. A client blames its path no sooner.
pub const WAIT_AFTER: Duration = Duration::from_millis(100);
/// How long a session lives without a leg.
pub const RESUME: Duration = Duration::from_secs(120);

/// Room for frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// How many frames fit.
    pub frames: usize,
    /// How many bytes of them fit, in line form.
    pub bytes: usize,
}

impl Room {
    /// Room for no frame.
    pub const NONE: Self = Self { frames: 0, bytes: 0 };
    /// Room for all frames that a session keeps.
    pub const REPLAY: Self = Self { frames: REPLAY_FRAMES, bytes: REPLAY_BYTES };

    /// Returns half of this room.
    #[must_use]
    pub const fn half(self) -> Self {
        Self { frames: self.frames / 2, bytes: self.bytes / 2 }
    }
}

/// The bounds that a client must know, as `welcome.limits` states them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The maximum number of unacknowledged frames that are kept, in each direction.
    pub replay_frames: usize,
    /// The maximum number of bytes of those frames.
    pub replay_bytes: usize,
    /// The longest body of a POST.
    pub body_bytes: usize,
    /// The maximum number of lines in a body.
    pub body_lines: usize,
    /// The longest line.
    pub line_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            replay_frames: REPLAY_FRAMES,
            replay_bytes: REPLAY_BYTES,
            body_bytes: BODY_BYTES,
            body_lines: BODY_LINES,
            line_bytes: LINE_BYTES,
        }
    }
}

impl Limits {
    /// Returns the number of frames after which an acknowledgement is due: a quarter of the replay bound (rule 11).
    #[must_use]
    pub const fn ack_frames(&self) -> usize {
        let quarter = self.replay_frames / 4;
        if quarter == 0 { 1 } else { quarter }
    }

    /// Returns the number of bytes after which an acknowledgement is due (rule 11).
    #[must_use]
    pub const fn ack_bytes(&self) -> usize {
        self.replay_bytes / 4
    }
}
