//! The ledger of a schedule: the messages that were pushed at each end, and those that came out at the other.
//!
//! Its invariants:
//!
//! - each message arrives at most once, and in order
//! - none is lost unless the application was told
//! - memory stays within its bound
//!
//! The schedule itself checks that everything arrives once the faults stop.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::protocol::SessionId;
use crate::protocol::frame::{Payload, RawFrame};
use crate::protocol::up::{Action, Command};
use crate::session::client::Reset;

/// The characters of a long message, without the frame.
const LONG: usize = 3_000;

/// A message of the client's application.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    Short,
    Long,
    /// No gateway can read it.
    Unreadable,
}

/// The messages of a schedule. Those up are numbered over the whole schedule, those down within each incarnation.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) pushed_up: u64,
    taken: u64,
    told: BTreeSet<u64>,
    /// Messages that may be withdrawn: unreadable or long ones.
    hard: BTreeSet<u64>,
    /// Messages that the client reported as too large.
    claimed: BTreeSet<u64>,
    pushed_down: BTreeMap<String, u64>,
    incarnation: Option<String>,
    past: BTreeSet<String>,
    received: u64,
    /// The newest session dropped all frames up to this number.
    dropped: u64,
}

#[derive(Deserialize)]
struct Down {
    at: u64,
    data: String,
}

impl Ledger {
    /// Returns the next message of the client's application.
    pub(super) fn push_up(&mut self, message: Message) -> String {
        self.pushed_up += 1;
        let number = self.pushed_up;
        if message != Message::Short {
            self.hard.insert(number);
        }
        match message {
            Message::Short => format!(r#"{{"pub":"c","id":{number},"data":{number}}}"#),
            Message::Long => {
                format!(r#"{{"pub":"c","id":{number},"data":{number},"padding":"{}"}}"#, ".".repeat(LONG))
            }
            // Its first key is no verb that a gateway knows.
            Message::Unreadable => format!(r#"{{"data":{number},"id":{number}}}"#),
        }
    }

    /// Returns the next message for an incarnation's client.
    pub(super) fn push_down(&mut self, id: &SessionId, is_long: bool) -> String {
        let count = self.pushed_down.entry(id.to_string()).or_default();
        *count += 1;
        let padding = if is_long { format!(r#","padding":"{}""#, ".".repeat(LONG)) } else { String::new() };
        format!(r#"{{"pub":"c","at":{count},"data":"{id}"{padding}}}"#)
    }

    pub(super) fn taken(&mut self, command: &Command) -> Result<(), String> {
        let is_filler = matches!(command.action, Action::Faulty(_));
        let number = if is_filler { command.id } else { number_of(command) };
        let number = number.filter(|number| *number <= self.pushed_up).ok_or("a frame came out that never went in")?;
        if is_filler && !self.hard.contains(&number) {
            return Err(format!("message {number} was withdrawn, though it can pass"));
        }
        if !is_filler && self.claimed.contains(&number) {
            return Err(format!("message {number} was told as too large, and taken"));
        }
        if number <= self.taken {
            return Err(format!("message {number} was taken twice or out of order, after {}", self.taken));
        }
        if let Some(lost) = (self.taken + 1..number).find(|skipped| !self.told.contains(skipped)) {
            return Err(format!("message {lost} was lost unseen: {number} was taken"));
        }
        self.taken = number;
        Ok(())
    }

    /// Notes frames whose unknown outcome was reported.
    pub(super) fn unknown(&mut self, frames: &[RawFrame]) {
        for frame in frames {
            self.told.extend(id_of(frame));
        }
    }

    /// Notes that the client reports to its application that a message will never be accepted. Only a mutant does
    /// so.
    fn claim(&mut self, frame: &RawFrame) -> Result<(), String> {
        let number = id_of(frame).ok_or("a claim about no message")?;
        if number <= self.taken {
            return Err(format!("message {number} was told as too large, and taken"));
        }
        self.claimed.insert(number);
        Ok(())
    }

    pub(super) fn received(&mut self, frame: &RawFrame) -> Result<(), String> {
        if frame.text.starts_with(b"{\"skip\"") {
            return self.claim(frame);
        }
        let down: Down = serde_json::from_slice(&frame.text).map_err(|error| error.to_string())?;
        let incarnation = self.incarnation.get_or_insert_with(|| down.data.clone());
        if *incarnation != down.data || self.past.contains(&down.data) {
            return Err(format!("a frame of {} was taken within {incarnation}", down.data));
        }
        if down.at != self.received + 1 {
            return Err(format!("frame {} of {incarnation} was taken as number {}", down.at, self.received + 1));
        }
        self.received = down.at;
        Ok(())
    }

    pub(super) fn dropped(&mut self, through: u64) {
        self.dropped = through;
    }

    pub(super) fn reset(&mut self, reset: Reset, frames: u64) -> Result<(), String> {
        match reset {
            Reset::Overrun if self.received + frames > self.dropped => {
                let told = self.received + frames;
                return Err(format!("frames up to {told} were told lost; {} were dropped", self.dropped));
            }
            Reset::Overrun => self.received += frames,
            Reset::Gone => {
                self.past.extend(self.incarnation.take());
                self.received = 0;
            }
        }
        Ok(())
    }

    /// Returns true if this message of the client's application was taken.
    pub(super) const fn has_taken(&self, number: u64) -> bool {
        self.taken >= number
    }

    /// Returns true if every pushed message came out, up and, for this incarnation, down.
    pub(super) fn settled(&self, newest: Option<&SessionId>) -> bool {
        let up = (self.taken + 1..=self.pushed_up).all(|number| self.told.contains(&number));
        let down = newest.map_or(0, |id| self.pushed_down.get(id.as_str()).copied().unwrap_or(0));
        let other = self.incarnation.as_ref().is_some_and(|held| newest.is_none_or(|id| id.as_str() != held));
        up && !other && self.received == down
    }
}

impl std::fmt::Display for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pushed_up, taken, pushed_down, incarnation, received, .. } = self;
        write!(f, "up {taken} of {pushed_up}; down {received} in {incarnation:?} of {pushed_down:?}")
    }
}

fn number_of(command: &Command) -> Option<u64> {
    match &command.action {
        Action::Publish(_, payload) => json_number(payload),
        _ => None,
    }
}

fn id_of(frame: &RawFrame) -> Option<u64> {
    #[derive(Deserialize)]
    struct Up {
        id: u64,
    }
    serde_json::from_slice(&frame.text).ok().map(|Up { id }| id)
}

fn json_number(payload: &Payload) -> Option<u64> {
    match payload {
        Payload::Json(data) => serde_json::from_slice(data).ok(),
        Payload::Binary(_) => None,
    }
}
