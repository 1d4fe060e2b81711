//! Rules 6, 7, 9 and 11: lines from the client.

use crate::client::{Client, Seen};
use crate::gateway::Running;
use crate::http;
use crate::on_every_transport;
use crate::wire::Frame;

fn publication(number: u64) -> String {
    format!("{{\"pub\":\"c\",\"data\":{number}}}")
}

on_every_transport! {
    async fn lines_are_accepted_in_order_and_acknowledged_unasked(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        (1..=300).for_each(|number| client.push(publication(number)));
        client.flush(leg).await;
        for number in 1..=300 {
            let publication = client.next(leg).await.value();
            assert_eq!((&publication["data"], &publication["at"]), (&number.into(), &number.into()));
        }
        while client.acked < 301 {
            client.see(leg).await;
        }
    }

    async fn an_acknowledgement_comes_at_a_quarter_of_the_bound(transport) {
        let gateway = Running::with(|config| config.session.limits.replay_frames = 40).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        let started = std::time::Instant::now();
        (1..=10).for_each(|number| client.push(publication(number)));
        client.flush(leg).await;
        while client.acked < 10 {
            client.see(leg).await;
        }
        // Without the cap, the acknowledgement would take a second.
        assert!(started.elapsed().as_millis() < 950, "{:?}", started.elapsed());
    }

    async fn lines_sent_twice_are_accepted_once(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        let lines: Vec<Frame> = (1..=3).map(|number| publication(number).into()).collect();
        lines.iter().for_each(|line| client.push(line.clone()));
        client.flush(leg).await;
        if transport == Transport::WebSocket {
            let restated = Frame::from(format!("{{\"ack\":{},\"next\":1}}", client.received));
            client.wire(leg).write(&[vec![restated], lines].concat()).await;
        } else {
            client.acked = 0;
            client.flush(leg).await;
        }
        assert_eq!(client.publish(leg, "c", "4").await, 4);
    }

    async fn lines_that_overlap_accepted_ones_add_only_the_rest(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.push(publication(1));
        client.flush(leg).await;
        client.acked = 0;
        client.push(publication(2));
        if transport == Transport::WebSocket {
            let lines = ["{\"ack\":0,\"next\":1}".into(), publication(1).into(), publication(2).into()];
            client.wire(leg).write(&lines).await;
            client.wire(leg).write(&["{\"ack\":0,\"next\":3}".into()]).await;
            client.kill(leg);
            let leg = client.attach(transport).await;
            assert_eq!(client.publish(leg, "c", "3").await, 3);
        } else {
            client.flush(leg).await;
            assert_eq!(client.publish(leg, "c", "3").await, 3);
        }
    }

    async fn a_filler_for_a_line_that_was_lost_is_answered_and_nothing_was_published(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        // The leg dies with the line.
        client.push("{\"pub\":\"c\",\"id\":50,\"data\":1}");
        client.kill(leg);
        client.withdraw_last("{\"skip\":\"too_large\",\"id\":50}");
        let leg = client.attach(transport).await;
        let answer = client.answer(leg, 50).await;
        assert_eq!((&answer["err"], &answer["code"]), (&50.into(), &"too_large".into()), "{answer}");
        assert_eq!(client.publish(leg, "c", "2").await, 1);
        assert_eq!(client.next(leg).await.value()["data"], 2);
    }

    async fn a_filler_for_a_line_that_arrived_changes_nothing(transport) {
        let gateway = Running::start().await;
        let (mut reader, listening) = Client::online(&gateway, Transport::WebSocket).await;
        reader.subscribe(listening, "c").await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.push("{\"pub\":\"c\",\"id\":50,\"data\":1}");
        client.flush(leg).await;
        assert_eq!(reader.next(listening).await.value()["data"], 1);
        // The leg dies before its client learns that the gateway accepted the line.
        client.kill(leg);
        client.acked = 0;
        client.withdraw_last("{\"skip\":\"too_large\",\"id\":50}");
        let leg = client.attach(transport).await;
        let answer = client.answer(leg, 50).await;
        assert_eq!((&answer["ok"], &answer["at"]), (&50.into(), &1.into()), "{answer}");
        assert_eq!(client.publish(leg, "c", "2").await, 2);
        assert_eq!(reader.next(listening).await.value()["data"], 2);
    }

    async fn lines_behind_a_gap_are_never_accepted_and_the_session_stays(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        assert_eq!(client.publish(leg, "c", "1").await, 1);
        if transport == Transport::WebSocket {
            client.wire(leg).write(&["{\"ack\":0,\"next\":9}".into(), publication(9).into()]).await;
            assert_eq!(client.ended(leg).await, "gap");
            let leg = client.attach(transport).await;
            assert_eq!(client.publish(leg, "c", "2").await, 2);
        } else {
            let mut hello = client.hello(leg, None);
            hello["hello"]["next"] = 9.into();
            let answer = http::post(gateway.address, "/rt/send", format!("{hello}\n{}\n", publication(9))).await;
            assert_eq!(answer.lines()[0]["received"], 1);
            assert_eq!(client.publish(leg, "c", "2").await, 2);
        }
    }

    async fn a_late_line_from_a_leg_that_lost_its_turn_is_accepted(transport) {
        let gateway = Running::start().await;
        let (mut client, old) = Client::online(&gateway, transport).await;
        client.subscribe(old, "c").await;
        let new = client.attach(Transport::Sse).await;
        client.push(publication(1));
        // The client does not read the old leg, so it does not know yet that the leg lost its turn.
        client.flush(old).await;
        let publication = client.next(new).await.value();
        assert_eq!(publication["data"], 1);
        if transport != Transport::Poll {
            assert_eq!(client.ended(old).await, "replaced");
        }
        while client.acked < 2 {
            client.see(new).await;
        }
    }

    async fn an_acknowledgement_of_a_number_that_was_never_sent_is_an_error(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.received = 4;
        if transport == Transport::WebSocket {
            client.wire(leg).write(&["{\"ack\":4}".into()]).await;
            assert_eq!(client.ended(leg).await, "bad_frame");
        } else {
            let hello = client.hello(leg, None).to_string();
            http::post(gateway.address, "/rt/send", hello).await.is_error(400, "bad_frame");
        }
        let next = client.open(transport, true).await;
        match client.see(next).await {
            Seen::Refused(answer) => answer.is_error(400, "bad_frame"),
            Seen::End(code) => assert_eq!(code, "bad_frame"),
            other => panic!("{other:?}"),
        }
        client.received = 0;
        let next = client.attach(transport).await;
        client.publish(next, "c", "1").await;
    }

    async fn a_lower_acknowledgement_is_late_and_no_error(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        client.publish(leg, "c", "1").await;
        client.next(leg).await;
        client.settle(leg).await;
        if transport == Transport::WebSocket {
            client.wire(leg).write(&["{\"ack\":2}".into(), "{\"ack\":1}".into()]).await;
        } else {
            client.send_once(leg).await;
            let received = std::mem::replace(&mut client.received, 1);
            client.send_once(leg).await;
            client.received = received;
        }
        client.publish(leg, "c", "2").await;
        assert_eq!(client.next(leg).await.value()["data"], 2);
    }

    async fn the_longest_line_goes_by_every_transport_and_a_longer_one_by_none(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        let line = |bytes: usize| format!("{{\"pub\":\"c\",\"data\":\"{}\"}}", "x".repeat(bytes - 21));
        client.push(line(56_320));
        client.flush(leg).await;
        assert_eq!(client.next(leg).await.value()["at"], 1);
        let longer = Frame::from(line(56_321));
        if transport == Transport::WebSocket {
            client.wire(leg).write(&[longer]).await;
            assert_eq!(client.ended(leg).await, "too_large");
        } else {
            let body = crate::wire::body(&[client.hello(leg, None).to_string().into(), longer]);
            http::post(gateway.address, "/rt/send", body).await.is_error(413, "too_large");
        }
        let leg = client.attach(transport).await;
        assert_eq!(client.publish(leg, "c", "1").await, 2);
    }

    async fn a_command_that_cannot_be_done_counts_and_is_answered(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        for (verb, rest, code) in [
            ("\"pub\":\"c\"", "", "bad_frame"),
            ("\"pub\":\"\"", ",\"data\":1", "unknown_channel"),
            ("\"sub\":\"a\\nb\"", "", "unknown_channel"),
            ("\"pub\":\"c\"", ",\"b64\":\"!\"", "bad_frame"),
            ("\"pub\":\"c\"", ",\"data\":1,\"b64\":\"AA==\"", "bad_frame"),
            ("\"req\":\"method\"", ",\"data\":1", "forbidden"),
        ] {
            let answer = client.request(leg, verb, rest).await;
            assert_eq!(answer["code"], code, "{verb}{rest}: {answer}");
        }
        assert_eq!(client.publish(leg, "c", "1").await, 1);
    }
}
