//! The main promise: a switch in mid-stream loses, duplicates and reorders no publication. The tests cover every
//! ordered pair of transports, with publications in both directions.

use throughline::protocol::Transport;

use crate::client::Client;
use crate::gateway::{Running, within_patience};

/// When the old leg ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Old {
    /// It stays until the new leg is confirmed.
    Stays,
    /// It dies before the new leg opens, and everything in flight on it is lost.
    Dies,
}

/// The number of publications in each direction.
const EACH_WAY: u64 = 200;
/// The number of lines between two switches.
const STRIDE: u64 = 50;

/// The other client. It publishes to `down` and receives from `up`, at its own pace, over a leg that never changes.
async fn peer(mut client: Client, leg: u32) {
    let mut heard = 0;
    for number in 0..EACH_WAY {
        client.publish(leg, "down", &number.to_string()).await;
        while let Some(frame) = client.inbox.pop_front() {
            assert_eq!(frame.value()["data"], heard);
            heard += 1;
        }
    }
    while heard < EACH_WAY {
        assert_eq!(client.next(leg).await.value()["data"], heard);
        heard += 1;
    }
    assert_eq!(client.repeated, 0);
}

async fn rule(from: Transport, to: Transport, old: Old) {
    let gateway = Running::start().await;
    let (mut other, far) = Client::online(&gateway, Transport::WebSocket).await;
    other.subscribe(far, "up").await;
    let (mut client, mut leg) = Client::online(&gateway, from).await;
    client.subscribe(leg, "down").await;
    let peer = tokio::spawn(peer(other, far));
    let mut kinds = [to, from].into_iter().cycle();
    for number in 0..EACH_WAY {
        client.push(format!("{{\"pub\":\"up\",\"data\":{number}}}"));
        if number % 5 == 0 {
            client.flush(leg).await;
        }
        if number % STRIDE == STRIDE - 1 {
            leg = switch(&mut client, leg, kinds.next().unwrap(), old).await;
        }
    }
    client.flush(leg).await;
    for number in 0..EACH_WAY {
        assert_eq!(client.next(leg).await.value()["data"], number);
    }
    peer.await.unwrap();
    assert_eq!(client.overrun, 0);
    // While the old leg still writes, the new leg may repeat the lines that crossed its hello. A dead leg writes
    // nothing.
    assert!(old == Old::Stays || client.repeated == 0, "{}", client.repeated);
}

async fn switch(client: &mut Client, leg: u32, to: Transport, old: Old) -> u32 {
    if old == Old::Dies {
        client.flush(leg).await;
        client.kill(leg);
        return client.attach(to).await;
    }
    let new = client.open(to, false).await;
    client.welcome(new).await;
    client.ask(new).await;
    // These lines leave on the old leg while the client asks for the new one.
    client.flush(leg).await;
    assert_eq!(client.ended(leg).await, "replaced");
    client.activated(new).await;
    client.flush(new).await;
    new
}

macro_rules! pairs {
    ($($name:ident: $from:ident to $to:ident;)+) => {
        /// The new leg opens before the old one ends.
        mod while_the_old_leg_stays {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                within_patience(rule(Transport::$from, Transport::$to, Old::Stays)).await;
            })+
        }

        /// The new leg opens after the old one died.
        mod after_the_old_leg_died {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                within_patience(rule(Transport::$from, Transport::$to, Old::Dies)).await;
            })+
        }
    };
}

pairs! {
    websocket_to_websocket: WebSocket to WebSocket;
    websocket_to_sse: WebSocket to Sse;
    websocket_to_poll: WebSocket to Poll;
    sse_to_websocket: Sse to WebSocket;
    sse_to_sse: Sse to Sse;
    sse_to_poll: Sse to Poll;
    poll_to_websocket: Poll to WebSocket;
    poll_to_sse: Poll to Sse;
    poll_to_poll: Poll to Poll;
}
