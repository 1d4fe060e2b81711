//! A client that follows the protocol and hides no fault: it counts every numbered frame, and fails at a gap.

mod down;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use serde_json::{Value, json};
use throughline::protocol::Transport;

use crate::gateway::Running;
use crate::http::{self, Answer};
use crate::wire::{Down, Frame, Wire, body};

/// The most that the client puts into one body: a little below the caps.
const LINES_IN_A_BODY: usize = 400;
const BYTES_IN_A_BODY: usize = 60_000;

/// One event on a leg.
#[derive(Debug)]
pub(crate) enum Seen {
    Welcome(Value),
    Pong(Value),
    Ping(Value),
    Ack,
    /// bytes, goaway or config.
    Link(Value),
    End(String),
    /// A numbered frame that the client has not received before.
    New(Frame),
    /// A numbered frame that another leg brought already.
    Repeated,
    Refused(Answer),
    Closed,
}

pub(crate) struct Client {
    address: SocketAddr,
    pub(crate) secret: String,
    pub(crate) id: Option<String>,
    /// The highest number received, and the highest own number acknowledged.
    pub(crate) received: u64,
    pub(crate) acked: u64,
    /// The number of frames that the server declared lost.
    pub(crate) overrun: u64,
    pub(crate) turn: u32,
    /// Frames that arrived before the test asked for them.
    pub(crate) inbox: VecDeque<Frame>,
    pub(crate) repeated: u64,
    /// Additional keys of every hello.
    pub(crate) says: Value,
    lines: Vec<Frame>,
    made: u64,
    legs: BTreeMap<u32, Leg>,
    requests: u64,
}

struct Leg {
    wire: Wire,
    turn: u32,
    nonces: Vec<String>,
    /// The latest full welcome.
    welcome: Option<Value>,
    /// The number of the next line from the server.
    down: Option<u64>,
    /// The number of the next line to the server, on a socket that is ready for lines.
    up: Option<u64>,
}

/// Returns a unique secret.
pub(crate) fn secret() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

impl Client {
    pub(crate) fn new(gateway: &Running) -> Self {
        Self::at(gateway.address, &secret())
    }

    pub(crate) fn at(address: SocketAddr, secret: &str) -> Self {
        Self {
            address,
            secret: secret.to_owned(),
            id: None,
            received: 0,
            acked: 0,
            overrun: 0,
            turn: 0,
            inbox: VecDeque::new(),
            repeated: 0,
            says: json!({}),
            lines: Vec::new(),
            made: 0,
            legs: BTreeMap::new(),
            requests: 0,
        }
    }

    /// Creates a client that is online over one leg.
    pub(crate) async fn online(gateway: &Running, transport: Transport) -> (Self, u32) {
        let mut client = Self::new(gateway);
        let leg = client.attach(transport).await;
        (client, leg)
    }

