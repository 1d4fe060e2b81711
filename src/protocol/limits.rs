//! Every bound of the protocol, named once. A bound is checked before what it bounds costs anything.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A secret's length in characters: 22 of the 64 allowed carry 132 bits.
pub const SECRET_LENGTH: std::ops::RangeInclusive<usize> = 22..=64;
/// A session id's longest form; ours are UUIDs of 36 characters.
pub const SESSION_ID_BYTES: usize = 64;
/// A nonce's longest form.
pub const NONCE_BYTES: usize = 64;
/// A token's longest form.
pub const TOKEN_BYTES: usize = 8 * 1024;
/// The longest report of a client on itself (`hello.client`).
pub const CLIENT_REPORT_BYTES: usize = 512;
/// The longest channel name.
pub const CHANNEL_BYTES: usize = 128;
/// The longest epoch a client may ask for; ours are UUIDs.
pub const EPOCH_BYTES: usize = 64;
/// The longest search for a connection that a client's report counts with.
pub const LONGEST_SEARCH: Duration = Duration::from_secs(86_400);
/// A leg and a turn stay below this.
pub const LEG_AND_TURN: u32 = 1 << 31;
/// Numbers, offsets and ids stay below this: what a JavaScript number holds exactly.
pub const NUMBER: u64 = 1 << 53;
/// A body or a socket message is at most this long.
pub const BODY_BYTES: usize = 64 * 1024;
/// A numbered line of a client is at most this long: what fits into a body behind a hello with the longest token, so that
/// a line that one transport takes can go by any other.
pub const LINE_BYTES: usize = 55 * 1024;
/// Lines in one body.
pub const BODY_LINES: usize = 512;
/// Frames a session keeps for a client that does not acknowledge.
pub const REPLAY_FRAMES: usize = 4096;
/// Their bytes, in line form.
pub const REPLAY_BYTES: usize = 1 << 20;
/// Legs of one session attached at once; the oldest candidate ends when a fourth comes.
pub const ATTACHED_LEGS: usize = 3;
/// Attaches and turn requests of one session in a minute.
pub const ATTACHES_A_MINUTE: u32 = 60;
/// A write of so many bytes of numbered lines to a WebSocket is announced by `bytes`. A browser shows nothing of a message before it is
/// whole, and at 2,500 B/s, the slowest line that is supported, so many bytes take 1.6 s.
pub const ANNOUNCED_BYTES: usize = 4_096;
/// Channels one session may be subscribed to.
pub const SUBSCRIPTIONS: usize = 512;
/// Pings a leg answers in a second; what is above is dropped.
pub const PINGS_A_SECOND: u32 = 4;
/// The longest pad of a ping. Its pong has the same one, so that an answer is never longer than what asked for it.
pub const PAD_BYTES: usize = 4_096;

/// The gateway's acknowledgement waits at most this long: a client takes a frame that is not acknowledged soon for a sign that
/// nothing goes up.
pub const ACK_DELAY: Duration = Duration::from_secs(1);
/// A client's: it frees what the gateway keeps, and nobody waits for it. Beside a stream each is a request; more seldom than the 5 s for
/// which the gateway keeps an idle connection, each would take a new one.
pub const CLIENT_ACK_DELAY: Duration = Duration::from_secs(3);
/// An acknowledgement of the gateway that would be due within this time rides on what goes down a socket anyway: a write of its own
/// costs as much as a message.
pub const ACK_RIDES: Duration = Duration::from_millis(500);
/// A socket has this long to say hello; a session whose welcome nobody answers in this time goes.
pub const HELLO_DEADLINE: Duration = Duration::from_secs(10);
/// A candidate that does not prove itself in this time is ended.
pub const CANDIDATE_DEADLINE: Duration = Duration::from_secs(30);
/// A pong follows its leg's welcome no sooner: a proof that a second write passes (PROTOCOL.md, *Proofs*).
pub const PONG_AFTER_WELCOME: Duration = Duration::from_millis(20);
/// The server pings a stream or a socket that often.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// A client may wish for a heartbeat and a hold down to this: a path that cuts what is idle after 4 s needs a sign every 2 s.
pub const SHORTEST_WISH: Duration = Duration::from_secs(1);
/// A leg that answered nothing for this many heartbeats is dead: 75 s, what a throttled background tab needs. These are the
/// gateway's own heartbeats, whatever a client wished.
pub const SILENT_HEARTBEATS: u32 = 5;
/// A poll behind an answer of so many lines gathers more for a moment: [`GATHER`].
pub const LONG_ANSWER: usize = 8;
/// How long. At saturation, with 1,000 subscribers, it takes a third off what a line costs and off its latency; 10 ms took a fifth of
/// the rest (measured).
pub const GATHER: Duration = Duration::from_millis(2);
/// A poll is held at most this long.
pub const POLL_HOLD: Duration = Duration::from_secs(25);
/// A poll is held so much longer once its client has shut its sending side. After as long a comment asks whether anybody reads a stream.
pub const HALF_CLOSED: Duration = Duration::from_secs(1);
/// A leg whose transport is no longer offered ends this long after the jitter that its client has to leave it.
pub const WITHDRAWAL: Duration = Duration::from_secs(10);
/// A session lives this long without a leg.
pub const RESUME: Duration = Duration::from_secs(120);

/// The bounds a client must know, as told in `welcome.limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Unacknowledged frames that are kept, in each direction.
    pub replay_frames: usize,
    /// Their bytes.
    pub replay_bytes: usize,
    /// The longest body of a POST.
    pub body_bytes: usize,
    /// The most lines in a body.
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
    /// Frames after which an acknowledgement is due: a quarter of the replay bound (rule 11).
    #[must_use]
    pub const fn ack_frames(&self) -> usize {
        let quarter = self.replay_frames / 4;
        if quarter == 0 { 1 } else { quarter }
    }

    /// Bytes after which an acknowledgement is due (rule 11).
    #[must_use]
    pub const fn ack_bytes(&self) -> usize {
        self.replay_bytes / 4
    }
}
