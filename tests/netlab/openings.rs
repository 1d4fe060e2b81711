//! The faults at the start of an exchange: refused, stripped, swallowed, reset, answered by the network, lost,
//! duplicated.

use std::collections::HashSet;

use throughline::netlab::{Answer, Lost, Network, Opening, Route, Rule, When};

use crate::{
    Lab,
    client::{Client, End, UPGRADE, post},
};

fn begins(route: Route, request: Opening) -> Rule {
    Rule { request, ..Rule::on(route) }
}

#[tokio::test]
async fn a_refused_upgrade_has_its_status_and_the_origin_sees_nothing() {
    let lab = Lab::new([]).await;
    for status in [403, 405, 502] {
        lab.switch([begins(Route::Websocket, Opening::Answer(Answer::status(status)))]);
        let mut client = lab.client(UPGRADE).await;
        assert!(client.head().await.starts_with(&format!("HTTP/1.1 {status} ")));
    }
    lab.client(&post("/rt/send", "others pass")).await.until("others pass").await;
    assert_eq!(lab.origin.account().requests, ["POST /rt/send others pass"]);
}

#[tokio::test]
async fn a_stripped_upgrade_reaches_the_origin_as_a_plain_get() {
    let lab = Lab::new([begins(Route::Websocket, Opening::StripUpgrade)]).await;
    let mut client = lab.client(UPGRADE).await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert_eq!(lab.origin.account().requests, ["GET /rt/ws"]);
}

#[tokio::test]
async fn a_black_hole_takes_the_request_and_never_answers() {
    let lab = Lab::new([begins(Route::Websocket, Opening::Swallow)]).await;
    let mut client = lab.client(UPGRADE).await;
    lab.front.until_begun(Route::Websocket, 1).await;
    lab.client(&post("/rt/control", "fine")).await.until("fine").await;
    client.hears_nothing().await;
    assert_eq!(lab.origin.account().requests, ["POST /rt/control fine"]);
    drop(client);
    lab.front.until_open(Route::Websocket, 0).await;
}

#[tokio::test]
async fn a_reset_route_is_reset_on_request_and_the_others_pass() {
    let lab = Lab::new([begins(Route::Websocket, Opening::Reset)]).await;
    assert_eq!(lab.client(UPGRADE).await.end().await, End::Reset);
    lab.client(&post("/rt/send", "fine")).await.until("fine").await;
}

// Several threads, so that an orderly FIN could overtake the reset.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offline_resets_connections_before_they_say_anything_and_all_that_is_open() {
    let lab = Lab::new([]).await;
    let (mut tunnel, mut stream) = (lab.tunnel().await, lab.stream().await);
    lab.front.set_network(Network::named("offline").unwrap());
    assert_eq!(tunnel.end().await, End::Reset);
    assert_eq!(stream.end().await, End::Reset);
    assert!(Client::is_reset_at_once(lab.front.addr()).await);
    lab.switch([]);
    lab.tunnel().await;
}

#[tokio::test]
async fn a_portal_answers_everything_with_its_page() {
    let lab = Lab::new([]).await;
    lab.front.set_network(Network::named("portal").unwrap());
    for request in [UPGRADE, &post("/rt/stream", "hello"), &post("/rt/control", "")] {
        let mut client = lab.client(request).await;
        assert!(client.head().await.contains("text/html"));
        client.until("Sign in").await;
    }
    assert!(lab.origin.account().requests.is_empty());
}

#[tokio::test]
async fn a_redirect_and_a_proxy_that_wants_a_password_look_like_real_ones() {
    let elsewhere = Answer { location: Some("http://portal.test/".to_owned()), ..Answer::status(302) };
    let lab = Lab::new([begins(Route::Any, Opening::Answer(elsewhere))]).await;
    let redirect = lab.client(&post("/", "")).await.head().await;
    assert!(
        redirect.starts_with("HTTP/1.1 302") && redirect.contains("location: http://portal.test/\r\n"),
        "{redirect}"
    );
    lab.switch([begins(Route::Any, Opening::Answer(Answer::status(407)))]);
    let refused = lab.client(&post("/", "")).await.head().await;
    assert!(refused.starts_with("HTTP/1.1 407") && refused.contains("proxy-authenticate: Basic"), "{refused}");
    for impossible in [Answer::status(101), Answer { location: Some("\n".to_owned()), ..Answer::status(302) }] {
        lab.switch([begins(Route::Any, Opening::Answer(impossible))]);
        assert!(lab.client(&post("/", "")).await.head().await.starts_with("HTTP/1.1 500"));
    }
}

#[tokio::test]
async fn a_lost_response_was_delivered_and_the_client_is_reset() {
    let lab = Lab::new([begins(Route::Send, Opening::LoseResponse(Lost::Reset))]).await;
    assert_eq!(lab.client(&post("/rt/send", "taken")).await.end().await, End::Reset);
    assert_eq!(lab.origin.account().requests, ["POST /rt/send taken"]);
}

#[tokio::test]
async fn a_lost_response_can_leave_the_client_hanging() {
    let lab = Lab::new([begins(Route::Send, Opening::LoseResponse(Lost::Hang))]).await;
    let mut client = lab.client(&post("/rt/send", "taken")).await;
    lab.origin.until(|account| account.requests == ["POST /rt/send taken"]).await;
    client.hears_nothing().await;
}

#[tokio::test]
async fn a_duplicated_request_reaches_the_origin_twice_and_is_answered_once() {
    let lab = Lab::new([begins(Route::Send, Opening::Twice)]).await;
    let mut client = lab.client(&post("/rt/send", "again")).await;
    client.until("again").await;
    assert_eq!(lab.origin.account().requests, ["POST /rt/send again"; 2]);
    client.hears_nothing().await;
}

#[tokio::test]
async fn a_duplicated_request_does_not_wait_for_ever_for_the_answer_to_the_first() {
    let lab = Lab::new([begins(Route::Poll, Opening::Twice)]).await;
    let _client = lab.client(&post("/rt/poll", "hold")).await;
    lab.origin.until(|account| account.requests.len() == 2).await;
}

#[tokio::test]
async fn every_nth_and_the_first_n_requests_are_struck_and_the_others_pass() {
    let refuse = begins(Route::Send, Opening::Answer(Answer::status(503)));
    for (when, struck) in [(When::Every(3), [2, 5]), (When::First(2), [0, 1])] {
        let lab = Lab::new([Rule { when, ..refuse.clone() }]).await;
        let mut refused = Vec::new();
        for place in 0..6 {
            let head = lab.client(&post("/rt/send", "x")).await.head().await;
            if head.starts_with("HTTP/1.1 503") {
                refused.push(place);
            }
        }
        assert_eq!(refused, struck);
    }
}

#[tokio::test]
async fn the_seed_decides_which_requests_a_chance_strikes() {
    let refuse = begins(Route::Send, Opening::Answer(Answer::status(503)));
    let rule = Rule { when: When::Chance(0.5), ..refuse };
    let lab = Lab::new([]).await;
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        lab.front.set_network(Network { seed, rules: vec![rule.clone()] });
        let mut statuses = Vec::new();
        for _ in 0..24 {
            statuses.push(lab.client(&post("/rt/send", "x")).await.head().await.starts_with("HTTP/1.1 503"));
        }
        assert_eq!(statuses.iter().collect::<HashSet<_>>().len(), 2);
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}
