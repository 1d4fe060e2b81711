//! The shares of one address and one user: what a client meets beyond them, and that no bystander is refused.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use throughline::protocol::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::client::{Client, secret};
use crate::gateway::{Running, within_patience};
use crate::http::{self, Answer, Task};
use crate::identity::{client, signing_in, token};
use crate::on_every_transport;
use crate::wire::Down;

const HOUR: Duration = Duration::from_secs(3_600);

/// A machine with another address. Its clients reach the gateway through it.
struct Neighbour {
    address: SocketAddr,
    _relay: Task<()>,
}

impl Neighbour {
    async fn of(gateway: &Running) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, gateway) = (listener.local_addr().unwrap(), gateway.address);
        let relay = Task::spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
                let mut far = socket.connect(gateway).await.unwrap();
                open.push(Task::spawn(async move {
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                }));
            }
        });
        Self { address, _relay: relay }
    }

    fn client(&self) -> Client {
        Client::at(self.address, &secret())
    }
}

/// The refusal of a hello.
#[derive(Debug)]
struct Refusal {
    code: String,
    /// On HTTP the status, and the seconds of `Retry-After`.
    http: Option<(u16, u64)>,
    retry_after_ms: Option<u64>,
}

/// Sends the hello of a new leg, and returns its refusal, if it is refused.
async fn refused(client: &mut Client, transport: Transport) -> Option<Refusal> {
    let leg = client.open(transport, true).await;
    match client.wire(leg).next().await {
        Down::Refused(answer) => {
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(body["nonce"], "n1", "{answer:?}");
            let code = body["code"].as_str().unwrap().to_owned();
            let http = Some((answer.status, answer.header("retry-after").parse().unwrap()));
            Some(Refusal { code, http, retry_after_ms: body["retry_after_ms"].as_u64() })
        }
        Down::Frame(frame) => {
            let end = frame.value().get("end")?.clone();
            assert_eq!(end["nonce"], "n1", "{end}");
            let code = end["code"].as_str().unwrap().to_owned();
            Some(Refusal { code, http: None, retry_after_ms: end["retry_after_ms"].as_u64() })
        }
        Down::Closed => panic!("closed without a word"),
    }
}

/// Checks that a new session is refused as `full`.
async fn is_full(mut client: Client, transport: Transport) {
    let refusal = refused(&mut client, transport).await.expect("refused");
    let http = (transport != Transport::WebSocket).then_some((503, 5));
    assert_eq!((&*refusal.code, refusal.http, refusal.retry_after_ms), ("full", http, Some(5_000)), "{refusal:?}");
}

on_every_transport! {
    async fn an_address_that_attaches_too_often_must_wait_and_no_other_address_must(transport) {
        let gateway = Running::with(|config| {
            (config.limits.attaches_per_address, config.limits.attaches_burst) = (1, 3);
        })
        .await;
        let neighbour = Neighbour::of(&gateway).await;
        let (mut first, leg) = Client::online(&gateway, transport).await;
        for _ in 0..2 {
            Client::online(&gateway, transport).await;
        }
        let refusal = refused(&mut Client::new(&gateway), transport).await.expect("refused");
        let http = (transport != Transport::WebSocket).then_some((429, 1));
        assert_eq!((&*refusal.code, refusal.http), ("rate_limited", http));
        let wait = refusal.retry_after_ms.unwrap();
        assert!((1..=1_000).contains(&wait), "{wait}");
        // The client that is there goes on, and the bystander comes in.
        first.publish(leg, "c", "1").await;
        let mut bystander = neighbour.client();
        let leg = bystander.attach(transport).await;
        bystander.publish(leg, "c", "2").await;
        assert!(gateway.figure("refusals_total{reason=\"rate_limited\"}").await > 0);
        while refused(&mut Client::new(&gateway), transport).await.is_some() {}
    }

    async fn an_address_has_its_share_of_the_sessions(transport) {
        let gateway = Running::with(|config| config.limits.sessions_per_address = 2).await;
        let neighbour = Neighbour::of(&gateway).await;
        let (mut first, _) = Client::online(&gateway, transport).await;
        let (mut second, leg) = Client::online(&gateway, transport).await;
        is_full(Client::new(&gateway), transport).await;
        let mut bystander = neighbour.client();
        bystander.attach(transport).await;
        // A session of the address may attach again, and one that ends leaves its place.
        first.attach(transport).await;
        second.link(leg, "{\"bye\":{}}").await;
        gateway.until("sessions", |sessions| sessions == 2).await;
        Client::online(&gateway, transport).await;
    }

    async fn a_user_has_a_share_of_the_sessions(transport) {
        let gateway = Running::with(|config| {
            signing_in(config);
            config.limits.sessions_per_user = 2;
        })
        .await;
        let (alice, bob) = (token("alice", HOUR), token("bob", HOUR));
        for _ in 0..2 {
            client(&gateway, &alice).attach(transport).await;
        }
        is_full(client(&gateway, &alice), transport).await;
        client(&gateway, &bob).attach(transport).await;
    }

    async fn strangers_of_an_address_leave_room_for_its_users(transport) {
        let gateway = Running::with(|config| {
            signing_in(config);
            config.limits.guests_per_address = 1;
        })
        .await;
        let neighbour = Neighbour::of(&gateway).await;
        Client::online(&gateway, transport).await;
        is_full(Client::new(&gateway), transport).await;
        client(&gateway, &token("alice", HOUR)).attach(transport).await;
        neighbour.client().attach(transport).await;
    }
}

