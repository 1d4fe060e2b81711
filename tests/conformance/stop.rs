//! A graceful stop: clients get notice and time to leave, and the server exits within its deadline.

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::Method;
use throughline::server::Stopped;

use crate::client::{Client, Seen};
use crate::gateway::{Running, within_patience};
use crate::{http, on_every_transport};

on_every_transport! {
    async fn a_stop_asks_clients_to_leave_and_ends_when_they_have(transport) {
        let mut gateway = Running::with(|config| config.server.drain = Duration::from_secs(30)).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        client.settle(leg).await;
        if transport == Transport::Poll {
            // A poll waits when the stop comes.
            let hello = client.hello(leg, Some(client.turn)).to_string();
            let before = gateway.figure("attaches_total{transport=\"poll\"}").await;
            client.wire(leg).poll(&[hello.into()]);
            gateway.until("attaches_total{transport=\"poll\"}", |polls| polls > before).await;
        }
        gateway.stop();
        let told = loop {
            match client.see(leg).await {
                Seen::Link(link) => break link,
                Seen::Welcome(_) | Seen::Ack => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(told["goaway"]["after_ms"], 0);
        assert!(told["goaway"]["jitter_ms"].as_u64().is_some_and(|jitter| (1..=30_000).contains(&jitter)), "{told}");
        client.kill(leg);
        assert_eq!(gateway.stopped().await, Stopped::Drained);
    }

    async fn a_stop_does_not_wait_for_a_client_that_never_leaves(transport) {
        let mut gateway = Running::with(|config| config.server.drain = Duration::from_millis(300)).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.settle(leg).await;
        let stopping = Instant::now();
        gateway.stop();
        gateway.stopped().await;
        assert!(stopping.elapsed() < Duration::from_secs(5), "{:?}", stopping.elapsed());
        if transport != Transport::Poll {
            // Between two polls no request is open that could bring the notice.
            assert_eq!(client.ended(leg).await, "draining");
        }
    }

    async fn a_stopping_gateway_accepts_no_new_session(transport) {
        let mut gateway = Running::with(|config| config.server.drain = Duration::from_secs(30)).await;
        let (mut client, leg) = Client::online(&gateway, Transport::WebSocket).await;
        gateway.stop();
        while !matches!(client.see(leg).await, Seen::Link(_)) {}
        let mut late = Client::new(&gateway);
        let refused = late.open(transport, true).await;
        match late.see(refused).await {
            Seen::Refused(answer) => answer.is_error(503, "draining"),
            Seen::End(code) => assert_eq!(code, "draining"),
            other => panic!("{other:?}"),
        }
        client.kill(leg);
        assert_eq!(gateway.stopped().await, Stopped::Drained);
    }

    async fn lines_still_flow_while_a_client_delays_its_leave(transport) {
        let mut gateway = Running::with(|config| config.server.drain = Duration::from_secs(30)).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        gateway.stop();
        while !matches!(client.see(leg).await, Seen::Link(_)) {}
        client.publish(leg, "c", "1").await;
        assert_eq!(client.next(leg).await.value()["data"], 1);
        client.kill(leg);
        assert_eq!(gateway.stopped().await, Stopped::Drained);
    }
}

#[tokio::test]
async fn a_plain_reader_does_not_delay_a_stop() {
    let mut gateway = Running::with(|config| config.server.drain = Duration::from_secs(30)).await;
    let request = http::request(Method::GET, "/rt/stream?channel=c", "");
    let mut reader = http::open(gateway.address, request).await;
    let stopping = Instant::now();
    gateway.stop();
    while within_patience(reader.response.frame()).await.is_some() {}
    assert_eq!(gateway.stopped().await, Stopped::Drained);
    assert!(stopping.elapsed() < Duration::from_secs(10), "{:?}", stopping.elapsed());
}
