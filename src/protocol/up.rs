//! Frames from client to server.
//!
//! A frame that cannot be read is refused whole, since nobody could say whether it counts. A numbered frame
//! that can be read but asks for something impossible is a [`Action::Faulty`] command: it counts, and is answered.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use super::code::{Code, Refusal};
use super::frame::{Payload, RawFrame, object};
use super::id::{ChannelName, Nonce, Secret, SessionId};
use super::line::Line;
use super::report::Report;
use super::token::Token;
use super::{Position, VERSION, limits};

/// Any frame a client may send.
#[derive(Debug, Clone)]
pub enum Up {
    /// Names session and leg; may ask for the turn.
    Hello(Hello),
    /// How far the client has received, and the number of the next line on this leg.
    Ack {
        /// The highest number received without a hole.
        received: u64,
        /// The number of the next numbered line written on this leg.
        next: Option<u64>,
    },
    /// To be answered by a pong down this leg.
    Ping {
        /// To be echoed.
        value: Number,
        /// To be echoed too: a proof that long writes pass both ways.
        pad: Option<String>,
    },
    /// The answer to a ping of ours.
    Pong(Number),
    /// A numbered frame.
    Command(Command),
}

/// The first line of every exchange.
#[derive(Debug, Clone)]
pub struct Hello {
    /// The client's secret, which names the session.
    pub secret: Secret,
    /// The incarnation, once the client knows it.
    pub id: Option<SessionId>,
    /// The leg's number, given by the client.
    pub leg: u32,
    /// The turn asked for, if any: at least 1.
    pub turn: Option<u32>,
    /// The highest number the client has received.
    pub received: u64,
    /// In a body: the number of its first numbered line.
    pub next: u64,
    /// To be echoed.
    pub nonce: Nonce,
    /// Who the client is; checked before a session is made.
    pub token: Option<Token>,
    /// The longest time between two pings that the client's path can bear, if it says so.
    pub heartbeat_ms: Option<u64>,
    /// The same for a poll that is held.
    pub hold_ms: Option<u64>,
    /// What the client tells of its search for a connection.
    pub report: Option<Box<Report>>,
}

/// A numbered frame of a client, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What an answer refers to; without it none is wanted.
    pub id: Option<u64>,
    /// What is asked.
    pub action: Action,
    /// What the frame cost in line form.
    pub cost: usize,
}

/// What a numbered frame asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `sub`: receive a channel, from a position if one is given.
    Subscribe(ChannelName, Option<Position>),
    /// `unsub`: receive it no longer.
    Unsubscribe(ChannelName),
    /// `pub`: publish.
    Publish(ChannelName, Payload),
    /// `req` and `msg`: for the application behind the gateway.
    Application,
    /// Counts, but cannot be done.
    Faulty(Refusal),
}

impl Action {
    /// The channel that it is about.
    #[must_use]
    pub const fn channel(&self) -> Option<&ChannelName> {
        match self {
            Self::Subscribe(channel, _) | Self::Unsubscribe(channel) | Self::Publish(channel, _) => Some(channel),
            Self::Application | Self::Faulty(_) => None,
        }
    }
}

impl Up {
    /// Decodes one frame.
    ///
    /// # Errors
    /// `bad_frame` or `too_large`; a sentence that says what is wrong with it.
    pub fn read(frame: &RawFrame) -> Result<Self, Refusal> {
        if let Some(hello) = Hello::alone(frame) {
            return hello.map(Self::Hello);
        }
        let fields = frame.fields()?;
        if frame.cost() > limits::LINE_BYTES {
            return Err(Refusal::too_large("a line", frame.cost(), limits::LINE_BYTES));
        }
        let missing = |what: &str| Refusal::bad_frame(format!("{what} in {}", fields.verb));
        match &*fields.verb {
            "hello" => Hello::read(fields.subject).map(Self::Hello),
            "ack" => {
                let received = fields.subject_number().ok_or_else(|| missing("no number"))?;
                if fields.next == Some(0) {
                    return Err(Refusal::bad_frame("ack.next counts from 1"));
                }
                Ok(Self::Ack { received, next: fields.next })
            }
            "ping" => {
                let value = ping_value(fields.subject).ok_or_else(|| missing("no number"))?;
                let pad = fields.pad.map(Cow::into_owned);
                let bytes = pad.as_ref().map_or(0, String::len);
                if bytes > limits::PAD_BYTES {
                    return Err(Refusal::too_large("a pad", bytes, limits::PAD_BYTES));
                }
                Ok(Self::Ping { value, pad })
            }
            "pong" => ping_value(fields.subject).map(Self::Pong).ok_or_else(|| missing("no number")),
            "sub" | "unsub" | "pub" => {
                let action = channel_action(frame, &fields).unwrap_or_else(Action::Faulty);
                Ok(Self::Command(Command { id: fields.id, action, cost: frame.cost() }))
            }
            "req" | "msg" => {
                Ok(Self::Command(Command { id: fields.id, action: Action::Application, cost: frame.cost() }))
            }
            "skip" => {
                let action = Action::Faulty(withdrawn(&fields));
                Ok(Self::Command(Command { id: fields.id, action, cost: frame.cost() }))
            }
            verb => Err(Refusal::bad_frame(format!("unknown verb {:?}", shortened(verb)))),
        }
    }
}

