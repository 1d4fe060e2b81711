//! The transports that the gateway offers, at the start and while it runs.

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::json;
use throughline::protocol::Transport;

use crate::client::{Client, Seen};
use crate::gateway::{Running, within_patience};
use crate::{http, on_every_transport};

/// Returns all transports but one, best first.
fn without(transport: Transport) -> std::sync::Arc<[Transport]> {
    Transport::ALL.into_iter().filter(|other| *other != transport).collect()
}

/// Returns the next config frame from a leg. Skips acknowledgements and welcomes, which come at any time.
async fn told(client: &mut Client, leg: u32) -> serde_json::Value {
    loop {
        match client.see(leg).await {
            Seen::Link(link) => return link,
            Seen::Welcome(_) | Seen::Ack | Seen::Ping(_) => {}
            other => panic!("{other:?} instead of a config"),
        }
    }
}

on_every_transport! {
    async fn a_transport_that_is_not_offered_makes_no_session_and_no_leg(transport) {
        let gateway = Running::with(|config| config.session.transports = without(transport)).await;
        let mut turned_away = Client::new(&gateway);
        let leg = turned_away.open(transport, true).await;
        assert_eq!(turned_away.ended(leg).await, "refused");
        assert_eq!(gateway.figure("sessions_created_total").await, 0);
        assert_eq!(gateway.figure("refusals_total{reason=\"refused\"}").await, 1);
        let (mut client, active) = Client::online(&gateway, without(transport)[0]).await;
        client.subscribe(active, "c").await;
        // The refused leg takes neither the turn nor the lines from the existing leg.
        client.push("{\"pub\":\"c\",\"data\":1}");
        let refused = client.open(transport, true).await;
        assert_eq!(client.ended(refused).await, "refused");
        client.turn -= 1;
        client.flush(active).await;
        assert_eq!(client.next(active).await.value()["at"], 1);
        // Any transport reports that a session is over.
        let mut lost = Client::new(&gateway);
        lost.id = Some("another-incarnation".into());
        let leg = lost.open(transport, true).await;
        assert_eq!(lost.ended(leg).await, "gone");
    }

    async fn a_withdrawn_transport_is_left_by_a_switch_that_loses_nothing(transport) {
        let gateway = Running::start().await;
        let (mut client, old) = Client::online(&gateway, transport).await;
        client.subscribe(old, "c").await;
        client.settle(old).await;
        let offered = without(transport);
        gateway.handle.set_transports(&offered, Duration::from_secs(30)).unwrap();
        let names: Vec<_> = offered.iter().map(|transport| transport.name()).collect();
        let config = json!({ "config": { "transports": names, "jitter_ms": 30_000 } });
        assert_eq!(told(&mut client, old).await, config);
        // The leg continues meanwhile.
        client.publish(old, "c", "1").await;
        let new = client.open(offered[0], false).await;
        assert_eq!(client.welcome(new).await["transports"], json!(names));
        client.ask(new).await;
        client.push("{\"pub\":\"c\",\"data\":2}");
        client.flush(old).await;
        assert_eq!(client.ended(old).await, "replaced");
        client.activated(new).await;
        for data in [1, 2] {
            assert_eq!(client.next(new).await.value()["data"], data);
        }
        let back = client.open(transport, false).await;
        assert_eq!(client.ended(back).await, "refused");
        // The client may try a transport again once the gateway offers it again.
        gateway.handle.set_transports(&Transport::ALL, Duration::ZERO).unwrap();
        let all = json!({ "config": { "transports": ["websocket", "sse", "poll"], "jitter_ms": 0 } });
        assert_eq!(told(&mut client, new).await, all);
        let back = client.attach(transport).await;
        client.publish(back, "c", "3").await;
        assert_eq!(client.next(back).await.value()["data"], 3);
    }

    async fn a_client_that_stays_on_a_withdrawn_transport_is_cut_off_10_s_after_the_jitter(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.settle(leg).await;
        let withdrawn = Instant::now();
        gateway.handle.set_transports(&without(transport), Duration::from_millis(200)).unwrap();
        assert_eq!(client.ended(leg).await, "refused");
        assert!(withdrawn.elapsed() >= Duration::from_millis(10_200), "{:?}", withdrawn.elapsed());
        let leg = client.attach(without(transport)[0]).await;
        client.publish(leg, "c", "1").await;
    }

    async fn the_gateway_does_not_announce_the_same_offer_again(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.settle(leg).await;
        gateway.handle.set_transports(&Transport::ALL, Duration::ZERO).unwrap();
        let seen = client.settle(leg).await;
        assert!(!seen.iter().any(|seen| matches!(seen, Seen::Link(_))), "{seen:?}");
    }
}

#[tokio::test]
async fn an_empty_list_and_a_repeated_transport_are_no_offer() {
    let gateway = Running::start().await;
    for bad in [&[][..], &[Transport::Sse, Transport::Sse]] {
        assert!(gateway.handle.set_transports(bad, Duration::ZERO).is_err());
    }
    assert_eq!(*gateway.handle.transports(), Transport::ALL);
}

#[tokio::test]
async fn a_plain_reader_needs_no_transport() {
    let gateway = Running::with(|config| config.session.transports = [Transport::WebSocket].into()).await;
    let request = http::request(Method::GET, "/rt/stream?channel=c", "");
    let mut reader = http::open(gateway.address, request).await;
    assert_eq!(reader.response.status(), 200);
    let first = within_patience(reader.response.frame()).await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), ":\n\n");
}
