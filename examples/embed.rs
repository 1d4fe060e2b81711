//! A gateway inside an axum application: sessions under `/rt`, beside the routes of the application.
//!
//! ```sh
//! cargo run --example embed
//! curl -X POST -d 'It rains.' http://127.0.0.1:3000/news
//! ```
//!
//! Open <http://127.0.0.1:3000/> before the second command: the page shows what arrives.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::State;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use throughline::{Config, Gateway, Handle, Refusal};
use tokio::net::TcpListener;

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<title>News</title>
<h1>News</h1>
<ul id="news"></ul>
<script type="module">
  import { connect } from '/rt/client/throughline.esm.min.js';

  connect('/rt').channel('news').on('message', ({ data }) => {
    const item = document.createElement('li');
    item.textContent = data.text;
    document.getElementById('news').append(item);
  });
</script>
"#;

#[tokio::main]
#[allow(clippy::print_stdout, reason = "its address is its output")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let gateway = Gateway::new(Config::default());
    let app = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/news", post(publish))
        .with_state(gateway.handle())
        .nest("/rt", gateway.router());

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // The gateway learns the addresses of clients from the connect info.
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(leave(gateway.handle()))
        .await?;
    Ok(())
}

/// Publishes the body to all readers of the channel `news`.
async fn publish(State(gateway): State<Handle>, text: String) -> Json<Value> {
    let published: Result<u64, Refusal> = gateway.publish("news", json!({ "text": text })).await;
    Json(match published {
        Ok(offset) => json!({ "at": offset }),
        Err(refusal) => json!({ "code": refusal.code().name(), "message": refusal.message() }),
    })
}

/// Waits for the end of the process, and lets the clients leave before the server stops.
async fn leave(gateway: Handle) {
    let _ = tokio::signal::ctrl_c().await;
    gateway.drain(Duration::from_secs(5)).await;
}
