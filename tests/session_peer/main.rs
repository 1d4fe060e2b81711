//! The real server half of a session on standard input and output, for the JavaScript client's simulation.
//!
//! Under `cargo test` this runs `node client-js/test/simulation.js PATH` from the repository's root, and passes its exit status
//! on. PATH is this executable. With the argument `serve` it is the server half: each line in is a JSON command, and each line
//! out is its JSON answer, in order. It must hold no rule of a session itself.
//!
//! # Commands
//! Every command but `new` has `"now"`, in whole milliseconds that never go back. It may have `"full":[carrier…]`: the carriers
//! that accept nothing at this moment. Lines for them are written at a later command. Carriers are numbers. The caller chooses
//! a new one for each socket, stream, poll and send.
//!
//! | command | meaning |
//! |---|---|
//! | `{"new":{…}}` | a fresh server without sessions. Settings, all optional: `replay_frames`, `replay_bytes`, `hold_ms`, `resume_ms`, `heartbeat_ms`, `attaches_a_minute` |
//! | `{"now":ms,"socket":c,"text":FRAME}` | a message came up a socket |
//! | `{"now":ms,"request":c,"kind":"stream"\|"send"\|"poll","body":TEXT}` | a POST came, whole |
//! | `{"now":ms,"closed":c}` | the carrier is no more |
//! | `{"now":ms,"push":ID,"lines":[FRAME…]}` | the application pushes lines to that session; `"newest"` names the newest. Frames are numbered in order |
//! | `{"now":ms,"timeout":true}` | time has passed |
//! | `{"now":ms}` | no event; carriers that have room again get their lines |
//!
//! # Answers
//! `{"effects":[…],"timeout":ms|null,"newest":ID|null,"kept":n}`: the effects, in order; when `timeout` is due at the latest;
//! the newest session that lives, and how many frames it keeps. The answer to a faulty command is `{"error":"…"}`, and the
//! process goes on. Effects:
//!
//! | effect | meaning |
//! |---|---|
//! | `{"write":c,"lines":[FRAME…]}` | lines down a carrier. A poll is answered by it, and is over |
//! | `{"finish":c,"lines":[FRAME…]}` | the last lines of a carrier. It is over |
//! | `{"refused":c,"code":CODE,"message":…}` | answered with an error. It is over |
//! | `{"command":ID,"verb":"pub","channel":…,"id":n,"data":TEXT}` | the session accepted this from its client, once, in order. `verb` is `sub`, `unsub`, `pub`, `application` (req and msg) or `faulty`; `data` is JSON as text; bytes come as `b64` instead |
//! | `{"overrun":n}` | the frames up to number n were dropped unacknowledged |

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use throughline::protocol::frame::{Payload, RawFrame};
use throughline::protocol::limits::Limits;
use throughline::protocol::up::Action;
use throughline::protocol::{Line, SessionId, up};
use throughline::session::Time;
use throughline::session::server::{Carrier, ServerSession, Settings};
use throughline::session::server_side::{Effect, Post, ServerSide, stated};

const NAME: &str = "the_javascript_half_keeps_the_invariants";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("serve") => serve().map(|()| ExitCode::SUCCESS),
        // These are the test command's own arguments: a filter for another test, or a request for the list.
        Some("--list") => Ok(ExitCode::SUCCESS),
        Some(filter) if !filter.starts_with('-') && !NAME.contains(filter) => Ok(ExitCode::SUCCESS),
        _ => simulate(),
    }
}

