//! The page that switches the network, and its API. They have a port of their own, so they answer whatever the network
//! does.
//!
//! Only pages of this machine may use them, as everywhere here: a page on the web must not break a developer's work.

use std::io;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use maud::{PreEscaped, html};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Lab;
use crate::cli::networks::{self, Choice};
use crate::netlab::{Front, Route};
use crate::protocol::code::{Code, Refusal};
use crate::server::gate::Gate;
use crate::server::{missing, page};
use crate::transport::refuse;

const SCRIPT: &str = include_str!("../../pages/netlab/page.js");
const STYLE: &str = include_str!("../../pages/netlab/page.css");

/// The body of `POST /kill`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    route: Route,
}

pub(super) async fn serve(listener: TcpListener, lab: Arc<Lab>) -> io::Result<()> {
    let router = Router::new()
        .route("/", get(show))
        .route("/networks", get(|| async { Json(listed()) }))
        .route("/network", get(state).post(switch))
        .route("/kill", post(kill))
        .fallback(async |headers: HeaderMap| missing(&headers, "nothing is here; the page is /"))
        .layer(middleware::from_fn(gate))
        .with_state(lab);
    axum::serve(listener, router).await
}

async fn gate(request: Request, next: Next) -> Response {
    match Gate::new(Vec::new()).check(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refuse(None, &refusal),
    }
}

fn listed() -> Vec<Value> {
    networks::all()
        .map(|(name, meaning)| json!({ "name": name, "meaning": meaning, "network": networks::named(name, 0) }))
        .collect()
}

async fn state(State(lab): State<Arc<Lab>>) -> Response {
    let counts = |count: fn(&Front, Route) -> usize| json!({ "websocket": count(&lab.front, Route::Websocket), "stream": count(&lab.front, Route::Stream), "any": count(&lab.front, Route::Any) });
    let named = lab.named();
    Json(json!({
        "name": named.map(|(name, _)| name), "meaning": named.map(|(_, meaning)| meaning), "network": lab.front.network(),
        "url": lab.shown(), "to": lab.application.shown(), "open": counts(Front::open), "begun": counts(Front::begun),
    }))
    .into_response()
}

async fn switch(State(lab): State<Arc<Lab>>, choice: Result<Json<Choice>, JsonRejection>) -> Response {
    let network = choice.map_err(|why| format!("not a network: {why}")).and_then(|Json(choice)| choice.network());
    match network {
        Ok(network) => {
            lab.switch(network);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(why) => refuse(None, &Refusal::new(Code::BadFrame, why)),
    }
}

async fn kill(State(lab): State<Arc<Lab>>, chosen: Result<Json<Chosen>, JsonRejection>) -> Response {
    match chosen {
        Ok(Json(Chosen { route })) => Json(json!({ "killed": lab.front.kill(route) })).into_response(),
        Err(why) => refuse(None, &Refusal::new(Code::BadFrame, format!("not a route: {why}"))),
    }
}

async fn show(State(lab): State<Arc<Lab>>) -> Html<String> {
    let content = html! {
            style { (PreEscaped(STYLE)) }
            p.lead { "Open " a href=(lab.shown()) { (lab.shown()) } " instead of " code { (lab.application.shown()) } ". Your choice holds at once, even for most open connections." }
            p.status role="status" data-status { "Asking …" }
            noscript { p { "This page needs JavaScript. Without it, use HTTP: " code { "POST /network" } "." } }
            fieldset {
                legend { "The network" }
                @for (name, meaning) in networks::all() {
                    label {
                        input type="radio" name="network" value=(name);
                        span { strong { (name) } " " span.meaning { (meaning) } }
                    }
                }
            }
            p { button type="button" data-kill { "Reset all that is open" } }
            script type="module" { (PreEscaped(SCRIPT)) }
    };
    Html(page("Hostile network", &content.into_string()))
}
