//! The hello: the first line of everything that a client sends.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::code::{BadHello, Mistake, Refusal};
use super::frame::{RawFrame, object};
use super::id::{Nonce, Secret, SessionId};
use super::json::json_line;
use super::line::Line;
use super::number::{LegNumber, Seq, Turn};
use super::report::Report;
use super::token::Token;
use super::{VERSION, limits};

/// The first line of every exchange.
#[derive(Debug, Clone)]
pub struct Hello {
    /// The client's secret, which names the session.
    pub secret: Secret,
    /// The incarnation, once the client knows it.
    pub id: Option<SessionId>,
    /// The leg's number, chosen by the client.
    pub leg: LegNumber,
    /// The requested turn, if any.
    pub turn: Option<Turn>,
    /// The highest number the client has received.
    pub received: Seq,
    /// In a body, the number of its first numbered line.
    pub next: Seq,
    /// The nonce that the answer must repeat.
    pub nonce: Nonce,
    /// The client's bearer token. The backend checks it before a session is created.
    pub token: Option<Token>,
    /// The longest time between two pings that the client's path can bear, if the client states one.
    pub heartbeat_ms: Option<u64>,
    /// The longest time that the client's path can bear a held poll, if the client states one.
    pub hold_ms: Option<u64>,
    /// The client's report about its search for a connection.
    pub report: Option<Box<Report>>,
}

