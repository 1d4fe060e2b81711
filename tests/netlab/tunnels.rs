//! Faults of a tunnel, after its status 101.

use std::time::Duration;

use throughline::netlab::{Direction, Idle, Network, Route, Rule, Silence};
use tokio::time::{Instant, interval};

use crate::{Lab, client::End};

const SOON: Duration = Duration::from_millis(200);

fn tunnels() -> Rule {
    Rule::on(Route::Websocket)
}

#[tokio::test]
async fn a_tunnel_muted_downwards_is_heard_by_the_origin_and_hears_nothing() {
    let lab = Lab::new([Rule { mute: Some(Direction::Down), ..tunnels() }]).await;
    let mut client = lab.tunnel().await;
    client.send("up").await;
    lab.origin.until(|account| account.tunnelled == "up").await;
    client.hears_nothing().await;
}

#[tokio::test]
async fn a_tunnel_muted_upwards_hears_the_origin_and_is_not_heard() {
    let lab = Lab::new([Rule { mute: Some(Direction::Up), ..tunnels() }]).await;
    let mut client = lab.tunnel().await;
    client.send("up").await;
    lab.origin.say("down");
    client.until("down").await;
    client.hears_nothing().await;
    assert_eq!(lab.origin.account().tunnelled, "");
}

#[tokio::test]
async fn a_tunnel_muted_both_ways_opens_and_then_neither_side_hears_the_other_or_its_end() {
    let lab = Lab::new([]).await;
    lab.front.set_network(Network::named("websocket-mute").unwrap());
    let mut client = lab.tunnel().await;
    client.send("up").await;
    lab.origin.say("down");
    client.hears_nothing().await;
    client.finish().await;
    client.hears_nothing().await;
    assert_eq!((lab.origin.account().tunnelled.as_str(), lab.origin.account().ends.len()), ("", 0));
}

#[tokio::test]
async fn a_mute_that_begins_in_mid_session_applies_to_open_tunnels() {
    let lab = Lab::new([]).await;
    let mut client = lab.tunnel().await;
    client.send("one").await;
    client.until("one").await;
    lab.front.set_network(Network::named("websocket-mute").unwrap());
    client.send("two").await;
    client.hears_nothing().await;
    assert_eq!(lab.origin.account().tunnelled, "one");
}

#[tokio::test]
async fn a_forgotten_tunnel_stays_open_and_mute_and_the_next_one_carries() {
    let lab = Lab::new([]).await;
    let mut client = lab.tunnel().await;
    client.send("one").await;
    client.until("one").await;
    assert_eq!(lab.front.forget(Route::Any), 1);
    client.send("two").await;
    lab.origin.say("down");
    client.hears_nothing().await;
    assert_eq!((lab.origin.account().tunnelled.as_str(), lab.front.open(Route::Websocket)), ("one", 1));
    let mut next = lab.tunnel().await;
    next.send("three").await;
    next.until("three").await;
}

#[tokio::test]
async fn a_stalled_tunnel_is_silent_without_an_end_and_loses_nothing() {
    let lab = Lab::new([]).await;
    let mut client = lab.tunnel().await;
    lab.switch([Rule { stall: Some(Direction::Both), ..tunnels() }]);
    client.send("up").await;
    lab.origin.say("down");
    client.hears_nothing().await;
    assert_eq!(lab.origin.account().tunnelled, "");
    lab.switch([]);
    client.until("down").await;
    client.until("up").await;
}

#[tokio::test]
async fn a_stall_makes_its_sender_feel_it_in_the_end() {
    let lab = Lab::new([]).await;
    let mut client = lab.tunnel().await;
    lab.switch([Rule { stall: Some(Direction::Up), ..tunnels() }]);
    assert!(client.fills_up().await, "the network accepted all bytes");
}

// Several threads, so that an orderly FIN could overtake the reset.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_tunnel_is_reset_on_both_sides_so_long_after_its_101() {
    let lab = Lab::new([]).await;
    lab.front.set_network(Network::named("websocket-killed").unwrap());
    let start = Instant::now();
    let mut client = lab.tunnel().await;
    assert_eq!(client.end().await, End::Reset);
    assert!(start.elapsed() > SOON);
    assert_eq!(lab.origin.until(|account| !account.ends.is_empty()).await.ends, ["reset"]);
}

#[tokio::test]
async fn a_cut_tunnel_ends_cleanly_on_both_sides() {
    let lab = Lab::new([Rule { cut_after: Some(SOON), ..tunnels() }]).await;
    let mut client = lab.tunnel().await;
    assert_eq!(client.end().await, End::Clean(String::new()));
    assert_eq!(lab.origin.until(|account| !account.ends.is_empty()).await.ends, ["fin"]);
}

#[tokio::test]
async fn an_idle_tunnel_is_cut_or_reset_but_not_while_something_moves() {
    for (then, end) in [(Silence::Cut, End::Clean(String::new())), (Silence::Reset, End::Reset)] {
        let lab = Lab::new([Rule { idle: Some(Idle { after: SOON * 8, then }), ..tunnels() }]).await;
        let mut client = lab.tunnel().await;
        let mut pace = interval(SOON / 4);
        let start = Instant::now();
        while start.elapsed() < SOON * 10 {
            pace.tick().await;
            lab.origin.say("tick");
            client.until("tick").await;
        }
        assert_eq!(client.end().await, end);
        assert!(start.elapsed() >= SOON * 18);
    }
}

#[tokio::test]
async fn an_idle_tunnel_can_be_forgotten_so_that_later_bytes_vanish() {
    let lab = Lab::new([]).await;
    let mut client = lab.tunnel().await;
    client.send("one").await;
    client.until("one").await;
    let idle = Some(Idle { after: SOON / 4, then: Silence::Drop });
    lab.switch([Rule { idle, ..tunnels() }]);
    // This is longer than the network remembers.
    client.hears_nothing().await;
    client.send("two").await;
    lab.origin.say("three");
    client.hears_nothing().await;
    assert_eq!(lab.origin.account().tunnelled, "one");
}

#[tokio::test]
async fn an_mtu_hole_passes_small_pieces_until_the_first_large_one() {
    let lab = Lab::new([Rule { mtu: Some(1400), ..tunnels() }]).await;
    let mut client = lab.tunnel().await;
    client.send("small").await;
    client.until("small").await;
    client.send(&"large".repeat(400)).await;
    client.hears_nothing().await;
    client.send("small").await;
    client.hears_nothing().await;
    assert_eq!(lab.origin.account().tunnelled, "small");
}

#[tokio::test]
async fn a_hole_for_tunnels_alone_leaves_streams_as_they_are() {
    let lab = Lab::new([]).await;
    let (mut tunnel, mut stream) = (lab.tunnel().await, lab.stream().await);
    lab.switch([Rule { stall: Some(Direction::Both), ..tunnels() }]);
    lab.origin.say("news");
    stream.until("news").await;
    tunnel.hears_nothing().await;
}
