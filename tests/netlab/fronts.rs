//! The front itself: the bytes that it carries unchanged, and the exchanges that it counts, kills and refuses.

use std::net::SocketAddr;

use throughline::netlab::{Answer, Front, Network, Opening, Route, Rule};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    LOOPBACK, Lab,
    client::{Client, End, UPGRADE, post},
};

#[tokio::test]
async fn a_clean_network_passes_heads_as_they_are_in_both_directions() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let front = Front::bind("plain", LOOPBACK, listener.local_addr().unwrap()).await.unwrap();
    let request =
        "GET /x?y=%20z HTTP/1.1\r\nHost: Origin.Test:81\r\nX-ODD-Case: a\r\nAccept: text/event-stream\r\n\r\n";
    let response = "HTTP/1.1 418 Short And Stout\r\nX-Accel-Buffering: no\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 3\r\n\r\ntea";
    let mut client = Client::connect(front.addr()).await;
    client.send(request).await;
    let (mut origin, _) = listener.accept().await.unwrap();
    let mut arrived = vec![0; request.len()];
    origin.read_exact(&mut arrived).await.unwrap();
    assert_eq!(String::from_utf8(arrived).unwrap(), request);
    origin.write_all(response.as_bytes()).await.unwrap();
    assert_eq!(client.until("\r\n\r\ntea").await, response);
}

#[tokio::test]
async fn a_clean_network_streams_each_chunk_when_it_comes() {
    let lab = Lab::new([]).await;
    let mut client = lab.stream().await;
    for chunk in ["one", "two", "three"] {
        lab.origin.say(chunk);
        client.until(chunk).await;
    }
    lab.origin.say("bye");
    client.until("0\r\n\r\n").await;
    lab.front.until_open(Route::Any, 0).await;
}

#[tokio::test]
async fn a_clean_network_streams_a_request_body_when_it_comes() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let front = Front::bind("plain", LOOPBACK, listener.local_addr().unwrap()).await.unwrap();
    let mut client = Client::connect(front.addr()).await;
    client.send("POST / HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    let (stream, _) = listener.accept().await.unwrap();
    let mut origin = Client::from(stream);
    origin.until("abc\r\n").await;
    client.send("4\r\ndefg\r\n0\r\n\r\n").await;
    origin.until("defg\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn a_clean_network_keeps_a_connection_for_the_next_request() {
    let lab = Lab::new([]).await;
    let mut client = lab.client(&post("/rt/send", "first")).await;
    client.until("first").await;
    client.send(&post("/rt/send", "second")).await;
    client.until("second").await;
    assert_eq!(lab.origin.account().requests, ["POST /rt/send first", "POST /rt/send second"]);
}

#[tokio::test]
async fn a_clean_network_carries_a_tunnel_and_both_its_ends() {
    let lab = Lab::new([]).await;
    let mut client = lab.tunnel().await;
    client.send("up").await;
    client.until("up").await;
    lab.origin.say("down");
    client.until("down").await;
    client.finish().await;
    assert_eq!(client.end().await, End::Clean(String::new()));
    assert_eq!(lab.origin.until(|account| !account.ends.is_empty()).await.ends, ["fin"]);
    lab.front.until_open(Route::Any, 0).await;
}

#[tokio::test]
async fn a_client_that_leaves_closes_its_exchange_at_the_origin() {
    let lab = Lab::new([]).await;
    let (stream, poll) = (lab.stream().await, lab.client(&post("/rt/poll", "hold")).await);
    lab.front.until_open(Route::Any, 2).await;
    lab.origin.until(|account| account.requests.len() == 2).await;
    drop((stream, poll));
    lab.front.until_open(Route::Any, 0).await;
}

#[tokio::test]
async fn an_origin_that_is_gone_looks_like_a_reset() {
    let lab = Lab::new([]).await;
    let gone = TcpListener::bind(LOOPBACK).await.unwrap().local_addr().unwrap();
    let front = Front::bind("gone", LOOPBACK, gone).await.unwrap();
    drop(lab);
    let mut client = Client::connect(front.addr()).await;
    client.send(&post("/rt/send", "")).await;
    assert_eq!(client.end().await, End::Reset);
}

// Several threads, so that an orderly FIN could overtake the reset.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_resets_what_is_open_on_its_route_and_nothing_else() {
    let lab = Lab::new([]).await;
    let (mut tunnel, mut stream) = (lab.tunnel().await, lab.stream().await);
    let mut poll = lab.client(&post("/rt/poll", "hold")).await;
    lab.origin.until(|account| account.requests.len() == 3).await;
    assert_eq!(lab.front.kill(Route::Websocket), 1);
    assert_eq!(tunnel.end().await, End::Reset);
    assert_eq!(lab.origin.until(|account| !account.ends.is_empty()).await.ends, ["reset"]);
    assert_eq!(lab.front.kill(Route::Poll), 1);
    assert_eq!(poll.end().await, End::Reset);
    lab.origin.say("still here");
    stream.until("still here").await;
    assert_eq!(lab.front.kill(Route::Any), 1);
    assert_eq!(stream.end().await, End::Reset);
    assert_eq!(lab.front.kill(Route::Any), 0);
}

