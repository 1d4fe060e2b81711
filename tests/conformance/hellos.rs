//! The statements of a hello about the client's path, and of a welcome about its network.

use std::time::{Duration, Instant};

use futures::{SinkExt as _, StreamExt as _};
use hyper::Method;
use serde_json::{Value, json};
use throughline::protocol::Transport;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::client::{Client, Seen};
use crate::gateway::{Running, within_patience};
use crate::wire::Wire;
use crate::{http, on_every_transport};

on_every_transport! {
    async fn a_client_behind_a_path_that_cuts_idle_connections_gets_a_sign_as_often_as_it_wishes(transport) {
        let gateway = Running::start().await;
        let mut client = Client::new(&gateway);
        client.says = json!({ "heartbeat_ms": 1500, "hold_ms": 1, "client": { "ms": 1 } });
        let leg = client.open(transport, true).await;
        let welcome = client.activated(leg).await;
        assert_eq!((&welcome["heartbeat_ms"], &welcome["hold_ms"]), (&1500.into(), &1000.into()));
        client.says = json!({});
        client.subscribe(leg, "c").await;
        client.settle(leg).await;
        let quiet = Instant::now();
        loop {
            match client.see(leg).await {
                Seen::Ping(_) => break,
                Seen::Welcome(welcome) if transport == Transport::Poll => {
                    assert_eq!(welcome["hold_ms"], 1000);
                    break;
                }
                Seen::Ack => {}
                other => panic!("{other:?}"),
            }
        }
        // By default the interval would be 15 or 25 s.
        assert!(quiet.elapsed() < Duration::from_secs(10), "{:?}", quiet.elapsed());
    }

    async fn a_wish_beyond_the_gateways_settings_changes_nothing(transport) {
        let gateway = Running::start().await;
        let mut client = Client::new(&gateway);
        client.says = json!({ "heartbeat_ms": 60_000, "hold_ms": 60_000 });
        let leg = client.open(transport, true).await;
        let welcome = client.welcome(leg).await;
        assert_eq!((&welcome["heartbeat_ms"], &welcome["hold_ms"]), (&15_000.into(), &25_000.into()));
    }

    async fn the_gateway_counts_a_clients_search_report_when_its_leg_attaches(transport) {
        let gateway = Running::start().await;
        let mut client = Client::new(&gateway);
        client.says = json!({ "client": { "ms": 700, "tried": [["websocket", "mute"], ["sse", "buffered"], ["sse", "?"], ["?", "mute"]] } });
        let leg = client.open(transport, true).await;
        client.activated(leg).await;
        // A candidate does not bring its client online, so its time does not count. A malformed report does not fail
        // the hello.
        client.says = json!({ "client": { "ms": 900 } });
        let candidate = client.open(transport, false).await;
        client.welcome(candidate).await;
        client.says = json!({ "client": ["console", 1.0] });
        client.open(transport, false).await;
        client.says = json!({});
        client.settle(candidate).await;
        let name = transport.name();
        let failed = u64::from(name == "websocket") + u64::from(name == "sse");
        let figures = http::get(gateway.inner, "/metrics").await.body;
        let figure = |row: &str| {
            let value = figures.lines().find_map(|line| line.strip_prefix(&format!("throughline_client_{row} ")));
            value.unwrap_or_else(|| panic!("{row} in {figures}")).to_owned()
        };
        assert_eq!(figure(&format!("attempts_total{{transport=\"{name}\"}}")), (2 + failed).to_string());
        assert_eq!(figure("failures_total{transport=\"websocket\",reason=\"mute\"}"), "1");
        assert_eq!(figure("failures_total{transport=\"sse\",reason=\"buffered\"}"), "1");
        assert_eq!(figure("failures_total{transport=\"poll\",reason=\"mute\"}"), "0");
        let online = |rest: &str| figure(&format!("online_seconds_{rest}"));
        assert_eq!(online(&format!("count{{transport=\"{name}\"}}")), "1");
        assert_eq!(online(&format!("sum{{transport=\"{name}\"}}")), "0.7");
        for (bound, count) in [("0.5", "0"), ("1", "1"), ("+Inf", "1")] {
            assert_eq!(online(&format!("bucket{{transport=\"{name}\",le=\"{bound}\"}}")), count, "{bound}");
        }
    }

    async fn a_report_that_is_too_long_is_refused(transport) {
        let gateway = Running::start().await;
        let mut client = Client::new(&gateway);
        client.says = json!({ "client": { "lib": "x".repeat(512) } });
        let leg = client.open(transport, true).await;
        match client.see(leg).await {
            Seen::Refused(answer) => answer.is_error(400, "bad_frame"),
            Seen::End(code) => assert_eq!(code, "bad_frame"),
            other => panic!("{other:?}"),
        }
    }

    async fn clients_of_one_network_get_one_id_that_reveals_nothing(transport) {
        let gateway = Running::start().await;
        let (mut one, mut other) = (Client::new(&gateway), Client::new(&gateway));
        let (a, b) = (one.open(transport, true).await, other.open(Transport::WebSocket, true).await);
        let (one, other) = (one.welcome(a).await["network"].clone(), other.welcome(b).await["network"].clone());
        assert_eq!(one, other);
        assert!(one.as_str().is_some_and(|id| id.len() == 16 && !id.contains("127.0") && !id.contains("7f0000")), "{one}");
    }

    async fn the_address_that_a_listed_proxy_names_is_the_clients(transport) {
        let trusting = Running::with(|config| config.server.trusted_proxies.push("127.0.0.0/8".parse().unwrap())).await;
        let one = network(&trusting, transport, "203.0.113.1").await;
        assert_eq!(one, network(&trusting, transport, "198.51.100.1, 203.0.113.250").await);
        assert_ne!(one, network(&trusting, transport, "203.0.114.1").await);
        let wary = Running::start().await;
        assert_eq!(network(&wary, transport, "203.0.113.1").await, network(&wary, transport, "203.0.114.1").await);
    }
}

