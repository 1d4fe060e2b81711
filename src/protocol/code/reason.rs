//! Why the gateway refuses something, split by fault.
//!
//! A variant holds exactly the data that its sentence needs, and its `Display` is that sentence. It must never hold
//! a secret or a token.

use std::fmt;
use std::time::Duration;

use super::bad_token::BadToken;
use super::mistake::Mistake;
use super::{Code, grouped};
use crate::protocol::{Transport, limits};

/// Whose fault it is, and what happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The peer made a mistake. The gateway refuses a repetition again.
    #[error(transparent)]
    Mistake(#[from] Mistake),
    /// A limit is reached. A smaller request may pass, or the same one later.
    #[error(transparent)]
    Limit(#[from] Limit),
    /// The gateway, a session or a leg is going away, or is gone. Neither side is at fault.
    #[error(transparent)]
    Leaving(#[from] Leaving),
    /// The gateway failed, or a component behind it.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The application refuses it, in its own words.
    #[error("{message}")]
    Application {
        /// The word for programs.
        code: Code,
        /// The sentence for people.
        message: String,
        /// When the application welcomes another try.
        retry_after: Option<Duration>,
    },
}

impl From<BadToken> for Reason {
    fn from(why: BadToken) -> Self {
        Mistake::from(why).into()
    }
}

/// A limit that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// A frame has this many bytes.
    #[error("a frame of {} bytes; the limit is {}", grouped(.0), grouped(&limits::BODY_BYTES))]
    FrameBytes(usize),
    /// A numbered line has this many bytes.
    #[error("a line of {} bytes; the limit is {}", grouped(.0), grouped(&limits::LINE_BYTES))]
    LineBytes(usize),
    /// A pad has this many bytes.
    #[error("a pad of {} bytes; the limit is {}", grouped(.0), grouped(&limits::PAD_BYTES))]
    PadBytes(usize),
    /// A body has this many bytes.
    #[error("a body of {} bytes; the limit is {}", grouped(.0), grouped(&limits::BODY_BYTES))]
    BodyBytes(usize),
    /// A body is longer than these bytes. The gateway stopped counting there.
    #[error(
        "a body of more than {} bytes; the limit is {}",
        grouped(.0), grouped(&limits::BODY_BYTES)
    )]
    BodyBeginning(usize),
    /// A body has this many lines behind its hello.
    #[error("a body of {0} lines behind its hello; the limit is {limit}", limit = limits::BODY_LINES)]
    BodyLines(usize),
    /// A message on a socket has this many bytes.
    #[error("a message of {} bytes; the limit is {}", grouped(.0), grouped(&limits::BODY_BYTES))]
    MessageBytes(u64),
    /// A message on a socket is too long once it is inflated.
    #[error("a message that inflates beyond the limit of {} bytes", grouped(&limits::BODY_BYTES))]
    InflatedBytes,
    /// No path of the client carries a request, so the client withdrew it.
    #[error("the client withdrew this request, because no network path took it")]
    WithdrewTooLarge,
    /// A token has this many bytes.
    #[error("a token of {} bytes; the limit is {}", grouped(.0), grouped(&limits::TOKEN_BYTES))]
    TokenBytes(usize),
    /// The session holds as many subscriptions as it may.
    #[error("this session holds {limit} subscriptions; the limit is {limit}", limit = limits::SUBSCRIPTIONS)]
    Subscriptions,
    /// The session subscribes too often.
    #[error(
        "this session subscribed more often than `limits.subscribes_per_session` allows, {a_second} times a second: try again in {} ms",
        .wait.as_millis()
    )]
    Subscribes {
        /// The limit.
        a_second: u32,
        /// When the next one passes.
        wait: Duration,
    },
    /// The session has as many legs as it may, and this one is the oldest candidate.
    #[error("too many legs of this session are attached")]
    Legs,
    /// The session attached too often. It may attach again after this time.
    #[error("this session attached or asked for its turn too often in the last minute")]
    Attaches(Duration),
    /// This many commands of the session wait.
    #[error("{0} commands of this session wait to be carried out")]
    Backlog(usize),
    /// A rule of channels limits publications, and this limit of it is reached.
    #[error("{by} reached its limit of {a_second} publications a second: try again in {} ms", .wait.as_millis())]
    Publications {
        /// The sender, or the channel.
        by: Publisher,
        /// The limit.
        a_second: u32,
        /// When the same publication passes.
        wait: Duration,
    },
    /// A socket sent too much before its hello was judged.
    #[error("before its hello was judged, this socket sent more than a body may hold")]
    Early,
    /// The gateway has no room for another session.
    #[error("this gateway holds {held} sessions; its limit `limits.sessions` is {limit}")]
    Sessions {
        /// The sessions that exist.
        held: usize,
        /// The limit.
        limit: usize,
    },
    /// The gateway has no room for another session without a token.
    #[error("this gateway holds {held} sessions without a token; its limit is {limit}, a tenth of `limits.sessions`")]
    Guests {
        /// The sessions without a token.
        held: usize,
        /// The limit.
        limit: usize,
    },
    /// The gateway has no room for another connection.
    #[error("this gateway holds {0} connections; its limit `limits.connections` is reached")]
    Connections(usize),
    /// The address has as many connections as it may.
    #[error("this address holds {0} connections; its limit `limits.connections_per_address` is reached")]
    AddressConnections(usize),
    /// A user or an address has as many sessions as it may.
    #[error("{of} holds {held} sessions; its limit `{key}` is reached", key = .of.key())]
    SessionsOf {
        /// The holder of the sessions.
        of: Holder,
        /// The sessions that it has.
        held: usize,
    },
    /// The address attached too often.
    #[error(
        "this address attached more often than `limits.attaches_per_address` allows, {a_second} times a second: try again in {} ms",
        .wait.as_millis()
    )]
    AddressAttaches {
        /// The limit.
        a_second: u32,
        /// When the next attach passes.
        wait: Duration,
    },
    /// The gateway has no room for another channel.
    #[error(
        "this gateway holds {held} channels; its limit `limits.channels` is {limit}: try later, or use another channel"
    )]
    Channels {
        /// The channels that exist.
        held: usize,
        /// The limit.
        limit: usize,
    },
    /// The broker has no room.
    #[error("the channel's broker has no room: try later")]
    Broker,
}