#[tokio::test]
async fn open_and_begun_exchanges_are_counted_by_route() {
    let lab = Lab::new([]).await;
    let tunnel = lab.tunnel().await;
    let _stream = lab.stream().await;
    lab.client(&post("/rt/send", "x")).await.until("x").await;
    lab.front.until_open(Route::Any, 2).await;
    assert_eq!((lab.front.open(Route::Websocket), lab.front.open(Route::Stream)), (1, 1));
    assert_eq!((lab.front.begun(Route::Send), lab.front.begun(Route::Any)), (1, 3));
    drop(tunnel);
    lab.front.until_open(Route::Websocket, 0).await;
}

#[tokio::test]
async fn a_front_that_is_shut_down_or_dropped_resets_all_and_frees_its_port() {
    for dropped in [false, true] {
        let Lab { origin: _origin, front } = {
            let lab = Lab::new([]).await;
            lab.client(&post("/rt/send", "x")).await.until("x").await;
            lab
        };
        let addr = front.addr();
        let mut idle = Client::connect(addr).await;
        idle.send(&post("/rt/send", "x")).await;
        idle.until("x").await;
        let mut tunnel = Client::connect(addr).await;
        tunnel.send(UPGRADE).await;
        tunnel.head().await;
        if dropped {
            drop(front);
        } else {
            front.shutdown().await;
            assert!(TcpStream::connect(addr).await.is_err());
        }
        assert_eq!(tunnel.end().await, End::Reset);
        assert_eq!(idle.end().await, End::Reset);
    }
}

#[tokio::test]
async fn a_front_stays_on_loopback_on_both_sides() {
    for (listen, upstream) in [("0.0.0.0:0", "127.0.0.1:9"), ("127.0.0.1:0", "192.0.2.1:80")] {
        let refused = Front::bind("open proxy", listen.parse().unwrap(), upstream.parse::<SocketAddr>().unwrap()).await;
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn a_front_returns_its_name_and_its_network() {
    let lab = Lab::new([]).await;
    assert_eq!(lab.front.name(), "lab");
    assert_eq!(lab.front.network(), Network::default());
    for name in Network::NAMES {
        lab.front.set_network(Network::named(name).unwrap());
        assert_eq!(lab.front.network(), Network::named(name).unwrap());
    }
}

#[test]
fn a_network_is_read_from_plain_json() {
    let json = r#"{"seed": 7, "rules": [
        {"route": "websocket", "request": {"answer": {"status": 403}}},
        {"route": "stream", "buffer": {"until": {"block": 4096}, "headers": "held"}, "cut_after_ms": 3000},
        {"route": "send", "request": {"lose_response": "reset"}, "when": {"chance": 0.5}},
        {"route": "any", "delay_ms": 400, "jitter_ms": 200, "bandwidth": 5000, "mute": "up", "stall": "both",
         "idle": {"after_ms": 8000, "then": "drop"}, "hiccup": {"chance": 0.01, "for_ms": 3000}, "mtu": 1400}]}"#;
    let network: Network = serde_json::from_str(json).unwrap();
    assert_eq!(network.rules[0].request, Opening::Answer(Answer::status(403)));
    assert_eq!(serde_json::from_str::<Network>(&serde_json::to_string(&network).unwrap()).unwrap(), network);
    assert_eq!(serde_json::from_str::<Network>("{}").unwrap(), Network::default());
    assert_eq!(serde_json::to_string(&Rule::on(Route::Poll)).unwrap(), r#"{"route":"poll"}"#);
}

#[test]
fn a_misspelt_fault_is_an_error_and_not_a_clean_network() {
    for json in [
        r#"{"rulez": []}"#,
        r#"{"rules": [{"delay_ms": 1}]}"#,
        r#"{"rules": [{"route": "any", "delay": 1}]}"#,
        r#"{"rules": [{"route": "websockets"}]}"#,
        r#"{"rules": [{"route": "any", "request": {"answer": {"status": 403, "body": ""}}}]}"#,
        r#"{"rules": [{"route": "any", "delay_ms": -1}]}"#,
    ] {
        assert!(serde_json::from_str::<Network>(json).is_err(), "{json}");
    }
}