on_every_transport! {
    async fn a_session_that_subscribes_too_often_must_wait_and_no_other_one_must(transport) {
        let gateway = Running::with(|config| {
            (config.limits.subscribes_per_session, config.limits.subscribes_burst) = (1, 3);
        })
        .await;
        let (mut busy, leg) = Client::online(&gateway, transport).await;
        for channel in ["a", "b", "c"] {
            busy.subscribe(leg, channel).await;
        }
        let refused = busy.request(leg, "\"sub\":\"d\"", "").await;
        assert_eq!(refused["code"], "rate_limited", "{refused}");
        assert!((1..=1_000).contains(&refused["retry_after_ms"].as_u64().unwrap()), "{refused}");
        let (mut bystander, other) = Client::online(&gateway, transport).await;
        bystander.subscribe(other, "d").await;
        busy.publish(leg, "a", "1").await;
        while busy.request(leg, "\"sub\":\"d\"", "").await["ok"].is_null() {}
    }

    async fn the_reader_that_keeps_the_most_is_cut_first_and_told(transport) {
        let gateway = Running::with(|config| config.limits.replay_bytes_total = 64_000).await;
        let (mut greedy, leg) = Client::online(&gateway, transport).await;
        greedy.subscribe(leg, "greedy").await;
        greedy.settle(leg).await;
        let (mut bystander, other) = Client::online(&gateway, transport).await;
        bystander.subscribe(other, "modest").await;
        bystander.settle(other).await;
        greedy.kill(leg);
        bystander.kill(other);
        let data = "x".repeat(3_000);
        for number in 0..3 {
            gateway.handle.publish("modest", json!([number, data])).await.unwrap();
        }
        for number in 0..80 {
            gateway.handle.publish("greedy", json!([number, data])).await.unwrap();
        }
        gateway.until("replay_cuts_total", |cuts| cuts > 0).await;
        gateway.until("replay_bytes", |bytes| bytes < 200_000).await;
        let leg = greedy.attach(transport).await;
        assert!((1..80).contains(&greedy.overrun), "{}", greedy.overrun);
        for number in greedy.overrun..80 {
            assert_eq!(greedy.next(leg).await.value()["data"][0], number);
        }
        let other = bystander.attach(transport).await;
        assert_eq!(bystander.overrun, 0);
        for number in 0..3 {
            assert_eq!(bystander.next(other).await.value()["data"][0], number);
        }
    }
}

#[tokio::test]
async fn a_line_that_many_readers_keep_counts_once() {
    let gateway = Running::with(|config| config.limits.replay_bytes_total = 200_000).await;
    within_patience(async {
        let mut readers = Vec::new();
        for _ in 0..8 {
            let (mut reader, leg) = Client::online(&gateway, Transport::WebSocket).await;
            reader.subscribe(leg, "c").await;
            reader.settle(leg).await;
            reader.kill(leg);
            readers.push(reader);
        }
        let data = "x".repeat(3_000);
        for number in 0..40 {
            gateway.handle.publish("c", json!([number, data])).await.unwrap();
        }
        assert!(gateway.figure("replay_bytes").await > 900_000);
        // The gateway looks once a second. A reader of its own proves that it has looked.
        let (mut greedy, leg) = Client::online(&gateway, Transport::WebSocket).await;
        greedy.subscribe(leg, "greedy").await;
        greedy.settle(leg).await;
        greedy.kill(leg);
        for number in 0..200 {
            gateway.handle.publish("greedy", json!([number, data])).await.unwrap();
        }
        gateway.until("replay_cuts_total", |cuts| cuts > 0).await;
        for mut reader in readers {
            reader.attach(Transport::WebSocket).await;
            assert_eq!(reader.overrun, 0);
        }
        greedy.attach(Transport::WebSocket).await;
        assert!(greedy.overrun > 0);
    })
    .await;
}