/// The value of `hello` as it is on the wire.
#[derive(Serialize, Deserialize)]
struct WireHello<'a> {
    v: u32,
    #[serde(borrow)]
    session: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<SessionId>,
    leg: LegNumber,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<u32>,
    received: Seq,
    next: Seq,
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
    /// Reads, in one scan, a frame that has no key but `hello`: every poll and every send begins with one. Returns
    /// `None` if the frame is anything else, or broken.
    pub(super) fn alone(frame: &RawFrame) -> Option<Result<Self, Refusal>> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Alone<'a> {
            #[serde(borrow)]
            hello: WireHello<'a>,
        }
        // The value must be an object, not a list of its values.
        if !frame.text.starts_with(br#"{"hello":{"#) || frame.cost() > limits::LINE_BYTES {
            return None;
        }
        serde_json::from_str(frame.line().ok()?).ok().map(|Alone { hello }| Self::from_wire(hello))
    }

    /// Reads a hello from the value of its verb.
    pub(super) fn read(subject: &RawValue) -> Result<Self, Refusal> {
        let wire = object(subject).map_err(|error| Mistake::Hello(BadHello::Keys(error.to_string())))?;
        Self::from_wire(wire)
    }

    fn from_wire(wire: WireHello<'_>) -> Result<Self, Refusal> {
        let bad = |why| Err(Mistake::Hello(why).into());
        if wire.v != VERSION {
            return bad(BadHello::Version);
        }
        if !wire.leg.is_in_bounds() {
            return bad(BadHello::Leg);
        }
        let turn = wire.turn.and_then(Turn::new);
        if turn.is_none() && wire.turn.is_some() {
            return bad(BadHello::Turn);
        }
        if !wire.received.is_in_bounds() || !wire.next.is_of_a_line() {
            return bad(BadHello::Numbers);
        }
        if [wire.heartbeat_ms, wire.hold_ms].into_iter().flatten().any(|wish| wish >= limits::NUMBER) {
            return bad(BadHello::Wishes);
        }
        if wire.client.is_some_and(|report| report.get().len() > limits::CLIENT_REPORT_BYTES) {
            return bad(BadHello::Report);
        }
        if wire.id.is_none() && wire.received != Seq::NONE {
            return bad(BadHello::ReceivedWithoutId);
        }
        let token = wire.token.map(Token::read).transpose()?;
        let secret = Secret::try_from(wire.session.into_owned()).map_err(Mistake::from)?;
        Ok(Self {
            secret,
            id: wire.id,
            leg: wire.leg,
            turn,
            received: wire.received,
            next: wire.next,
            nonce: wire.nonce,
            token,
            heartbeat_ms: wire.heartbeat_ms,
            hold_ms: wire.hold_ms,
            report: wire.client.and_then(Report::read).map(Box::new),
        })
    }

    /// Reads the nonce of an otherwise unreadable hello. The refusal repeats it, so that the client believes the
    /// refusal.
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

    /// Writes the hello as a line, for the client half.
    #[must_use]
    pub fn line(&self) -> Line {
        #[derive(Serialize)]
        struct Frame<'a> {
            hello: WireHello<'a>,
        }
        // The token is a string, so this cannot fail.
        let token = self.token.as_ref().and_then(|token| serde_json::value::to_raw_value(token.reveal()).ok());
        let hello = WireHello {
            v: VERSION,
            session: self.secret.reveal().into(),
            id: self.id.clone(),
            leg: self.leg,
            turn: self.turn.map(Turn::get),
            received: self.received,
            next: self.next,
            nonce: self.nonce.clone(),
            token: token.as_deref(),
            heartbeat_ms: self.heartbeat_ms,
            hold_ms: self.hold_ms,
            client: None,
        };
        json_line(&Frame { hello })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::Reason;

    /// Reads a line, alone or with other keys beside its verb.
    fn read(text: &str) -> Result<Hello, Refusal> {
        let frame = RawFrame::text(text.to_owned());
        Hello::alone(&frame).unwrap_or_else(|| Hello::read(frame.fields()?.subject))
    }

    fn hello(change: &str) -> String {
        format!(
            r#"{{"hello":{{"v":1,"session":"aaaaaaaaaaaaaaaaaaaaaaaa","leg":1,"received":0,"next":1,"nonce":"n"{change}}}}}"#
        )
    }

    /// Writes the hello and reads it again.
    fn again(hello: &Hello) -> Hello {
        read(&String::from_utf8_lossy(hello.line().json())).unwrap()
    }

    #[test]
    fn a_hello_round_trips_and_hides_its_secrets() {
        let hello = read(&hello(r#","turn":2,"id":"x","token":"t0k3n","new":1"#)).unwrap();
        assert_eq!((hello.turn, hello.leg), (Turn::new(2), LegNumber(1)));
        assert!(!format!("{hello:?}").contains("t0k3n"));
        assert_eq!(again(&hello).token, hello.token);
    }

    #[test]
    fn the_nonce_of_a_refused_hello_is_read_if_it_has_one() {
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
        let changed = |from: &str, to: &str| hello("").replace(from, to);
        for (bad, why) in [
            (hello(r#","turn":0"#), BadHello::Turn),
            (hello(r#","turn":2147483648"#), BadHello::Turn),
            (changed("\"v\":1", "\"v\":2"), BadHello::Version),
            (changed("\"leg\":1", "\"leg\":0"), BadHello::Leg),
            (changed("\"next\":1", "\"next\":0"), BadHello::Numbers),
            (changed("\"received\":0", "\"received\":3"), BadHello::ReceivedWithoutId),
            (hello(r#","hold_ms":9007199254740992"#), BadHello::Wishes),
            (hello(&format!(r#","client":"{}""#, "x".repeat(600))), BadHello::Report),
            (hello(r#","token":7"#), BadHello::Token),
        ] {
            assert_eq!(read(&bad).unwrap_err(), Mistake::Hello(why).into(), "{bad}");
        }
        for bad in [r#","turn":-1"#, r#","turn":"1""#, r#","leg":2"#] {
            let refusal = read(&hello(bad)).unwrap_err();
            assert!(matches!(refusal.reason(), Reason::Mistake(Mistake::Hello(BadHello::Keys(_)))), "{refusal}");
        }
    }

    #[test]
    fn wishes_are_numbers_and_a_report_may_have_any_shape() {
        let wishes = read(&hello(r#","heartbeat_ms":2000,"hold_ms":0,"client":{"ms":7}"#)).unwrap();
        assert_eq!((wishes.heartbeat_ms, wishes.hold_ms), (Some(2000), Some(0)));
        assert!(wishes.report.is_some());
        assert_eq!(again(&wishes).heartbeat_ms, Some(2000));
        for bad in [r#","heartbeat_ms":-1"#, r#","hold_ms":9007199254740992"#, r#","hold_ms":1.5"#, r#","hold_ms":"1""#]
        {
            assert!(read(&hello(bad)).is_err(), "{bad}");
        }
        assert_eq!(read(&hello(r#","client":[[[1]]]"#)).unwrap().report, None);
    }
}