/// Returns the network id in the welcome of a new session behind a proxy.
async fn network(gateway: &Running, transport: Transport, forwarded: &'static str) -> Value {
    let hello = Client::new(gateway).hello(1, Some(1)).to_string();
    let mut lines = if transport == Transport::WebSocket {
        let mut request = format!("ws://{}/rt/ws", gateway.address).into_client_request().unwrap();
        request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
        let socket = TcpStream::connect(gateway.address).await.unwrap();
        let (mut socket, _) = tokio_tungstenite::client_async(request, socket).await.unwrap();
        socket.send(Message::Text(hello.into())).await.unwrap();
        socket.next().await.unwrap().unwrap().into_text().unwrap().to_string()
    } else {
        let path = if transport == Transport::Sse { "/rt/stream" } else { "/rt/poll" };
        let mut request = http::request(Method::POST, path, hello);
        request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
        let mut opened = http::open(gateway.address, request).await;
        let mut text = String::new();
        while !text.contains("welcome") {
            use http_body_util::BodyExt as _;
            let chunk = opened.response.frame().await.unwrap().unwrap().into_data().unwrap();
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        text
    };
    let welcome = lines.split_off(lines.find('{').unwrap());
    let welcome: Value = serde_json::from_str(welcome.trim_end()).unwrap();
    assert!(welcome["welcome"]["network"].is_string(), "{welcome}");
    welcome["welcome"]["network"].clone()
}

/// A second hello and a send ask for a turn. The gateway reads a path's wishes only when a leg attaches.
#[tokio::test]
async fn only_a_hello_that_attaches_is_asked_for_wishes() {
    let gateway = Running::start().await;
    let (mut client, leg) = Client::online(&gateway, Transport::WebSocket).await;
    client.says = json!({ "heartbeat_ms": 1000, "client": { "tried": [["poll", "slow"]] } });
    client.ask(leg).await;
    assert_eq!(within_patience(client.activated(leg)).await["heartbeat_ms"], 15_000);
    let hello = client.hello(leg, None).to_string();
    http::post(gateway.address, "/rt/send", hello).await;
    client.ask(leg).await;
    assert_eq!(within_patience(client.activated(leg)).await["heartbeat_ms"], 15_000);
    assert_eq!(gateway.figure("client_failures_total{transport=\"poll\",reason=\"slow\"}").await, 0);
    let hello = client.hello(leg + 1, None).to_string();
    let mut wire = Wire::open(gateway.address, Transport::Sse, &[hello.into()]).await;
    let crate::wire::Down::Frame(welcome) = within_patience(wire.next()).await else { panic!("no welcome") };
    assert_eq!(welcome.value()["welcome"]["heartbeat_ms"], 1000);
}
