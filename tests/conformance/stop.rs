//! A graceful stop: clients are told, with time to leave; the server exits within its deadline.

use std::time::{Duration, Instant};

use throughline::server::serve::Stopped;

use crate::client::{Client, Seen};
use crate::gateway::Running;
use crate::on_every_transport;

on_every_transport! {
    async fn a_stop_tells_clients_to_leave_and_ends_when_they_have(transport) {
        let mut gateway = Running::with(|config| config.drain = Duration::from_secs(30)).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        client.settle(leg).await;
        if transport == Transport::Poll {
            // One is parked when the stop comes.
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

    async fn a_stop_does_not_wait_for_who_never_leaves(transport) {
        let mut gateway = Running::with(|config| config.drain = Duration::from_millis(300)).await;
        let (_client, _leg) = Client::online(&gateway, transport).await;
        let stopping = Instant::now();
        gateway.stop();
        gateway.stopped().await;
        assert!(stopping.elapsed() < Duration::from_secs(5), "{:?}", stopping.elapsed());
    }

    async fn lines_still_flow_while_a_client_takes_its_time_to_leave(transport) {
        if transport != Transport::WebSocket {
            // Their requests need new connections, which a stopping gateway does not accept.
            return;
        }
        let mut gateway = Running::with(|config| config.drain = Duration::from_secs(30)).await;
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
