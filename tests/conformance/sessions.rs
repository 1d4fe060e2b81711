//! Rules 1, 2 and 12: making, joining and losing a session.

use std::time::Duration;

use crate::client::{Client, Seen, secret};
use crate::gateway::Running;
use crate::on_every_transport;
use crate::wire::{Down, Frame, Wire};

on_every_transport! {
    async fn a_repeated_or_raced_first_hello_joins_the_session_it_made(transport) {
        let gateway = Running::start().await;
        let secret = secret();
        let mut first = Client::at(gateway.address, &secret);
        let mut again = Client::at(gateway.address, &secret);
        let (a, b) = (first.open(transport, true).await, again.open(transport, true).await);
        // The second hello is for the same leg. The gateway answers the first one by `end`, unless it has answered it
        // already.
        let _ = first.see(a).await;
        let joined = again.welcome(b).await;
        let mut other = Client::at(gateway.address, &secret);
        other.open(transport, false).await;
        let candidate = other.open(transport, false).await;
        assert_eq!(other.welcome(candidate).await["id"], joined["id"]);
        assert_eq!(gateway.figure("sessions_created_total").await, 1);
    }

    async fn a_welcome_comes_first_and_states_all_that_a_client_needs(transport) {
        let gateway = Running::start().await;
        let mut client = Client::new(&gateway);
        let leg = client.open(transport, true).await;
        let Seen::Welcome(welcome) = client.see(leg).await else { panic!("not a welcome") };
        let told = welcome.as_object().unwrap();
        for key in ["v", "nonce", "id", "leg", "turn", "received", "next", "transports", "heartbeat_ms", "hold_ms", "resume_ms", "network", "limits"] {
            assert!(told.contains_key(key), "{key} in {welcome}");
        }
        assert_eq!((&welcome["turn"], &welcome["received"], &welcome["next"]), (&1.into(), &0.into(), &1.into()));
        assert_eq!(welcome["transports"], serde_json::json!(["websocket", "sse", "poll"]));
        for (limit, value) in [("replay_frames", 4096), ("replay_bytes", 1 << 20), ("body_bytes", 65536), ("body_lines", 512), ("line_bytes", 56320)] {
            assert_eq!(welcome["limits"][limit], value, "{limit}");
        }
    }

    async fn an_unknown_id_gets_gone_and_nothing_is_created_or_accepted(transport) {
        let gateway = Running::start().await;
        let (mut watcher, watching) = Client::online(&gateway, transport).await;
        watcher.subscribe(watching, "c").await;
        let mut lost = Client::new(&gateway);
        lost.id = Some("another-incarnation".into());
        lost.push("{\"pub\":\"c\",\"id\":1,\"data\":\"never\"}");
        let leg = lost.open(transport, true).await;
        assert_eq!(lost.ended(leg).await, "gone");
        watcher.publish(watching, "c", "1").await;
        assert_eq!(watcher.next(watching).await.value()["data"], 1);
        assert_eq!(gateway.figure("sessions").await, 1);
    }

    async fn a_different_id_than_the_sessions_gets_gone_and_the_session_stays(transport) {
        let gateway = Running::start().await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        let mut stranger = Client::at(gateway.address, &client.secret);
        stranger.id = Some("another-incarnation".into());
        stranger.turn = 7;
        let strange = stranger.open(transport, true).await;
        assert_eq!(stranger.ended(strange).await, "gone");
        client.publish(leg, "c", "1").await;
    }

    async fn the_gateway_drops_lines_that_follow_gone(transport) {
        let gateway = Running::start().await;
        let (mut watcher, watching) = Client::online(&gateway, transport).await;
        watcher.subscribe(watching, "c").await;
        let mut lost = Client::new(&gateway);
        lost.id = Some("another-incarnation".into());
        let leg = lost.open(transport, true).await;
        let line = "{\"pub\":\"c\",\"data\":\"never\"}";
        if transport == Transport::WebSocket {
            let first_hello = Client::at(gateway.address, &lost.secret).hello(1, Some(1)).to_string();
            lost.wire(leg).write(&[first_hello.into(), line.into()]).await;
        } else {
            let hello = lost.hello(leg, None).to_string();
            let answer = crate::http::post(gateway.address, "/rt/send", format!("{hello}\n{line}\n")).await;
            assert_eq!(answer.lines()[0]["end"]["code"], "gone");
            assert_eq!(answer.lines()[0]["end"]["nonce"], "n2");
        }
        assert_eq!(lost.ended(leg).await, "gone");
        assert_eq!(watcher.publish(watching, "c", "1").await, 1);
        assert_eq!(gateway.figure("sessions_created_total").await, 1);
    }

    async fn a_session_without_a_returning_client_expires_and_is_gone(transport) {
        let gateway = Running::with(|config| config.session.resume = Duration::from_secs(1)).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        client.kill(leg);
        gateway.until("sessions", |sessions| sessions == 0).await;
        let leg = client.open(transport, true).await;
        assert_eq!(client.ended(leg).await, "gone");
        // The client can start again with a new secret.
        let (mut anew, leg) = Client::online(&gateway, transport).await;
        anew.publish(leg, "c", "1").await;
    }

    async fn a_session_with_a_leg_attached_outlives_any_silence(transport) {
        let gateway = Running::with(|config| config.session.resume = Duration::from_secs(1)).await;
        let (mut client, leg) = Client::online(&gateway, transport).await;
        client.subscribe(leg, "c").await;
        let (mut other, writing) = Client::online(&gateway, Transport::WebSocket).await;
        // A third session comes and goes. Its end shows that the time has passed.
        let (mut short, dying) = Client::online(&gateway, Transport::WebSocket).await;
        let waiting = client.read(leg);
        let meanwhile = async {
            short.kill(dying);
            gateway.until("sessions", |sessions| sessions == 2).await;
            other.publish(writing, "c", "\"still here\"").await;
        };
        let (frame, ()) = tokio::join!(waiting, meanwhile);
        assert_eq!(frame.value()["data"], "still here");
    }

    async fn a_first_hello_brings_no_lines_and_no_count(transport) {
        let gateway = Running::start().await;
        let mut client = Client::new(&gateway);
        let mut hello = client.hello(1, Some(1));
        hello["hello"]["received"] = 3.into();
        let mut wire = Wire::open(gateway.address, transport, &[hello.to_string().into()]).await;
        is_refused(&mut wire).await;
        if transport != Transport::WebSocket {
            let hello = client.hello(1, Some(1)).to_string();
            let line = Frame::from("{\"pub\":\"c\",\"data\":1}");
            let mut wire = Wire::open(gateway.address, transport, &[hello.into(), line]).await;
            is_refused(&mut wire).await;
        }
    }
}

async fn is_refused(wire: &mut Wire) {
    match wire.next().await {
        Down::Refused(answer) => answer.is_error(400, "bad_frame"),
        Down::Frame(end) => assert_eq!(end.value()["end"]["code"], "bad_frame"),
        Down::Closed => panic!("closed without a word"),
    }
}

/// The deadline is a constant of the protocol, 10 s. The session's own tests check it in virtual time.
#[tokio::test]
async fn a_session_whose_welcome_stays_unanswered_ends_after_10_s() {
    let gateway = Running::start().await;
    let mut client = Client::new(&gateway);
    let leg = client.open(throughline::protocol::Transport::Sse, true).await;
    client.activated(leg).await;
    let made = std::time::Instant::now();
    gateway.until("sessions", |sessions| sessions == 0).await;
    assert!(made.elapsed() > Duration::from_secs(9));
    assert_eq!(client.ended(leg).await, "gone");
}