/// Runs the JavaScript client's simulation, which drives this executable.
fn simulate() -> Result<ExitCode, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = root.join("client-js/test/simulation.js");
    if !script.is_file() {
        return Err(format!("{} is missing", script.display()).into());
    }
    let status = Command::new("node")
        .arg(&script)
        .arg(std::env::current_exe()?)
        .current_dir(root)
        .status()
        .map_err(|error| format!("node is needed for the JavaScript client's tests: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn serve() -> Result<(), Box<dyn Error>> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut server = fresh(&json!({}));
    for line in io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?) {
            Ok(command) => obey(&mut server, &command),
            Err(error) => Err(error.into()),
        };
        let answer = answer.unwrap_or_else(|error| json!({ "error": error.to_string() }));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

/// Returns a server's side whose sessions have these settings.
fn fresh(wanted: &Value) -> ServerSide {
    let default = Settings::default();
    let number = |key: &str| wanted[key].as_u64();
    let time = |key: &str, usual: Time| number(key).map_or(usual, Time::from_millis);
    let size = |key: &str, usual: usize| number(key).map_or(usual, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let settings = Arc::new(Settings {
        limits: Limits {
            replay_frames: size("replay_frames", default.limits.replay_frames),
            replay_bytes: size("replay_bytes", default.limits.replay_bytes),
            ..default.limits
        },
        hold: time("hold_ms", default.hold),
        resume: time("resume_ms", default.resume),
        heartbeat: time("heartbeat_ms", default.heartbeat),
        attaches_a_minute: number("attaches_a_minute").and_then(|n| u32::try_from(n).ok()).unwrap_or(1_000_000),
        ..default
    });
    let server = ServerSide::new(Box::new(move |now, id| ServerSession::new(now, id, Arc::clone(&settings))));
    // Tokens state their user and the end of their life: `ann@1500`.
    match number("decides_ms") {
        Some(takes) => server.checking(Box::new(stated), Time::from_millis(takes)),
        None => server,
    }
}

fn obey(server: &mut ServerSide, command: &Value) -> Result<Value, Box<dyn Error>> {
    if let Some(wanted) = command.get("new") {
        *server = fresh(wanted);
    }
    let now = Time::from_millis(command["now"].as_u64().unwrap_or(0));
    happen(server, now, command)?;
    let full: Vec<u64> =
        command["full"].as_array().map(|full| full.iter().filter_map(Value::as_u64).collect()).unwrap_or_default();
    let effects = server.effects(now, |carrier| !full.contains(&carrier.0));
    let newest = server.newest();
    let kept = newest.as_ref().and_then(|id| server.session(id)).map_or(0, |session| session.kept().0);
    Ok(json!({
        "effects": effects.iter().map(effect).collect::<Vec<_>>(),
        "timeout": server.poll_timeout().map(rounded_up),
        "left": server.left().map(SessionId::as_str),
        "newest": newest.as_ref().map(SessionId::as_str),
        "kept": kept,
    }))
}

fn happen(server: &mut ServerSide, now: Time, command: &Value) -> Result<(), Box<dyn Error>> {
    let carrier = |key: &str| command[key].as_u64().map(Carrier);
    if let Some(socket) = carrier("socket") {
        let text = text(command, "text")?.to_owned();
        server.socket(now, socket, &RawFrame::text(text));
    } else if let Some(request) = carrier("request") {
        let kind = match text(command, "kind")? {
            "stream" => Post::Stream,
            "send" => Post::Send,
            "poll" => Post::Poll,
            other => return Err(format!("{other:?} is no kind of request").into()),
        };
        let body = text(command, "body")?.to_owned();
        server.request(now, request, kind, &body.into());
    } else if let Some(closed) = carrier("closed") {
        server.closed(now, closed);
    } else if command.get("push").is_some() {
        push(server, command)?;
    } else if command["timeout"] == true {
        server.timeout(now);
    }
    Ok(())
}

fn push(server: &mut ServerSide, command: &Value) -> Result<(), Box<dyn Error>> {
    let id = match text(command, "push")? {
        "newest" => server.newest().ok_or("there is no session")?,
        id => SessionId::try_from(id.to_owned())?,
    };
    let lines = command["lines"].as_array().ok_or("lines is missing")?;
    for line in lines {
        let line = line.as_str().ok_or("a line is a string")?;
        let line = Line::compose(|buffer| buffer.extend_from_slice(line.as_bytes()));
        if !server.push(&id, line) {
            return Err(format!("session {id} does not live").into());
        }
    }
    Ok(())
}

fn text<'a>(command: &'a Value, key: &str) -> Result<&'a str, String> {
    command[key].as_str().ok_or_else(|| format!("{key} is missing"))
}

fn effect(effect: &Effect) -> Value {
    match effect {
        Effect::Write(carrier, lines) => json!({ "write": carrier.0, "lines": texts(lines) }),
        Effect::Finish(carrier, lines) => json!({ "finish": carrier.0, "lines": texts(lines) }),
        Effect::Refused(carrier, refusal) => {
            json!({ "refused": carrier.0, "code": refusal.code().name(), "message": refusal.message() })
        }
        Effect::Command(session, command) => taken(session, command),
        Effect::Overrun(through) => json!({ "overrun": through }),
    }
}

fn taken(session: &SessionId, command: &up::Command) -> Value {
    let (verb, channel) = match &command.action {
        Action::Subscribe(channel, _) => ("sub", Some(channel)),
        Action::Unsubscribe(channel) => ("unsub", Some(channel)),
        Action::Publish(channel, _) => ("pub", Some(channel)),
        Action::Application => ("application", None),
        Action::Faulty(_) => ("faulty", None),
    };
    let mut taken = json!({ "command": session.as_str(), "verb": verb });
    if let Some(channel) = channel {
        taken["channel"] = channel.as_str().into();
    }
    if let Some(id) = command.id {
        taken["id"] = id.into();
    }
    match &command.action {
        Action::Publish(_, Payload::Json(data)) => {
            taken["data"] = String::from_utf8_lossy(data).into();
        }
        Action::Publish(_, Payload::Binary(bytes)) => taken["b64"] = STANDARD.encode(bytes).into(),
        _ => {}
    }
    taken
}

fn texts(lines: &[Line]) -> Vec<String> {
    let text = |line: &Line| String::from_utf8_lossy(line.json()).into_owned();
    lines.iter().map(text).collect()
}

/// Returns a time in milliseconds, rounded up. So no timer fires early: something is due when it fires.
fn rounded_up(time: Time) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}
