//! `/demo/transports`: the transports that the demo's gateway offers. They change while it runs, as an operator would
//! change them by the file and a signal.

use std::time::Duration;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use crate::protocol::code::{Code, Refusal};
use crate::protocol::{Transport, UnknownTransport};
use crate::server::config::Config;
use crate::server::handle::Handle;
use crate::transport::refuse;

/// The longest jitter that a configuration allows.
const LONGEST_JITTER_MS: u64 = 3_600_000;

/// `["sse","poll"]`, or the same with a jitter.
#[derive(Deserialize)]
#[serde(untagged)]
enum Change {
    Transports(Vec<String>),
    WithJitter { transports: Vec<String>, jitter_ms: u64 },
}

pub(super) fn routes(handle: Handle) -> Router {
    Router::new().route("/demo/transports", get(show).post(change)).with_state(handle)
}

async fn show(State(handle): State<Handle>) -> Response {
    let names: Vec<&str> = handle.transports().iter().map(|transport| transport.name()).collect();
    Json(names).into_response()
}

async fn change(State(handle): State<Handle>, change: Result<Json<Change>, JsonRejection>) -> Response {
    let changed = change.map_err(|why| format!("not a list of transports: {why}")).and_then(|Json(change)| {
        let (names, jitter) = match change {
            Change::Transports(names) => (names, Config::default().session.switch_jitter),
            Change::WithJitter { jitter_ms, .. } if jitter_ms > LONGEST_JITTER_MS => {
                return Err(format!("jitter_ms may be 0 to {LONGEST_JITTER_MS}"));
            }
            Change::WithJitter { transports, jitter_ms } => (transports, Duration::from_millis(jitter_ms)),
        };
        let named = names.iter().map(|name| name.parse().map_err(|why: UnknownTransport| why.to_string()));
        let named = named.collect::<Result<Vec<Transport>, String>>()?;
        handle.set_transports(&named, jitter).map_err(|why| why.to_string())
    });
    match changed {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => refuse(None, &Refusal::new(Code::BadFrame, why)),
    }
}