fn channel_action(frame: &RawFrame, fields: &super::frame::Fields<'_>) -> Result<Action, Refusal> {
    let name = fields.subject_text().unwrap_or(Cow::Borrowed(""));
    let channel = ChannelName::try_from(&*name).map_err(|why| Refusal::new(Code::UnknownChannel, why))?;
    match &*fields.verb {
        "pub" => fields.payload(frame).map(|payload| Action::Publish(channel, payload)).map_err(Refusal::bad_frame),
        "sub" => match &fields.since {
            Some(since) if since.epoch.len() > limits::EPOCH_BYTES || since.at >= limits::NUMBER => {
                Err(Refusal::bad_frame("since is {epoch, at} as an ok or a publication told it"))
            }
            since => Ok(Action::Subscribe(channel, since.clone())),
        },
        _ => Ok(Action::Unsubscribe(channel)),
    }
}

/// The answer to a filler, which stands under the number of a line that the client withdrew (rule 10). A filler with an unknown reason
/// counts too: it uses up the number.
fn withdrawn(fields: &super::frame::Fields<'_>) -> Refusal {
    match fields.subject_text().as_deref() {
        Some("too_large") => {
            Refusal::new(Code::TooLarge, "the client withdrew this request, because no network path took it")
        }
        Some("bad_frame") => {
            Refusal::bad_frame("the client withdrew this request, because the gateway could not read it")
        }
        _ => Refusal::bad_frame("the client withdrew this request, for a reason that this gateway does not know"),
    }
}

/// `skip`: the filler that takes the place of a line that the client withdraws (rule 10), for the client half.
#[must_use]
pub fn filler(code: Code, withdrawn: &Line) -> Line {
    #[derive(Deserialize)]
    struct Withdrawn {
        id: Option<Number>,
    }
    #[derive(Serialize)]
    struct Filler {
        skip: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Number>,
    }
    let id = serde_json::from_slice(withdrawn.json()).ok().and_then(|Withdrawn { id }| id);
    super::down::json_line(&Filler { skip: code.name(), id })
}

fn ping_value(subject: &RawValue) -> Option<Number> {
    serde_json::from_str(subject.get()).ok()
}

fn shortened(text: &str) -> String {
    text.chars().take(20).collect()
}

/// `hello`'s value as it stands on the wire.
#[derive(Serialize, Deserialize)]
struct WireHello<'a> {
    v: u32,
    #[serde(borrow)]
    session: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<SessionId>,
    leg: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<u32>,
    received: u64,
    next: u64,
    nonce: Nonce,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    token: Option<&'a RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heartbeat_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold_ms: Option<u64>,
    #[serde(default, borrow, skip_serializing)]
    client: Option<&'a RawValue>,
}