    /// Returns a hello for a leg, with everything that this client knows.
    pub(crate) fn hello(&mut self, leg: u32, turn: Option<u32>) -> Value {
        self.made += 1;
        let nonce = format!("n{}", self.made);
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.nonces.push(nonce.clone());
        }
        let mut hello = json!({
            "v": 1, "session": self.secret, "leg": leg, "nonce": nonce,
            "received": self.received, "next": self.acked + 1,
        });
        hello.as_object_mut().unwrap().extend(self.says.as_object().unwrap().clone());
        if let Some(id) = &self.id {
            hello["id"] = id.as_str().into();
        }
        if let Some(turn) = turn {
            hello["turn"] = turn.into();
        }
        json!({ "hello": hello })
    }

    /// Opens a leg, as a candidate or with a request for the turn.
    pub(crate) async fn open(&mut self, transport: Transport, asks: bool) -> u32 {
        self.open_with(transport, asks, false).await
    }

    /// Opens a leg with a small receive window, and asks for the turn.
    pub(crate) async fn open_narrow(&mut self, transport: Transport) -> u32 {
        self.open_with(transport, true, true).await
    }

    async fn open_with(&mut self, transport: Transport, asks: bool, narrow: bool) -> u32 {
        let leg = self.made_legs() + 1;
        self.turn += u32::from(asks);
        let turn = if asks { self.turn } else { 0 };
        let hello = self.hello(leg, asks.then_some(turn));
        let nonce = hello["hello"]["nonce"].as_str().unwrap().to_owned();
        let mut frames = vec![Frame::from(hello.to_string())];
        let mut up = None;
        // A client that knows the incarnation sends its lines at once.
        if self.id.is_some() && transport == Transport::WebSocket {
            frames.push(self.ack().into());
            frames.extend_from_slice(&self.lines[self.acked as usize..]);
            up = Some(self.lines.len() as u64 + 1);
        } else if self.id.is_some() {
            frames.extend(self.next_lines());
        }
        let wire = if narrow {
            Wire::open_narrow(self.address, transport, &frames).await
        } else {
            Wire::open(self.address, transport, &frames).await
        };
        let state = Leg { wire, turn, nonces: vec![nonce], welcome: None, down: None, up };
        self.legs.insert(leg, state);
        leg
    }

    /// Skips the number of a leg that another client of the same session uses.
    pub(crate) fn skip_leg(&mut self) {
        let leg = self.made_legs() + 1;
        let wire = Wire::dead(Transport::WebSocket, self.address);
        self.legs.insert(leg, Leg { wire, turn: 0, nonces: Vec::new(), welcome: None, down: None, up: None });
    }

    fn made_legs(&self) -> u32 {
        self.legs.last_key_value().map_or(0, |(leg, _)| *leg)
    }

    /// Opens a leg, has it made active, and confirms the session.
    pub(crate) async fn attach(&mut self, transport: Transport) -> u32 {
        let leg = self.open(transport, true).await;
        self.activated(leg).await;
        self.flush(leg).await;
        leg
    }

    /// Reads until the leg is active.
    pub(crate) async fn activated(&mut self, leg: u32) -> Value {
        loop {
            let welcome = self.welcome(leg).await;
            if self.is_active(leg) {
                return welcome;
            }
        }
    }

    pub(crate) fn is_active(&self, leg: u32) -> bool {
        self.legs[&leg].down.is_some()
    }

    pub(crate) async fn welcome(&mut self, leg: u32) -> Value {
        loop {
            match self.see(leg).await {
                Seen::Welcome(welcome) => return welcome,
                Seen::New(frame) => self.inbox.push_back(frame),
                Seen::Pong(_) | Seen::Ack | Seen::Repeated => {}
                // The gateway decides about the hello.
                Seen::Link(frame) if frame.get("wait").is_some() => {}
                other => panic!("{other:?} instead of a welcome"),
            }
        }
    }

    /// Reads a leg to its `end` frame and returns the code. Fails if anything follows.
    pub(crate) async fn ended(&mut self, leg: u32) -> String {
        let code = loop {
            match self.see(leg).await {
                Seen::End(code) => break code,
                Seen::New(frame) => self.inbox.push_back(frame),
                Seen::Refused(_) | Seen::Closed => panic!("closed without an end"),
                _ => {}
            }
        };
        let after = self.legs.get_mut(&leg).unwrap().wire.next().await;
        assert!(matches!(after, Down::Closed), "{after:?} after end");
        code
    }

    /// Notes that the test sent this leg a hello with the newest turn.
    pub(crate) fn took_turn(&mut self, leg: u32) {
        let turn = self.turn;
        let leg = self.legs.get_mut(&leg).unwrap();
        (leg.turn, leg.down) = (turn, None);
    }

    /// Asks for the turn on a leg that is open.
    pub(crate) async fn ask(&mut self, leg: u32) {
        self.turn += 1;
        self.took_turn(leg);
        let turn = self.turn;
        let hello = Frame::from(self.hello(leg, Some(turn)).to_string());
        match self.transport(leg) {
            Transport::WebSocket => self.wire(leg).write(&[hello]).await,
            Transport::Sse => drop(self.post_send(&[hello]).await),
            Transport::Poll => self.wire(leg).poll(&[hello]),
        }
    }

    /// Sends a link frame.
    pub(crate) async fn link(&mut self, leg: u32, frame: &str) {
        let turn = self.legs[&leg].turn;
        let hello = Frame::from(self.hello(leg, None).to_string());
        match self.transport(leg) {
            Transport::WebSocket => self.wire(leg).write(&[frame.into()]).await,
            Transport::Sse => drop(self.post_send(&[hello, frame.into()]).await),
            Transport::Poll => {
                let hello = self.hello(leg, (turn > 0).then_some(turn));
                self.wire(leg).poll(&[hello.to_string().into(), frame.into()]);
            }
        }
    }

    /// Numbers a frame of the application. The next flush sends it.
    pub(crate) fn push(&mut self, frame: impl Into<Frame>) {
        self.lines.push(frame.into());
    }

    /// Replaces the last line by a filler with the same number. The next leg carries the filler.
    pub(crate) fn withdraw_last(&mut self, filler: &str) {
        *self.lines.last_mut().unwrap() = filler.into();
    }

    /// Sends all lines that the leg has not carried. On SSE and long-poll it sends until all are acknowledged.
    pub(crate) async fn flush(&mut self, leg: u32) {
        if self.transport(leg) == Transport::WebSocket {
            let end = self.lines.len() as u64 + 1;
            let from = self.legs[&leg].up.expect("written to after its welcome");
            let frames = self.lines[from as usize - 1..].to_vec();
            self.wire(leg).write(&frames).await;
            self.legs.get_mut(&leg).unwrap().up = Some(end);
            return;
        }
        loop {
            self.send_once(leg).await;
            if self.acked == self.lines.len() as u64 {
                return;
            }
        }
    }

    /// Sends the lines that are not acknowledged, in one send.
    pub(crate) async fn send_once(&mut self, leg: u32) {
        let hello = self.hello(leg, None);
        let frames = [vec![Frame::from(hello.to_string())], self.next_lines()].concat();
        let answer = self.post_send(&frames).await;
        let brief = &answer.lines()[0];
        assert_eq!(brief["nonce"], hello["hello"]["nonce"], "{answer:?}");
        self.acknowledged(brief["received"].as_u64().unwrap_or(self.acked));
    }

    /// Returns the lines for one body.
    fn next_lines(&self) -> Vec<Frame> {
        let mut bytes = 0;
        let unacked = self.lines[self.acked as usize..].iter().take(LINES_IN_A_BODY);
        let fits = unacked.take_while(|line| {
            bytes += line.line().len();
            bytes < BYTES_IN_A_BODY
        });
        fits.cloned().collect()
    }

    async fn post_send(&self, frames: &[Frame]) -> Answer {
        http::post(self.address, "/rt/send", body(frames)).await
    }

    /// Sends a command over a leg, and returns the answer. Publications that arrive meanwhile wait in the inbox.
    pub(crate) async fn request(&mut self, leg: u32, verb: &str, rest: &str) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.push(format!("{{{verb},\"id\":{id}{rest}}}"));
        self.flush(leg).await;
        self.answer(leg, id).await
    }

    /// Returns the answer to a command.
    pub(crate) async fn answer(&mut self, leg: u32, id: u64) -> Value {
        let answers = |frame: &Frame| frame.value()["ok"] == id || frame.value()["err"] == id;
        if let Some(place) = self.inbox.iter().position(answers) {
            return self.inbox.remove(place).unwrap().value();
        }
        loop {
            let frame = self.read(leg).await;
            if answers(&frame) {
                return frame.value();
            }
            self.inbox.push_back(frame);
        }
    }

    pub(crate) async fn subscribe(&mut self, leg: u32, channel: &str) -> Value {
        let answer = self.request(leg, &format!("\"sub\":\"{channel}\""), "").await;
        assert!(answer["ok"].is_u64(), "{answer}");
        answer
    }

    /// Publishes JSON, and returns the offset.
    pub(crate) async fn publish(&mut self, leg: u32, channel: &str, data: &str) -> u64 {
        let answer = self.request(leg, &format!("\"pub\":\"{channel}\""), &format!(",\"data\":{data}")).await;
        answer["at"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    }

    /// Returns the next numbered frame, from the inbox or from a leg.
    pub(crate) async fn next(&mut self, leg: u32) -> Frame {
        match self.inbox.pop_front() {
            Some(frame) => frame,
            None => self.read(leg).await,
        }
    }

    /// Returns the next numbered frame from a leg. Handles link frames on the way.
    pub(crate) async fn read(&mut self, leg: u32) -> Frame {
        loop {
            match self.see(leg).await {
                Seen::New(frame) => return frame,
                other @ (Seen::End(_) | Seen::Refused(_) | Seen::Closed) => {
                    panic!("{other:?} instead of a frame")
                }
                _ => {}
            }
        }
    }

    /// Pings, and reads up to the pong, so that the client has read all that the server wrote before it.
    pub(crate) async fn settle(&mut self, leg: u32) -> Vec<Seen> {
        let mark = 7_000_000 + self.made;
        self.link(leg, &format!("{{\"ping\":{mark}}}")).await;
        let mut seen = Vec::new();
        loop {
            match self.see(leg).await {
                Seen::Pong(value) if value == mark => return seen,
                other @ (Seen::Refused(_) | Seen::Closed) => panic!("{other:?} instead of a pong"),
                other => seen.push(other),
            }
        }
    }

    /// Returns the line that a socket gets after each welcome.
    pub(crate) fn ack(&self) -> String {
        format!("{{\"ack\":{},\"next\":{}}}", self.received, self.acked + 1)
    }

    pub(crate) fn wire(&mut self, leg: u32) -> &mut Wire {
        &mut self.legs.get_mut(&leg).unwrap().wire
    }

    pub(crate) fn transport(&self, leg: u32) -> Transport {
        self.legs[&leg].wire.transport
    }

    /// Kills the connection, with everything in flight.
    pub(crate) fn kill(&mut self, leg: u32) {
        // The entry stays, because the client never reuses the number of a leg.
        let dead = Wire::dead(self.transport(leg), self.address);
        *self.wire(leg) = dead;
    }
}
