//! The vocabulary of faults: plain data, as in a network's JSON. Nothing here acts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::milliseconds;

/// How an exchange begins. This is decided once, when its request arrives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Opening {
    /// The origin gets the request and answers it.
    #[default]
    Pass,
    /// The connection is reset at once (RST), and so is everything that is open on the route. If this holds for every
    /// route, connections are reset as they are accepted, before any request.
    Reset,
    /// The request is accepted and never answered: a black hole.
    Swallow,
    /// The network answers by itself; the origin sees nothing.
    Answer(Answer),
    /// `Upgrade` and `Connection` are removed, so the origin sees a plain GET and answers without 101.
    StripUpgrade,
    /// The origin gets the request and answers it; the answer is lost.
    LoseResponse(Lost),
    /// The origin gets the request a second time, byte for byte, and its second answer is delivered. The second request
    /// goes when the first was answered, or 250 ms after it. Upgrades pass once.
    Twice,
}

/// Which requests the rule's [`Opening`] strikes. The others pass, but all other faults of the rule hold for them too.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum When {
    /// Every request.
    #[default]
    Always,
    /// Each request with this probability, drawn from the network's seed.
    Chance(f64),
    /// The n-th request that meets this rule, the 2n-th, and so on.
    Every(u32),
    /// Only the first n requests that meet this rule.
    First(u32),
}

/// The network's own answer. A 407 carries `Proxy-Authenticate: Basic` by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status, from 200 to 999.
    pub status: u16,
    /// The target of a redirect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The body, sent as `text/html`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub html: String,
}

impl Answer {
    /// Returns this status with an empty page.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, location: None, html: String::new() }
    }
}

/// What the client sees instead of a lost answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lost {
    /// A reset, as soon as the origin has begun to answer.
    Reset,
    /// Nothing, on an open connection.
    Hang,
}

/// One way through the network, or both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Direction {
    /// From the client to the origin.
    Up,
    /// From the origin to the client.
    Down,
    /// Both ways.
    Both,
}

impl Direction {
    pub(super) fn covers(self, one_way: Direction) -> bool {
        self == Self::Both || self == one_way
    }
}

/// A proxy that holds a response back. It holds 1 MB at most, and lets bytes above this go, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// The event that lets the bytes go.
    pub until: Until,
    /// What happens to the head meanwhile.
    #[serde(default)]
    pub headers: Headers,
}

/// The event that lets a buffered response go. Every kind lets go at the response's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Until {
    /// The response's end only.
    Close,
    /// A full block of this many bytes.
    Block(usize),
    /// The next chunk: chunk k is delivered when k + 1 arrives.
    NextChunk,
    /// The response's end. But this many bytes pass first, as an honest beginning.
    CloseAfter(usize),
}

/// How a buffering proxy treats the head of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Headers {
    /// The head passes at once.
    #[default]
    Passed,
    /// The head waits for the first bytes of the body that are let go.
    Held,
}

/// What happens to an exchange on which nothing moved, in either direction, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idle {
    /// For how long nothing moved.
    #[serde(rename = "after_ms", with = "milliseconds")]
    pub after: Duration,
    /// What happens then.
    pub then: Silence,
}

/// How an idle exchange ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Silence {
    /// Bytes sent from then on vanish unnoticed (a NAT that forgot).
    Drop,
    /// A clean end, as by [`Rule::cut_after`](super::Rule::cut_after).
    Cut,
    /// A reset.
    Reset,
}

/// Now and then a piece of data is late, and everything after it waits. TCP shows a lost packet in this way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hiccup {
    /// The probability for each piece (one read from a socket).
    pub chance: f64,
    /// The lateness.
    #[serde(rename = "for_ms", with = "milliseconds")]
    pub lasting: Duration,
}
