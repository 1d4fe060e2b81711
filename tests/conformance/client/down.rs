//! Frames from the server: the client handles link frames, and counts numbered ones.

use serde_json::Value;
use throughline::protocol::Transport;

use super::{Client, Seen};
use crate::wire::{Down, Frame};

/// The verbs of link frames.
const LINKS: [&str; 11] =
    ["welcome", "nonce", "end", "ack", "ping", "pong", "bytes", "goaway", "config", "wait", "token"];

impl Client {
    /// Reads one frame from a leg, as the protocol says. Cancel-safe.
    pub(crate) async fn see(&mut self, leg: u32) -> Seen {
        if self.wire(leg).must_poll() {
            let turn = self.legs[&leg].turn;
            let hello = self.hello(leg, (turn > 0).then_some(turn));
            self.wire(leg).poll(&[hello.to_string().into()]);
        }
        match self.wire(leg).next().await {
            Down::Frame(frame) => self.take(leg, frame).await,
            Down::Refused(answer) => Seen::Refused(answer),
            Down::Closed => Seen::Closed,
        }
    }

    async fn take(&mut self, leg: u32, frame: Frame) -> Seen {
        let value = frame.value();
        let verb = value.as_object().unwrap().keys().find(|key| LINKS.contains(&key.as_str()));
        match verb.map(String::as_str) {
            None => self.count(leg, frame),
            Some("welcome") => self.welcomed(leg, value["welcome"].clone()).await,
            Some("nonce") => self.welcomed(leg, self.whole(leg, &value)).await,
            Some("end") => {
                assert_eq!(value["end"]["v"], 1);
                Seen::End(value["end"]["code"].as_str().unwrap().to_owned())
            }
            Some("ack") => {
                self.acknowledged(value["ack"].as_u64().unwrap());
                if let Some(next) = value["next"].as_u64() {
                    self.base(leg, next);
                }
                Seen::Ack
            }
            Some("ping") => {
                if self.transport(leg) != Transport::Poll {
                    Box::pin(self.link(leg, &format!("{{\"pong\":{}}}", value["ping"]))).await;
                }
                Seen::Ping(value["ping"].clone())
            }
            Some("pong") => Seen::Pong(value["pong"].clone()),
            Some(_) => Seen::Link(value),
        }
    }

    /// Returns the full welcome that a brief one stands for.
    fn whole(&self, leg: u32, brief: &Value) -> Value {
        let mut welcome = self.legs[&leg].welcome.clone().expect("a brief welcome follows a whole one");
        welcome["turn"] = self.legs[&leg].turn.into();
        welcome.as_object_mut().unwrap().extend(brief.as_object().unwrap().clone());
        welcome
    }

    async fn welcomed(&mut self, leg: u32, welcome: Value) -> Seen {
        let state = self.legs.get_mut(&leg).unwrap();
        assert_eq!(welcome["v"], 1);
        assert_eq!(welcome["leg"], leg);
        let nonce = welcome["nonce"].as_str().unwrap().to_owned();
        assert!(state.nonces.contains(&nonce), "{nonce} is no nonce of this client on this leg");
        let id = welcome["id"].as_str().unwrap().to_owned();
        assert_eq!(*self.id.get_or_insert_with(|| id.clone()), id, "another incarnation");
        state.welcome = Some(welcome.clone());
        let holds_turn = state.turn > 0 && welcome["turn"] == state.turn;
        self.acknowledged(welcome["received"].as_u64().unwrap());
        if holds_turn {
            self.base(leg, welcome["next"].as_u64().unwrap());
        }
        if self.transport(leg) == Transport::WebSocket {
            let ack = Frame::from(self.ack());
            self.wire(leg).write(&[ack]).await;
            self.legs.get_mut(&leg).unwrap().up = Some(self.acked + 1);
        }
        Seen::Welcome(welcome)
    }

    pub(super) fn acknowledged(&mut self, received: u64) {
        assert!(received <= self.lines.len() as u64, "{received} acknowledged of {}", self.lines.len());
        self.acked = self.acked.max(received);
    }

    /// Handles a number that the server states for its next line.
    fn base(&mut self, leg: u32, next: u64) {
        if next > self.received + 1 {
            self.overrun += next - self.received - 1;
            self.received = next - 1;
        }
        self.legs.get_mut(&leg).unwrap().down = Some(next);
    }

    fn count(&mut self, leg: u32, frame: Frame) -> Seen {
        let count = &mut self.legs.get_mut(&leg).unwrap().down;
        let number = count.unwrap_or_else(|| panic!("{frame:?} before any number was stated"));
        *count = Some(number + 1);
        assert!(number <= self.received + 1, "a hole before {number}");
        if number <= self.received {
            self.repeated += 1;
            return Seen::Repeated;
        }
        self.received = number;
        Seen::New(frame)
    }
}