impl Hello {
    /// A frame that is a hello and has no keys beside, read in one scan: every poll and every send begins with one. `None` where it is
    /// anything else, or broken.
    fn alone(frame: &RawFrame) -> Option<Result<Self, Refusal>> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Alone<'a> {
            #[serde(borrow)]
            hello: WireHello<'a>,
        }
        // An object, not a list of its values.
        if !frame.text.starts_with(br#"{"hello":{"#) || frame.cost() > limits::LINE_BYTES {
            return None;
        }
        serde_json::from_str(frame.line().ok()?).ok().map(|Alone { hello }| Self::from_wire(hello))
    }

    fn read(subject: &RawValue) -> Result<Self, Refusal> {
        object(subject).map_err(|error| Refusal::bad_frame(format!("hello: {error}"))).and_then(Self::from_wire)
    }

    fn from_wire(wire: WireHello<'_>) -> Result<Self, Refusal> {
        let bad = |why: &str| Err(Refusal::bad_frame(format!("hello: {why}")));
        if wire.v != VERSION {
            return bad("this gateway speaks version 1");
        }
        if wire.leg == 0 || wire.leg >= limits::LEG_AND_TURN {
            return bad("leg must be from 1 to 2^31 - 1");
        }
        if wire.turn.is_some_and(|turn| turn == 0 || turn >= limits::LEG_AND_TURN) {
            return bad("turn must be from 1 to 2^31 - 1");
        }
        if wire.received >= limits::NUMBER || wire.next == 0 || wire.next >= limits::NUMBER {
            return bad("received must be from 0, next from 1, both below 2^53");
        }
        if [wire.heartbeat_ms, wire.hold_ms].into_iter().flatten().any(|wish| wish >= limits::NUMBER) {
            return bad("heartbeat_ms and hold_ms must be below 2^53");
        }
        if wire.client.is_some_and(|report| report.get().len() > limits::CLIENT_REPORT_BYTES) {
            return bad("client is longer than 512 bytes");
        }
        if wire.id.is_none() && wire.received != 0 {
            return bad("received must be 0 in a hello without an id");
        }
        let token = wire.token.map(Token::read).transpose()?;
        let secret = Secret::try_from(wire.session.into_owned()).map_err(Refusal::bad_frame)?;
        Ok(Self {
            secret,
            id: wire.id,
            leg: wire.leg,
            turn: wire.turn,
            received: wire.received,
            next: wire.next,
            nonce: wire.nonce,
            token,
            heartbeat_ms: wire.heartbeat_ms,
            hold_ms: wire.hold_ms,
            report: wire.client.and_then(Report::read).map(Box::new),
        })
    }

    /// The nonce of a hello that cannot be read otherwise: its refusal echoes it, so that the client believes the refusal.
    #[must_use]
    pub fn nonce_of(frame: &RawFrame) -> Option<Nonce> {
        #[derive(Deserialize)]
        struct Frame {
            hello: Named,
        }
        #[derive(Deserialize)]
        struct Named {
            nonce: Nonce,
        }
        serde_json::from_slice(&frame.text).ok().map(|Frame { hello }| hello.nonce)
    }

    /// The hello as a line, for the client half.
    #[must_use]
    pub fn line(&self) -> Line {
        #[derive(Serialize)]
        struct Frame<'a> {
            hello: WireHello<'a>,
        }
        // A string: this cannot fail.
        let token = self.token.as_ref().and_then(|token| serde_json::value::to_raw_value(token.reveal()).ok());
        let hello = WireHello {
            v: VERSION,
            session: self.secret.reveal().into(),
            id: self.id.clone(),
            leg: self.leg,
            turn: self.turn,
            received: self.received,
            next: self.next,
            nonce: self.nonce.clone(),
            token: token.as_deref(),
            heartbeat_ms: self.heartbeat_ms,
            hold_ms: self.hold_ms,
            client: None,
        };
        super::down::json_line(&Frame { hello })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Up, Refusal> {
        Up::read(&RawFrame::text(text.to_owned()))
    }

    fn hello(change: &str) -> String {
        format!(
            r#"{{"hello":{{"v":1,"session":"aaaaaaaaaaaaaaaaaaaaaaaa","leg":1,"received":0,"next":1,"nonce":"n"{change}}}}}"#
        )
    }

    #[test]
    fn a_hello_round_trips_and_hides_its_secrets() {
        let Ok(Up::Hello(hello)) = read(&hello(r#","turn":2,"id":"x","token":"t0k3n","new":1"#)) else { panic!() };
        assert_eq!((hello.turn, hello.leg), (Some(2), 1));
        assert!(!format!("{hello:?}").contains("t0k3n"));
        assert!(matches!(Up::read(&hello.line().received()), Ok(Up::Hello(again)) if again.token == hello.token));
    }

    #[test]
    fn a_hello_that_is_refused_still_tells_its_nonce_if_it_has_one() {
        let nonce_of = |text: String| Hello::nonce_of(&RawFrame::text(text)).map(|nonce| nonce.as_str().to_owned());
        assert_eq!(nonce_of(hello(r#","token":5"#)).as_deref(), Some("n"));
        assert_eq!(nonce_of(hello("").replace("\"v\":1", "\"v\":2")).as_deref(), Some("n"));
        for bad in [hello(r#","nonce":"m""#), hello("").replace("\"n\"", "7"), hello("").replace("\"n\"", "\"\"")] {
            assert_eq!(nonce_of(bad), None);
        }
        for bad in ["", "{", r#"{"ping":1}"#, r#"{"hello":1}"#, r#"{"hello":{"nonce":"\u0000"}}"#] {
            assert_eq!(nonce_of(bad.to_owned()), None, "{bad}");
        }
    }

    #[test]
    fn a_hello_out_of_bounds_is_refused() {
        for bad in [r#","turn":0"#, r#","turn":2147483648"#, r#","turn":-1"#, r#","turn":"1""#, r#","leg":2"#] {
            assert!(read(&hello(bad)).is_err(), "{bad}");
        }
        assert!(read(&hello("").replace("\"v\":1", "\"v\":2")).is_err());
        assert!(read(&hello("").replace("\"leg\":1", "\"leg\":0")).is_err());
        assert!(read(&hello("").replace("\"received\":0", "\"received\":3")).is_err());
        assert!(read(&hello(&format!(r#","client":"{}""#, "x".repeat(600)))).is_err());
    }

    #[test]
    fn wishes_are_numbers_and_a_report_is_whatever_it_is() {
        let Ok(Up::Hello(wishes)) = read(&hello(r#","heartbeat_ms":2000,"hold_ms":0,"client":{"ms":7}"#)) else {
            panic!()
        };
        assert_eq!((wishes.heartbeat_ms, wishes.hold_ms), (Some(2000), Some(0)));
        assert!(wishes.report.is_some());
        assert!(
            matches!(Up::read(&wishes.line().received()), Ok(Up::Hello(again)) if again.heartbeat_ms == Some(2000))
        );
        for bad in [r#","heartbeat_ms":-1"#, r#","hold_ms":9007199254740992"#, r#","hold_ms":1.5"#, r#","hold_ms":"1""#]
        {
            assert!(read(&hello(bad)).is_err(), "{bad}");
        }
        let Ok(Up::Hello(other)) = read(&hello(r#","client":[[[1]]]"#)) else { panic!() };
        assert_eq!(other.report, None);
    }

    #[test]
    fn a_command_that_cannot_be_done_still_counts() {
        for text in [r#"{"pub":"a","id":1}"#, r#"{"sub":"","id":1}"#, r#"{"sub":7}"#, r#"{"pub":"a","b64":"!"}"#] {
            let Ok(Up::Command(command)) = read(text) else { panic!("{text}") };
            assert!(matches!(command.action, Action::Faulty(_)), "{text}");
        }
    }

    #[test]
    fn a_filler_counts_and_is_answered_with_why_its_line_was_withdrawn() {
        for (text, code) in [
            (r#"{"skip":"too_large","id":7}"#, Code::TooLarge),
            (r#"{"skip":"bad_frame","id":7}"#, Code::BadFrame),
            (r#"{"skip":"moonrise","id":7}"#, Code::BadFrame),
            (r#"{"skip":{"too_large":1},"id":7}"#, Code::BadFrame),
        ] {
            let Ok(Up::Command(command)) = read(text) else { panic!("{text}") };
            assert_eq!(command.id, Some(7));
            assert!(matches!(command.action, Action::Faulty(refusal) if refusal.code == code), "{text}");
        }
    }

    #[test]
    fn a_filler_has_the_id_of_the_line_that_it_replaces_if_that_had_one() {
        for (withdrawn, filler) in [
            (r#"{"pub":"a","id":7,"data":1}"#, r#"{"skip":"too_large","id":7}"#),
            (r#"{"pub":"a","data":1}"#, r#"{"skip":"too_large"}"#),
            (r#""no object""#, r#"{"skip":"too_large"}"#),
        ] {
            let line = Line::compose(|buffer| buffer.extend_from_slice(withdrawn.as_bytes()));
            assert_eq!(super::filler(Code::TooLarge, &line).json(), filler.as_bytes());
        }
    }

    #[test]
    fn an_unknown_verb_is_refused() {
        assert_eq!(read(r#"{"nope":1}"#).unwrap_err().code, Code::BadFrame);
        assert!(read(r#"{"ack":1,"next":0}"#).is_err());
        assert!(read(r#"{"ping":"x"}"#).is_err());
    }
}
