//! Delay, jitter, bandwidth and hiccups. Lower bounds are exact. Upper ones leave room for a busy machine.

use std::time::Duration;

use throughline::netlab::{Hiccup, Network, Route, Rule};
use tokio::time::{Instant, interval};

use crate::{Lab, client::post};

const DELAY: Duration = Duration::from_millis(300);

fn delayed() -> Rule {
    Rule { delay: DELAY, ..Rule::on(Route::Any) }
}

#[tokio::test]
async fn a_delay_is_paid_once_each_way_for_a_head_with_its_body() {
    let lab = Lab::new([delayed()]).await;
    let start = Instant::now();
    let took = lab.client(&post("/rt/send", "body")).await.when("body", start).await;
    assert!(took >= DELAY * 2 && took < DELAY * 4, "{took:?}");
}

#[tokio::test]
async fn a_delay_applies_to_an_upgrade_and_then_to_the_bytes_of_its_tunnel() {
    let lab = Lab::new([delayed()]).await;
    let start = Instant::now();
    let mut client = lab.tunnel().await;
    assert!(start.elapsed() >= DELAY * 2);
    let start = Instant::now();
    client.send("echo").await;
    let took = client.when("echo", start).await;
    assert!(took >= DELAY * 2 && took < DELAY * 4, "{took:?}");
}

#[tokio::test]
async fn a_delay_is_a_latency_and_does_not_limit_the_rate() {
    let lab = Lab::new([delayed()]).await;
    let mut client = lab.stream().await;
    let mut pace = interval(Duration::from_millis(5));
    let start = Instant::now();
    for count in 0..20 {
        lab.origin.say(&format!("chunk {count};"));
        pace.tick().await;
    }
    let took = client.when("chunk 19;", start).await;
    assert!(took >= DELAY && took < DELAY * 5, "twenty delays in a row would be 6 s: {took:?}");
}

#[tokio::test]
async fn a_delay_applies_to_open_connections_and_its_end_releases_bytes_in_flight() {
    let lab = Lab::new([]).await;
    let mut client = lab.tunnel().await;
    lab.switch([Rule { delay: Duration::from_secs(60), ..Rule::on(Route::Websocket) }]);
    client.send("echo").await;
    client.hears_nothing().await;
    lab.switch([]);
    client.until("echo").await;
}

#[tokio::test]
async fn jitter_varies_the_delay_and_keeps_the_order() {
    let lab = Lab::new([Rule { jitter: DELAY, ..Rule::on(Route::Any) }]).await;
    let mut client = lab.tunnel().await;
    let mut times = Vec::new();
    for count in 0..8 {
        let start = Instant::now();
        client.send(&format!("{count}a")).await;
        client.send(&format!("{count}b")).await;
        client.until(&format!("{count}a")).await;
        times.push(client.when(&format!("{count}b"), start).await);
    }
    let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(*most - *least > DELAY / 10, "{times:?}");
}

#[tokio::test]
async fn bandwidth_lets_bytes_through_steadily_at_its_rate() {
    // If the machine stalls at the half, the client reads both halves at once.
    for _ in 0..5 {
        let lab = Lab::new([]).await;
        let mut client = lab.stream().await;
        lab.switch([Rule { bandwidth: Some(10_000), ..Rule::on(Route::Stream) }]);
        let start = Instant::now();
        lab.origin.say(&format!("{}half{}full", "x".repeat(1996), "x".repeat(1996)));
        let half = client.when("half", start).await;
        let full = client.when("full", start).await;
        assert!(half >= Duration::from_millis(190) && full >= Duration::from_millis(390), "{half:?} {full:?}");
        if half < full - Duration::from_millis(100) && full < Duration::from_millis(1500) {
            return;
        }
    }
    panic!("the half came with the rest");
}

#[tokio::test]
async fn a_lifted_bandwidth_lets_the_rest_go_at_once() {
    let lab = Lab::new([Rule { bandwidth: Some(1000), ..Rule::on(Route::Stream) }]).await;
    let mut client = lab.stream().await;
    lab.origin.say(&format!("start{}end", "x".repeat(100_000)));
    client.until("start").await;
    lab.switch([]);
    client.until("end").await;
}

#[tokio::test]
async fn a_hiccup_makes_a_piece_late_and_all_that_follow_it_wait() {
    let lab = Lab::new([]).await;
    let mut client = lab.tunnel().await;
    let hiccup = Some(Hiccup { chance: 1.0, lasting: DELAY });
    lab.switch([Rule { hiccup, ..Rule::on(Route::Any) }]);
    let start = Instant::now();
    client.send("one").await;
    let took = client.when("one", start).await;
    assert!(took >= DELAY * 2, "{took:?}");
    lab.switch([Rule { hiccup: Some(Hiccup { chance: 0.0, lasting: DELAY }), ..Rule::on(Route::Any) }]);
    client.send("two").await;
    client.until("two").await;
}

#[tokio::test]
async fn the_slow_network_is_slow_for_everything() {
    let lab = Lab::new([]).await;
    lab.front.set_network(Network::named("slow").unwrap());
    let start = Instant::now();
    let took = lab.client(&post("/rt/control", "there")).await.when("there", start).await;
    assert!(took >= Duration::from_millis(800), "{took:?}");
}

#[tokio::test]
async fn the_lossy_network_delivers_every_send_and_loses_some_of_the_answers() {
    let lab = Lab::new([]).await;
    let mut rules = Network::named("lossy").unwrap();
    for rule in &mut rules.rules {
        rule.hiccup = None;
    }
    lab.front.set_network(rules);
    let mut lost = 0;
    for _ in 0..24 {
        let mut client = lab.client(&post("/rt/send", "x")).await;
        if !client.is_answered().await {
            lost += 1;
        }
    }
    assert_eq!(lab.origin.account().requests.len(), 24);
    assert!((1..24).contains(&lost), "{lost}");
}