#[tokio::test]
async fn an_address_has_its_share_of_the_connections() {
    let gateway = Running::with(|config| config.limits.connections_per_address = 2).await;
    let neighbour = Neighbour::of(&gateway).await;
    within_patience(async {
        let (mut first, leg) = Client::online(&gateway, Transport::WebSocket).await;
        let (mut second, other) = Client::online(&gateway, Transport::WebSocket).await;
        let answer = http::get(gateway.address, "/rt/control?nonce=n").await;
        answer.is_error(503, "full");
        assert!(answer.body.contains("limits.connections_per_address"), "{answer:?}");
        assert_eq!(answer.header("retry-after"), "5");
        let health = http::get(gateway.address, "/healthz").await;
        assert_eq!((health.status, &*health.body), (200, "ok"));
        let mut bystander = neighbour.client();
        let here = bystander.attach(Transport::WebSocket).await;
        bystander.publish(here, "c", "1").await;
        first.publish(leg, "c", "2").await;
        second.kill(other);
        while http::get(gateway.address, "/rt/control?nonce=n").await.status != 200 {}
    })
    .await;
}

#[tokio::test]
async fn a_listed_proxy_has_no_share_and_its_clients_have_one_each() {
    let gateway = Running::with(|config| {
        config.server.trusted_proxies.push("127.0.0.1".parse().unwrap());
        config.limits.connections_per_address = 1;
        (config.limits.attaches_per_address, config.limits.attaches_burst) = (1, 1);
        config.limits.sessions_per_address = 1;
    })
    .await;
    within_patience(async {
        for _ in 0..3 {
            assert_eq!(poll(&gateway, None).await.status, 200, "the proxy itself");
        }
        // Both addresses are in one /64.
        assert_eq!(poll(&gateway, Some("2001:db8::1")).await.status, 200);
        poll(&gateway, Some("2001:db8::2")).await.is_error(429, "rate_limited");
        assert_eq!(poll(&gateway, Some("2001:db8:0:1::1")).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_client_behind_the_proxy_protocol_counts_by_its_own_address() {
    let gateway = Running::with(|config| {
        config.server.trusted_proxies.push("127.0.0.1".parse().unwrap());
        config.server.proxy_protocol = true;
        config.limits.connections_per_address = 1;
    })
    .await;
    let neighbour = Neighbour::of(&gateway).await;
    let first = "PROXY TCP4 203.0.113.9 10.0.0.1 4096 80\r\n";
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let say =
        async |header: &str, request: &str| http::raw(gateway.address, format!("{header}{request}").as_bytes()).await;
    within_patience(async {
        // A connection of this client stays open.
        let mut held = TcpStream::connect(gateway.address).await.unwrap();
        held.write_all(format!("{first}GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        held.read_exact(&mut [0; 12]).await.unwrap();
        let refused = say(first, &get("/rt/control?nonce=n")).await;
        assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("connections_per_address"), "{refused}");
        let other = say(&first.replace(".9 ", ".10 "), &get("/rt/control?nonce=n")).await;
        assert!(other.starts_with("HTTP/1.1 200 "), "{other}");
        // The proxy's own check of health.
        let own = say("PROXY UNKNOWN\r\n", &get("/healthz")).await;
        assert!(own.starts_with("HTTP/1.1 200 "), "{own}");
        for malformed in ["", "PROXY TCP4 203.0.113.9\r\n", "PROXY TCP5 203.0.113.9 10.0.0.1 4096 80\r\n"] {
            let mut socket = TcpStream::connect(gateway.address).await.unwrap();
            let _ = socket.write_all(format!("{malformed}{}", get("/")).as_bytes()).await;
            let mut answer = Vec::new();
            // The gateway closes it, and the system may report unread bytes as a reset.
            let _ = socket.read_to_end(&mut answer).await;
            assert!(answer.is_empty(), "{malformed:?}: {}", answer.escape_ascii());
        }
        // An address that is not listed cannot state another one.
        let forged = http::raw(neighbour.address, format!("{first}{}", get("/")).as_bytes()).await;
        assert!(!forged.contains("200 OK"), "{forged}");
        let answer = http::get(neighbour.address, "/healthz").await;
        assert_eq!(answer.status, 200);
    })
    .await;
}

/// Sends the first poll of a client that a proxy passes on.
async fn poll(gateway: &Running, of: Option<&str>) -> Answer {
    let hello = Client::new(gateway).hello(1, Some(1)).to_string();
    let mut request = http::request(hyper::Method::POST, "/rt/poll", hello);
    if let Some(client) = of {
        request.headers_mut().insert("x-forwarded-for", client.parse().unwrap());
    }
    http::exchange(gateway.address, request).await
}
