//! The fronts of a demo, and the routes that make and change them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::cli::networks::Choice;
use crate::netlab::{Front, Network, Route};
use crate::protocol::code::{Code, Refusal};
use crate::transport::refuse;

/// The maximum number of fronts at one time. Above it, the oldest one that carries nothing goes.
const MOST: usize = 64;

/// The fronts of a demo.
pub(super) struct Fronts {
    upstream: SocketAddr,
    fronts: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    made: u64,
    open: BTreeMap<u64, Arc<Front>>,
}

/// The body of a request that names a route of a front.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    route: Route,
}

pub(super) fn routes(fronts: &Arc<Fronts>) -> Router {
    Router::new()
        .route("/demo/networks", get(networks))
        .route("/demo/fronts", post(make))
        .route("/demo/fronts/{name}", get(show).post(change))
        .route("/demo/fronts/{name}/kill", post(kill))
        .route("/demo/fronts/{name}/forget", post(forget))
        .with_state(Arc::clone(fronts))
}

impl Fronts {
    pub(super) fn new(upstream: SocketAddr) -> Self {
        Self { upstream, fronts: Mutex::default() }
    }

    async fn make(&self) -> Result<Arc<Front>, Refusal> {
        let listen = SocketAddr::new(self.upstream.ip(), 0);
        let number = {
            let mut fronts = self.lock();
            fronts.made += 1;
            fronts.made
        };
        let front = Front::bind(number.to_string(), listen, self.upstream)
            .await
            .map_err(|error| Refusal::new(Code::Internal, format!("no further port could be opened: {error}")))?;
        let front = Arc::new(front);
        let mut fronts = self.lock();
        if fronts.open.len() >= MOST {
            let idle = fronts.open.iter().find(|(_, front)| front.open(Route::Any) == 0).map(|(number, _)| *number);
            let idle =
                idle.ok_or_else(|| Refusal::new(Code::Full, format!("{MOST} networks are in use; close a tab")))?;
            fronts.open.remove(&idle);
        }
        fronts.open.insert(number, Arc::clone(&front));
        Ok(front)
    }

    fn find(&self, name: &str) -> Result<Arc<Front>, Refusal> {
        let number = name.parse::<u64>().ok();
        let front = number.and_then(|number| self.lock().open.get(&number).cloned());
        front.ok_or_else(|| Refusal::new(Code::NotFound, "no such front; it may have been idle for too long"))
    }

    fn choose(&self, name: &str, chosen: Result<Json<Chosen>, JsonRejection>) -> Result<(Arc<Front>, Route), Refusal> {
        let Json(chosen) = chosen.map_err(|why| Refusal::new(Code::BadFrame, format!("not a route: {why}")))?;
        Ok((self.find(name)?, chosen.route))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.fronts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn networks() -> Response {
    let networks: Vec<_> = Network::NAMES
        .into_iter()
        .map(|name| json!({ "name": name, "description": Network::description(name), "network": Network::named(name) }))
        .collect();
    Json(networks).into_response()
}

async fn make(State(fronts): State<Arc<Fronts>>) -> Response {
    match fronts.make().await {
        Ok(front) => Json(json!({ "name": front.name(), "url": format!("http://{}", front.addr()) })).into_response(),
        Err(refusal) => refuse(None, &refusal),
    }
}

async fn show(State(fronts): State<Arc<Fronts>>, Path(name): Path<String>) -> Response {
    match fronts.find(&name) {
        Err(refusal) => refuse(None, &refusal),
        Ok(front) => {
            let counts = |count: fn(&Front, Route) -> usize| {
                json!({
                    "websocket": count(&front, Route::Websocket), "stream": count(&front, Route::Stream),
                    "send": count(&front, Route::Send), "poll": count(&front, Route::Poll),
                })
            };
            let (open, begun) = (counts(Front::open), counts(Front::begun));
            Json(json!({ "name": name, "network": front.network(), "open": open, "begun": begun })).into_response()
        }
    }
}

async fn change(
    State(fronts): State<Arc<Fronts>>,
    Path(name): Path<String>,
    choice: Result<Json<Choice>, JsonRejection>,
) -> Response {
    let changed =
        choice.map_err(|why| Refusal::new(Code::BadFrame, format!("not a network: {why}"))).and_then(|Json(choice)| {
            let front = fronts.find(&name)?;
            front.set_network(choice.network().map_err(|why| Refusal::new(Code::BadFrame, why))?);
            Ok(())
        });
    match changed {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => refuse(None, &refusal),
    }
}

async fn kill(
    State(fronts): State<Arc<Fronts>>,
    Path(name): Path<String>,
    chosen: Result<Json<Chosen>, JsonRejection>,
) -> Response {
    match fronts.choose(&name, chosen) {
        Ok((front, route)) => Json(json!({ "killed": front.kill(route) })).into_response(),
        Err(refusal) => refuse(None, &refusal),
    }
}

async fn forget(
    State(fronts): State<Arc<Fronts>>,
    Path(name): Path<String>,
    chosen: Result<Json<Chosen>, JsonRejection>,
) -> Response {
    match fronts.choose(&name, chosen) {
        Ok((front, route)) => Json(json!({ "forgotten": front.forget(route) })).into_response(),
        Err(refusal) => refuse(None, &refusal),
    }
}