/// A holder of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A user.
    User,
    /// An address.
    Address,
    /// An address, of which only the sessions without a token count.
    Guests,
}

impl Holder {
    /// Returns the key of the limit.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::User => "limits.sessions_per_user",
            Self::Address => "limits.sessions_per_address",
            Self::Guests => "limits.guests_per_address",
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "this user",
            Self::Address => "this address",
            Self::Guests => "this address, without a token,",
        })
    }
}

/// A sender of publications, or their channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Publisher {
    /// A session.
    Session,
    /// A user, in all its sessions.
    User,
    /// A channel, for all its senders.
    Channel,
}

impl fmt::Display for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session => "this session",
            Self::User => "this user",
            Self::Channel => "this channel",
        })
    }
}

/// The thing that is going away, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Leaving {
    /// The gateway is going away.
    #[error("this gateway is going away")]
    Gateway,
    /// The session is gone.
    #[error("that session does not exist any more; start a new one")]
    Session,
    /// The session has expired.
    #[error("the session has expired")]
    Expired,
    /// The client ended the session.
    #[error("the client ended the session")]
    Bye,
    /// A socket carries another incarnation of the session than its hello names.
    #[error("that session does not exist any more")]
    Incarnation,
    /// The leg lost its turn.
    #[error("another leg of this session is active")]
    Replaced,
    /// The gateway does not offer the transport, or not any more.
    #[error("{0} is not offered by this gateway")]
    NotOffered(Transport),
    /// The leg was silent.
    #[error("nothing was heard on this leg for five heartbeats")]
    Silent,
    /// The leg did not prove itself.
    #[error("this candidate did not prove itself within 30 s")]
    Unproven,
    /// The client of a poll stopped waiting for the decision about its hello.
    #[error("no decision about this hello came while the client waited")]
    Undecided,
    /// A socket sent no hello.
    #[error("no hello came within 10 s")]
    NoHello,
}

/// A fault of the gateway, or of a component behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The application panicked while it decided about a command.
    #[error("the application failed to decide about this")]
    Decision,
    /// A command panicked while the gateway carried it out.
    #[error("a command of this session failed in the gateway")]
    Command,
    /// The application panicked while it decided about a client.
    #[error("the application failed to decide about this client")]
    Judgement,
    /// The application did not decide about a client within this time.
    #[error("the application did not decide about this client within {} s", .0.as_secs())]
    Undecided(Duration),
    /// The gateway has no keys that verify tokens, because the server of the key set did not serve it yet.
    #[error("the keys that verify tokens are not there yet, because their server does not answer: try later")]
    Keys,
    /// The broker did not answer in time.
    #[error("the channel's broker did not answer, so it is unknown whether this was done")]
    Broker,
}
