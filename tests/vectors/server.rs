//! Conversations of the gateway's half: real sessions behind carriers, as in the simulation.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use throughline::protocol::limits::Limits;
use throughline::session::server::{Carrier, Input, ServerSession, Settings};
use throughline::session::{Time, milliseconds};

use super::frame::{Defaults, line, texts};
use super::frames::command;
use super::{Player, Step};
use throughline::session::server_side::{Effect, Post, ServerSide};

pub(super) struct Server(ServerSide);

/// Settings of a conversation. A missing one has its default.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    replay_frames: Option<usize>,
    replay_bytes: Option<usize>,
    hold_ms: Option<u64>,
    resume_ms: Option<u64>,
    heartbeat_ms: Option<u64>,
    attaches_a_minute: Option<u32>,
}

/// The keys of an input. The first key present gives its kind.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Keys {
    socket: Option<u64>,
    text: Option<Box<RawValue>>,
    request: Option<u64>,
    kind: Option<String>,
    lines: Option<Vec<Box<RawValue>>>,
    body: Option<String>,
    closed: Option<u64>,
    push: Option<Box<RawValue>>,
    link: Option<Box<RawValue>>,
    timeout: Option<bool>,
    nothing: Option<bool>,
}

impl Server {
    pub(super) fn new(wanted: &Wanted) -> Self {
        let usual = Settings::default();
        let time = |given: Option<u64>, usual| given.map_or(usual, Time::from_millis);
        let settings = Arc::new(Settings {
            limits: Limits {
                replay_frames: wanted.replay_frames.unwrap_or(usual.limits.replay_frames),
                replay_bytes: wanted.replay_bytes.unwrap_or(usual.limits.replay_bytes),
                ..usual.limits
            },
            hold: time(wanted.hold_ms, usual.hold),
            resume: time(wanted.resume_ms, usual.resume),
            heartbeat: time(wanted.heartbeat_ms, usual.heartbeat),
            attaches_a_minute: wanted.attaches_a_minute.unwrap_or(usual.attaches_a_minute),
            ..usual
        });
        let make = move |now, id| ServerSession::new(now, id, Arc::clone(&settings));
        Self(ServerSide::new(Box::new(make)))
    }

    fn happen(&mut self, now: Time, keys: &Keys, defaults: &Defaults) {
        let server = &mut self.0;
        let frame = |raw: &RawValue| defaults.frame(raw);
        match keys {
            Keys { socket: Some(carrier), text: Some(text), .. } => {
                server.socket(now, Carrier(*carrier), &frame(text));
            }
            Keys { request: Some(carrier), kind: Some(kind), .. } => {
                let body = body(keys, defaults);
                server.request(now, Carrier(*carrier), route(kind), &body.into());
            }
            Keys { closed: Some(carrier), .. } => server.closed(now, Carrier(*carrier)),
            Keys { push: Some(push), .. } => {
                let id = server.newest().unwrap();
                server.push(&id, line(&frame(push)));
            }
            Keys { link: Some(link), .. } => {
                let id = server.newest().unwrap();
                let link = Input::Link(line(&frame(link)));
                server.session(&id).unwrap().handle(now, link).unwrap();
            }
            Keys { timeout: Some(true), .. } => server.timeout(now),
            Keys { nothing: Some(true), .. } => {}
            _ => panic!("no input"),
        }
    }
}

impl Player for Server {
    fn play(&mut self, step: &Step, defaults: &Defaults) -> Vec<Value> {
        let keys: Keys =
            serde_json::from_str(step.input.get()).unwrap_or_else(|error| panic!("{}: {error}", step.input.get()));
        let now = Time::from_millis(step.at);
        self.happen(now, &keys, defaults);
        let effects = self.0.effects(now, |carrier| !step.full.contains(&carrier.0));
        effects.iter().map(told).collect()
    }

    fn due(&self) -> Option<u64> {
        self.0.poll_timeout().map(milliseconds)
    }
}

fn route(kind: &str) -> Post {
    match kind {
        "stream" => Post::Stream,
        "send" => Post::Send,
        "poll" => Post::Poll,
        other => panic!("{other:?} is no kind of request"),
    }
}

fn body(keys: &Keys, defaults: &Defaults) -> Vec<u8> {
    if let Some(body) = &keys.body {
        return body.clone().into_bytes();
    }
    let lines = keys.lines.as_ref().unwrap().iter();
    let lines: Vec<Vec<u8>> = lines.map(|line| defaults.frame(line).text.to_vec()).collect();
    lines.join(&b'\n')
}

fn told(effect: &Effect) -> Value {
    match effect {
        Effect::Write(carrier, lines) => json!({ "write": carrier.0, "lines": texts(lines) }),
        Effect::Finish(carrier, lines) => json!({ "finish": carrier.0, "lines": texts(lines) }),
        Effect::Refused(carrier, refusal) => {
            json!({ "refused": carrier.0, "code": refusal.code().name() })
        }
        Effect::Command(session, taken) => {
            json!({ "taken": command(taken), "session": session.as_str() })
        }
        Effect::Overrun(through) => json!({ "overrun": through }),
    }
}
