//! Rules 3 to 5 and 8: the choice of the leg that carries the session.

use std::time::Duration;

use crate::client::{Client, Seen};
use crate::gateway::Running;
use crate::on_every_transport;
use crate::wire::Wire;

on_every_transport! {
    async fn a_candidate_is_welcomed_and_carries_nothing_until_it_asks(transport) {
        let gateway = Running::start().await;
        let (mut client, active) = Client::online(&gateway, Transport::WebSocket).await;
        client.subscribe(active, "c").await;
        let candidate = client.open(transport, false).await;
        assert_eq!(client.welcome(candidate).await["turn"], 1);
        client.publish(active, "c", "1").await;
        let seen = client.settle(candidate).await;
        assert!(!seen.iter().any(|seen| matches!(seen, Seen::New(_) | Seen::End(_))), "{seen:?}");
        client.ask(candidate).await;
        assert_eq!(client.activated(candidate).await["turn"], 2);
        assert_eq!(client.ended(active).await, "replaced");
        client.publish(candidate, "c", "2").await;
        for expected in [1, 2] {
            assert_eq!(client.next(candidate).await.value()["data"], expected);
        }
    }

    async fn a_lower_turn_never_takes_the_session(transport) {
        let gateway = Running::start().await;
        let (mut client, active) = Client::online(&gateway, Transport::Sse).await;
        client.subscribe(active, "c").await;
        client.ask(active).await;
        client.ask(active).await;
        client.settle(active).await;
        client.turn = 1;
        let late = client.open(transport, true).await;
        if transport == Transport::Poll {
            assert_eq!(client.ended(late).await, "replaced");
        } else {
            assert_eq!(client.welcome(late).await["turn"], 3);
        }
        client.publish(active, "c", "1").await;
        assert_eq!(client.next(active).await.value()["data"], 1);
    }

    async fn the_loser_gets_replaced_and_no_line_after_it(transport) {
        let gateway = Running::start().await;
        for winner in Transport::ALL {
            let (mut client, loser) = Client::online(&gateway, transport).await;
            client.subscribe(loser, "c").await;
            let new = client.attach(winner).await;
            client.publish(new, "c", "1").await;
            assert_eq!(client.ended(loser).await, "replaced");
            assert_eq!(client.next(new).await.value()["pub"], "c");
            // The ended leg cannot regain its turn.
            if transport != Transport::WebSocket {
                client.turn += 10;
                let hello = client.hello(loser, Some(client.turn)).to_string();
                let mut wire = Wire::open(gateway.address, transport, &[hello.into()]).await;
                let crate::wire::Down::Frame(end) = wire.next().await else { panic!("no end") };
                assert_eq!(end.value()["end"]["code"], "replaced");
                client.publish(new, "c", "2").await;
            }
        }
    }

    async fn a_turn_that_the_leg_has_is_not_answered_again(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        let turn = client.turn;
        if transport == Transport::Poll {
            // Polls repeat the turn. The gateway holds a repeated poll until it has something to send.
            let (mut other, writing) = Client::online(&gateway, Transport::WebSocket).await;
            client.settle(leg).await;
            let (frame, _) = tokio::join!(client.read(leg), other.publish(writing, "c", "5"));
            assert_eq!(frame.value()["data"], 5);
        } else {
            let hello = client.hello(leg, Some(turn)).to_string();
            if transport == Transport::WebSocket {
                client.wire(leg).write(&[hello.into()]).await;
            } else {
                crate::http::post(gateway.address, "/rt/send", hello).await.lines();
            }
            let seen = client.settle(leg).await;
            assert!(!seen.iter().any(|seen| matches!(seen, Seen::Welcome(_))), "{seen:?}");
        }
        client.publish(leg, "c", "6").await;
    }

    async fn a_higher_turn_on_the_active_leg_is_confirmed_and_loses_nothing(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        for round in 1..=5 {
            client.publish(leg, "c", &round.to_string()).await;
            client.ask(leg).await;
            assert_eq!(client.activated(leg).await["turn"], round + 1);
            assert_eq!(client.next(leg).await.value()["data"], round);
        }
    }

    async fn a_fourth_leg_ends_the_oldest_candidate(transport) {
        let gateway = Running::start().await;
        let (mut client, active) = Client::online(&gateway, Transport::WebSocket).await;
        client.subscribe(active, "c").await;
        let oldest = client.open(Transport::Sse, false).await;
        client.welcome(oldest).await;
        let second = client.open(Transport::WebSocket, false).await;
        client.welcome(second).await;
        let fourth = client.open(transport, false).await;
        client.welcome(fourth).await;
        assert_eq!(client.ended(oldest).await, "refused");
        client.settle(second).await;
        client.publish(active, "c", "1").await;
        assert_eq!(client.next(active).await.value()["data"], 1);
    }

    async fn too_many_attaches_are_refused_with_a_time_and_the_session_stays(transport) {
        let gateway = Running::with(|config| config.session.attaches_a_minute = 3).await;
        let (mut client, active) = Client::online(&gateway, Transport::WebSocket).await;
        client.subscribe(active, "c").await;
        for _ in 0..2 {
            let leg = client.open(Transport::Sse, false).await;
            client.welcome(leg).await;
        }
        let refused = client.open(transport, false).await;
        match client.see(refused).await {
            Seen::Refused(answer) => {
                answer.is_error(429, "rate_limited");
                let wait: u64 = answer.header("retry-after").parse().unwrap();
                assert!((1..=20).contains(&wait), "{wait}");
            }
            Seen::End(code) => assert_eq!(code, "rate_limited"),
            other => panic!("{other:?}"),
        }
        client.publish(active, "c", "1").await;
        assert_eq!(client.next(active).await.value()["data"], 1);
    }

    async fn a_leg_attached_again_replaces_its_older_connection(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        client.turn += 1;
        let hello = client.hello(leg, Some(client.turn)).to_string();
        let mut frames = vec![hello.into()];
        if transport == Transport::WebSocket {
            frames.push(client.ack().into());
        }
        let again = Wire::open(gateway.address, transport, &frames).await;
        if transport == Transport::Poll {
            // The gateway answers the leg's older poll, and the leg continues with the newer one.
            *client.wire(leg) = again;
        } else {
            assert_eq!(client.ended(leg).await, "replaced");
            *client.wire(leg) = again;
        }
        client.took_turn(leg);
        client.activated(leg).await;
        client.publish(leg, "c", "1").await;
        assert_eq!(client.next(leg).await.value()["data"], 1);
    }

    async fn a_dead_leg_that_still_looks_alive_does_not_hold_the_session(transport) {
        let gateway = Running::with(|config| config.session.heartbeat = Duration::from_secs(30)).await;
        let (mut client, silent) = Client::online(&gateway, Transport::WebSocket).await;
        client.subscribe(silent, "c").await;
        // The test neither reads nor closes the silent leg.
        let new = client.attach(transport).await;
        client.publish(new, "c", "1").await;
        assert_eq!(client.next(new).await.value()["data"], 1);
    }
}
