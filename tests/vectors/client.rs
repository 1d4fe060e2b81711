//! Conversations of the client's half.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use throughline::protocol::token::Token;
use throughline::protocol::{Code, LegNumber};
use throughline::session::client::{ClientSession, Failure, Input, Output, Reset, Route};
use throughline::session::{Time, milliseconds};

use super::frame::{Defaults, line, object, texts};
use super::{Conversation, Player, Step};

pub(super) struct Client(ClientSession);

/// The keys of an input. The first key present gives its kind.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Keys {
    open: Option<String>,
    opened: Option<LegNumber>,
    line: Option<LegNumber>,
    text: Option<Box<RawValue>>,
    answer: Option<LegNumber>,
    route: Option<String>,
    lines: Option<Vec<Box<RawValue>>>,
    failed: Option<LegNumber>,
    status: Option<u16>,
    code: Option<String>,
    closed: Option<LegNumber>,
    ask: Option<LegNumber>,
    #[serde(default)]
    pings: bool,
    #[serde(default)]
    long: bool,
    ping: Option<LegNumber>,
    withdraw: Option<bool>,
    push: Option<Box<RawValue>>,
    token: Option<String>,
    bye: Option<bool>,
    timeout: Option<bool>,
}

impl Client {
    pub(super) fn new(conversation: &Conversation, defaults: &Defaults) -> Self {
        let given = conversation.random.clone();
        let mut random = given.unwrap_or_else(|| defaults.random()).into_iter();
        let name = conversation.name.clone();
        Self(ClientSession::new(Box::new(move |_| {
            random.next().unwrap_or_else(|| panic!("{name}: the vector gives too little randomness"))
        })))
    }
}

impl Player for Client {
    fn play(&mut self, step: &Step, defaults: &Defaults) -> Vec<Value> {
        let keys: Keys =
            serde_json::from_str(step.input.get()).unwrap_or_else(|error| panic!("{}: {error}", step.input.get()));
        assert!(step.full.is_empty(), "only the server's carriers are full");
        let now = Time::from_millis(step.at);
        self.0.handle(now, input(keys, defaults));
        std::iter::from_fn(|| self.0.poll_output()).map(|output| told(&output)).collect()
    }

    fn due(&self) -> Option<u64> {
        self.0.poll_timeout().map(milliseconds)
    }
}

fn input(keys: Keys, defaults: &Defaults) -> Input {
    let route = || match keys.route.as_deref() {
        Some("stream") => Route::Stream,
        Some("send") => Route::Send,
        Some("links") => Route::Links,
        Some("poll") => Route::Poll,
        other => panic!("{other:?} is no route"),
    };
    let frame = |raw: &RawValue| defaults.frame(raw);
    match keys {
        Keys { open: Some(transport), .. } => Input::OpenLeg(transport.parse().unwrap()),
        Keys { opened: Some(leg), .. } => Input::SocketOpened(leg),
        Keys { line: Some(leg), text: Some(text), .. } => Input::FrameArrived(leg, frame(&text)),
        Keys { answer: Some(leg), lines: Some(ref lines), .. } => {
            Input::AnswerArrived(leg, route(), lines.iter().map(|line| frame(line)).collect())
        }
        Keys { failed: Some(leg), status, ref code, .. } => {
            let code = code.as_deref().map(|code| match code {
                "bad_frame" => Code::BadFrame,
                "too_large" => Code::TooLarge,
                other => panic!("a body is not refused with {other}"),
            });
            Input::RequestFailed(leg, route(), Failure { status, code })
        }
        Keys { closed: Some(leg), .. } => Input::LegDied(leg),
        Keys { ask: Some(leg), pings, long: is_long, .. } => Input::RequestTurn { leg, pings, is_long },
        Keys { ping: Some(leg), long: is_long, .. } => Input::SendPing { leg, is_long },
        Keys { withdraw: Some(true), .. } => Input::WithdrawLine,
        Keys { token: Some(token), .. } => Input::Token(Token::new(token).unwrap()),
        Keys { bye: Some(true), .. } => Input::Bye(Time::ZERO),
        Keys { push: Some(push), .. } => Input::Push(line(&frame(&push))),
        Keys { timeout: Some(true), .. } => Input::Timeout,
        _ => panic!("no input"),
    }
}

fn told(output: &Output) -> Value {
    match output {
        Output::Write(leg, lines) => json!({ "write": leg, "lines": texts(lines) }),
        // The protocol does not define the time for an answer.
        Output::Post { leg, route, lines, timeout: _ } => {
            let route = match route {
                Route::Stream => "stream",
                Route::Send => "send",
                Route::Links => "links",
                Route::Poll => "poll",
            };
            json!({ "request": leg, "route": route, "lines": texts(lines) })
        }
        Output::LegUsable(leg) => json!({ "usable": leg }),
        Output::LegActive(leg) => json!({ "active": leg }),
        Output::Pong { leg, round_trip, is_long } => {
            let mut told = json!({ "pong": leg, "rtt": milliseconds(*round_trip) });
            if *is_long {
                told["long"] = true.into();
            }
            told
        }
        Output::Deliver(frame) => json!({ "frame": object(frame) }),
        Output::LegDropped(leg, reason) => json!({ "close": leg, "reason": reason }),
        Output::Reset(Reset::Gone, lost) => json!({ "reset": "gone", "lost": lost }),
        Output::Reset(Reset::Overrun, lost) => json!({ "reset": "overrun", "lost": lost }),
        Output::UnknownOutcome(lines) => json!({ "unknown": texts(lines) }),
        Output::LineStuck(leg) => json!({ "stuck": leg }),
        Output::OneRequest(leg) => json!({ "one_request": leg }),
        Output::Link(frame) => json!({ "link": object(frame) }),
        Output::Wait(leg, most) => json!({ "wait": leg, "ms": milliseconds(*most) }),
        Output::TokenAnswered(answer) => json!({ "token": answer }),
    }
}
