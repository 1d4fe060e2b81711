//! A conversation of the gateway's half as operations on one session.
//!
//! The operations know less than a conversation: one session, few legs, small numbers. So it is played nearly, and not exactly.

use serde_json::Value;

use super::vectors::{Conversation, Keys, Step};
use crate::protocol::Transport;
use crate::session::server::watch::operations::{GREATEST, Hello, LENGTHS, Operation, Text};

/// A carrier of a conversation takes so many bytes at a time.
const ROOM: usize = 400;
/// Places of carriers that an operation can name.
const PLACES: usize = 8;

/// The bytes for the target `session`; none of a conversation of the client's half.
pub(super) fn operations(conversation: &Conversation) -> Option<Vec<u8>> {
    if !conversation.is_servers {
        return None;
    }
    let mut play = Play { conversation, carriers: Vec::new(), bytes: Vec::new() };
    let mut now = 0;
    for step in &conversation.steps {
        play.operation(&Operation::Later((step.at - now).min(0xffff)));
        now = step.at;
        play.step(step);
    }
    Some(play.bytes)
}

struct Play<'a> {
    conversation: &'a Conversation,
    /// The newest last.
    carriers: Vec<u64>,
    bytes: Vec<u8>,
}

impl Play<'_> {
    fn operation(&mut self, operation: &Operation) {
        operation.write(&mut self.bytes);
    }

    fn step(&mut self, step: &Step) {
        let keys = &step.input;
        let number = |key: &str| keys.get(key).and_then(|number| number.get().parse::<u64>().ok());
        if let (Some(socket), Some(text)) = (number("socket"), keys.get("text")) {
            let text = self.conversation.text(text);
            self.message(socket, &text);
        } else if let Some(request) = number("request") {
            self.request(request, keys);
        } else if let Some(place) = number("closed").and_then(|carrier| self.place(carrier)) {
            self.carriers.remove(self.carriers.len() - 1 - place);
            self.operation(&Operation::Closed(place));
        } else if let Some(push) = keys.get("push") {
            let length = LENGTHS.into_iter().find(|length| push.get().len() <= length + 100);
            self.operation(&Operation::Push(length.unwrap_or(LENGTHS[3])));
        } else if keys.contains_key("link") {
            self.operation(&Operation::Link);
        } else if keys.contains_key("timeout") {
            self.operation(&Operation::Timeout);
        }
        if step.full.is_empty() {
            self.operation(&Operation::Write(ROOM));
        }
    }

    /// The place of a carrier, the newest first.
    fn place(&self, carrier: u64) -> Option<usize> {
        self.carriers.iter().rev().position(|other| *other == carrier).filter(|place| *place < PLACES)
    }

    fn message(&mut self, socket: u64, text: &[u8]) {
        let operation = match (self.place(socket), hello(text)) {
            (None, Some(hello)) => {
                self.carriers.push(socket);
                Operation::Attach(Transport::WebSocket, hello, Vec::new())
            }
            (None, None) => return,
            (Some(place), Some(hello)) => Operation::Again(place, hello),
            (Some(place), None) => Operation::Frame(place, frame(text)),
        };
        self.operation(&operation);
    }

    fn request(&mut self, request: u64, keys: &Keys) {
        let lines = self.conversation.lines(keys);
        let Some((Some(hello), lines)) = lines.split_first().map(|(first, rest)| (hello(first), rest)) else { return };
        let lines = lines.iter().take(3).map(|line| frame(line)).collect();
        let operation = match keys.get("kind").map(|kind| kind.get()) {
            Some("\"stream\"") => Operation::Attach(Transport::Sse, hello, lines),
            Some("\"poll\"") => Operation::Attach(Transport::Poll, hello, lines),
            _ => Operation::Send(hello, lines),
        };
        if matches!(operation, Operation::Attach(..)) {
            self.carriers.push(request);
        }
        self.operation(&operation);
    }
}

/// The hello that a text is.
fn hello(text: &[u8]) -> Option<Hello> {
    let frame: Value = serde_json::from_slice(text).ok()?;
    let hello = frame.get("hello")?;
    let number = |key: &str| hello[key].as_u64();
    let small = |key: &str, most: u32| number(key).map(|number| u32::try_from(number).unwrap_or(most).min(most));
    Some(Hello {
        id: hello["id"].as_str().map(|id| id == "s1"),
        leg: small("leg", 8).unwrap_or(1).max(1),
        turn: small("turn", 15),
        received: number("received").unwrap_or(0),
        next: number("next").unwrap_or(1),
        wish: number("hold_ms").or(number("heartbeat_ms")).map(|wish| if wish > 0xffff { GREATEST } else { wish }),
    })
}

fn frame(text: &[u8]) -> Text {
    let Ok(frame) = serde_json::from_slice::<Value>(text) else { return Text::Nonsense };
    let has = |key: &str| frame.get(key).is_some();
    if let Some(received) = frame["ack"].as_u64() {
        Text::Ack(received, frame["next"].as_u64())
    } else if has("ping") {
        let value = frame["ping"].as_u64().unwrap_or(0) % 8;
        if has("pad") { Text::LongPing(value) } else { Text::Ping(value) }
    } else if has("pong") {
        Text::Pong
    } else if has("pub") || has("msg") || has("req") {
        Text::Publish
    } else if has("sub") || has("unsub") || has("skip") {
        Text::Faulty
    } else {
        Text::Nonsense
    }
}
