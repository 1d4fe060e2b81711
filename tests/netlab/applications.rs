//! Applications without any of our routes: the form of a request decides its route.

use std::time::Duration;

use throughline::netlab::{Answer, Front, Lost, Network, Opening, Route, Rule, Upstream};
use tokio::net::TcpListener;

use crate::{
    LOOPBACK, Lab,
    client::{Client, End, UPGRADE, post},
    origin::Origin,
};

#[tokio::test]
async fn an_answer_without_a_length_is_a_stream_on_any_path() {
    let lab = Lab::new(Network::named("streams-buffered").unwrap().rules).await;
    let mut client = lab.client(&post("/updates", "")).await;
    lab.origin.until(|account| !account.requests.is_empty()).await;
    lab.origin.say("held");
    client.hears_nothing().await;
    lab.origin.say("bye");
    client.until("held").await;
    lab.client(&post("/messages", "short")).await.until("short").await;
}

#[tokio::test]
async fn a_stream_is_known_by_its_request_before_it_is_answered() {
    let lab = Lab::new([Rule { request: Opening::Answer(Answer::status(503)), ..Rule::on(Route::Stream) }]).await;
    let request = "GET /updates HTTP/1.1\r\nHost: o\r\nAccept: text/event-stream\r\n\r\n";
    assert!(lab.client(request).await.head().await.starts_with("HTTP/1.1 503"));
}

#[tokio::test]
async fn a_stream_is_counted_and_killed_as_one() {
    let lab = Lab::new([]).await;
    let mut client = lab.client(&post("/updates", "")).await;
    client.head().await;
    assert_eq!((lab.front.open(Route::Stream), lab.front.open(Route::Any)), (1, 1));
    assert_eq!((lab.front.begun(Route::Stream), lab.front.begun(Route::Send)), (0, 1));
    assert_eq!(lab.front.kill(Route::Stream), 1);
    assert_eq!(client.end().await, End::Reset);
}

#[tokio::test]
async fn a_rule_for_streams_that_begins_later_ends_one_that_is_open() {
    let lab = Lab::new([]).await;
    let mut client = lab.client(&post("/updates", "")).await;
    client.head().await;
    lab.switch([Rule { kill_after: Some(Duration::ZERO), ..Rule::on(Route::Stream) }]);
    assert_eq!(client.end().await, End::Reset);
}

#[tokio::test]
async fn a_post_on_any_path_is_a_send() {
    let lose = Rule { request: Opening::LoseResponse(Lost::Reset), ..Rule::on(Route::Send) };
    let lab = Lab::new([lose]).await;
    assert_eq!(lab.client(&post("/messages", "taken")).await.end().await, End::Reset);
    assert_eq!(lab.origin.account().requests, ["POST /messages taken"]);
    lab.client("GET / HTTP/1.1\r\nHost: o\r\n\r\n").await.until("HTTP/1.1 200").await;
}

#[tokio::test]
async fn clients_of_a_missing_application_get_502_until_it_starts() {
    // Other tests listen on 127.0.0.1, so none of them takes the ports of this address meanwhile.
    let place = TcpListener::bind("127.7.7.7:0").await.unwrap();
    let addr = place.local_addr().unwrap();
    drop(place);
    let answer = Answer { html: "not there".to_owned(), ..Answer::status(502) };
    // The name has two addresses, and the application uses only the second.
    let nowhere = TcpListener::bind("127.7.7.8:0").await.unwrap();
    let first = nowhere.local_addr().unwrap();
    drop(nowhere);
    let upstream = Upstream::application(vec![first, addr], answer);
    let front = Front::bind("lab", LOOPBACK, upstream).await.unwrap();
    for request in [UPGRADE, &post("/messages", "x"), "GET / HTTP/1.1\r\nHost: o\r\n\r\n"] {
        let mut client = Client::connect(front.addr()).await;
        client.send(request).await;
        assert!(client.until("not there").await.starts_with("HTTP/1.1 502"));
    }
    let origin = Origin::start_at(addr).await;
    let mut client = Client::connect(front.addr()).await;
    client.send(&post("/messages", "x")).await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert_eq!(origin.account().requests, ["POST /messages x"]);
}

#[tokio::test]
async fn an_application_with_any_address_beyond_loopback_is_refused() {
    let upstream = Upstream::application(
        vec!["127.0.0.1:9".parse().unwrap(), "192.0.2.1:80".parse().unwrap()],
        Answer::status(502),
    );
    let refused = Front::bind("open proxy", LOOPBACK, upstream).await;
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}
