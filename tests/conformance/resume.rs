//! Rules 6, 8 and 10: the lines that a new leg brings after a cut.

use crate::client::{Client, Seen};
use crate::gateway::Running;
use crate::on_every_transport;
use crate::wire::{Down, Wire};

on_every_transport! {
    async fn a_new_leg_brings_exactly_what_is_missing(transport) {
        let gateway = Running::start().await;
        let (mut other, writing) = Client::online(&gateway, Transport::WebSocket).await;
        for after in Transport::ALL {
            let (mut client, leg) = Client::online(&gateway, transport).await;
            let channel = format!("c-{after}");
            client.subscribe(leg, &channel).await;
            for number in 1..=3 {
                other.publish(writing, &channel, &number.to_string()).await;
                assert_eq!(client.next(leg).await.value()["at"], number);
            }
            client.kill(leg);
            for number in 4..=6 {
                other.publish(writing, &channel, &number.to_string()).await;
            }
            let leg = client.open(after, true).await;
            let welcome = client.activated(leg).await;
            assert_eq!(welcome["next"], client.received + 1);
            for number in 4..=6 {
                assert_eq!(client.next(leg).await.value()["at"], number);
            }
            assert_eq!((client.repeated, client.overrun), (0, 0));
        }
    }

    async fn the_gateway_resends_lost_frames_even_if_it_wrote_them(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        (1..=4).for_each(|number| client.push(format!("{{\"pub\":\"c\",\"data\":{number}}}")));
        client.flush(leg).await;
        let mut first = Vec::new();
        for _ in 1..=4 {
            first.push(client.next(leg).await);
        }
        // The client forgets the last two frames, as if the leg had died before they came.
        client.received -= 2;
        client.kill(leg);
        let leg = client.attach(transport).await;
        for frame in &first[2..] {
            assert_eq!(client.next(leg).await, *frame);
        }
    }

    async fn lines_follow_a_resuming_hello_without_waiting_for_its_welcome(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        client.kill(leg);
        client.push("{\"pub\":\"c\",\"data\":\"early\"}");
        let leg = client.open(transport, true).await;
        client.activated(leg).await;
        assert_eq!(client.next(leg).await.value()["data"], "early");
    }

    async fn lines_pushed_without_a_leg_are_kept_and_numbered_later(transport) {
        let gateway = Running::start().await;
        let (mut other, writing) = Client::online(&gateway, Transport::WebSocket).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        client.settle(leg).await;
        client.kill(leg);
        for number in 1..=100 {
            other.publish(writing, "c", &number.to_string()).await;
        }
        let leg = client.attach(transport).await;
        for number in 1..=100 {
            assert_eq!(client.next(leg).await.value()["data"], number);
        }
    }

    async fn a_hello_that_the_network_duplicates_does_no_harm(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        let new = client.open(transport, true).await;
        client.activated(new).await;
        // The lost leg's hello arrives again, late.
        client.turn = 1;
        let late = client.hello(leg, Some(1)).to_string();
        let mut wire = Wire::open(gateway.address, transport, &[late.into()]).await;
        let Down::Frame(answer) = wire.next().await else { panic!("no answer") };
        assert_eq!(answer.value()["end"]["code"], "replaced");
        client.flush(new).await;
        client.publish(new, "c", "1").await;
        assert_eq!(client.next(new).await.value()["data"], 1);
    }

    async fn numbered_lines_come_only_after_their_number_was_stated(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        let new = client.open(transport, false).await;
        client.welcome(new).await;
        client.publish(leg, "c", "1").await;
        client.ask(new).await;
        // The client counts only from a welcome that shows the leg's own turn, and fails at a line before it.
        let first = client.see(new).await;
        assert!(matches!(&first, Seen::Welcome(welcome) if welcome["turn"] == 2), "{first:?}");
        assert_eq!(client.next(new).await.value()["data"], 1);
    }
}
