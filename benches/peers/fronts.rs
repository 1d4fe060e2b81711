//! Hostile networks in front of any server on loopback, for the comparison with other clients (`run.mjs` beside this).
//! The demo's fronts lead to the gateway only; these lead to any address. This program must never judge what it
//! carries.
//!
//! One JSON object a line. In: `{"open":"a","upstream":"127.0.0.1:80","network":{…}}`, `{"close":"a"}`.
//! Out, in the same order: `{"open":"a","url":"http://127.0.0.1:81"}`, `{"close":"a","websockets":3,"requests":5}`.
//! It ends when its input does.

// Its lines are its output.
#![allow(clippy::print_stdout)]

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead as _, stdin};
use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;
use serde_json::json;
use throughline::netlab::{Front, Network, Route};

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Order {
    Open { open: String, upstream: SocketAddr, network: Network },
    Close { close: String },
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut fronts = HashMap::new();
    for line in stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?)? {
            Order::Open { open, upstream, network } => {
                let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let front = runtime.block_on(Front::bind(open.as_str(), any, upstream))?;
                front.set_network(network);
                let answer = json!({ "open": open, "url": format!("http://{}", front.addr()) });
                fronts.insert(open, front);
                answer
            }
            Order::Close { close } => {
                let front = fronts.remove(&close).ok_or("no such front")?;
                let (websockets, requests) = (front.begun(Route::Websocket), front.begun(Route::Any));
                runtime.block_on(front.shutdown());
                json!({ "close": close, "websockets": websockets, "requests": requests })
            }
        };
        println!("{answer}");
    }
    Ok(())
}
