//! The vocabulary of what can go wrong: plain data, as it stands in a network's JSON. Nothing here acts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::milliseconds;

/// How an exchange begins. Decided once, when its request arrives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Opening {
    /// It is delivered, and answered by the origin.
    #[default]
    Pass,
    /// The connection is reset at once (RST), and so is all that is open on the route. If this holds for every route,
    /// connections are reset as they are accepted, before any request.
    Reset,
    /// The request is taken and nothing ever answers: a black hole.
    Swallow,
    /// The network answers by itself; the origin sees nothing.
    Answer(Answer),
    /// `Upgrade` and `Connection` are removed, so that the origin sees a plain GET and answers without 101.
    StripUpgrade,
    /// The origin gets the request and answers it; the answer is lost.
    LoseResponse(Lost),
    /// The origin gets the request a second time, byte for byte; the second answer is delivered. The second one goes
    /// when the first was answered, or 250 ms after it. Upgrades pass once.
    Twice,
}

/// Which requests the rule's [`Opening`] strikes. The others pass; all other faults of the rule hold for them too.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum When {
    /// Every one.
    #[default]
    Always,
    /// Each with this probability, drawn from the network's seed.
    Chance(f64),
    /// The n-th that meets this rule, the 2n-th, and so on.
    Every(u32),
    /// Only the first n that meet this rule.
    First(u32),
}

/// What the network says in the origin's place. A 407 carries `Proxy-Authenticate: Basic` by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status, from 200 to 999.
    pub status: u16,
    /// Where a redirect leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The body, sent as `text/html`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub html: String,
}

impl Answer {
    /// This status with an empty page.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, location: None, html: String::new() }
    }
}

/// What the client sees in place of a lost answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lost {
    /// A reset, as soon as the origin has begun to answer.
    Reset,
    /// Nothing, on an open connection.
    Hang,
}

/// One way through the network, or both.
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

/// A proxy that keeps a response back. At most 1 MB is held; what is over is let go, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// What lets go of the bytes.
    pub until: Until,
    /// What happens to the head meanwhile.
    #[serde(default)]
    pub headers: Headers,
}

/// What lets go of a buffered response. All of them let go at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Until {
    /// Its end only.
    Close,
    /// A full block of this many bytes.
    Block(usize),
    /// The next chunk: chunk k is delivered when k + 1 arrives.
    NextChunk,
    /// Its end; but this many bytes pass at first, as an honest beginning.
    CloseAfter(usize),
}

/// What a buffering proxy does with the head of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Headers {
    /// It passes at once.
    #[default]
    Passed,
    /// It waits for the first bytes of the body that are let go.
    Held,
}

/// What befalls an exchange on which nothing moved, in either direction, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idle {
    /// For how long nothing moved.
    #[serde(rename = "after_ms", with = "milliseconds")]
    pub after: Duration,
    /// What follows.
    pub then: Silence,
}

/// How an idle exchange ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Silence {
    /// Nobody is told; whatever is sent from then on vanishes (a NAT that forgot).
    Drop,
    /// A clean end, as by [`Rule::cut_after`](super::Rule::cut_after).
    Cut,
    /// A reset.
    Reset,
}

/// Now and then a piece of data is late, and all that follows it waits: a lost packet as TCP shows it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hiccup {
    /// How probable this is for each piece (one read from a socket).
    pub chance: f64,
    /// By how much it is late.
    #[serde(rename = "for_ms", with = "milliseconds")]
    pub lasting: Duration,
}
