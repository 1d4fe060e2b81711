//! The hub with the memory broker.

use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use super::channel::Channel;
use super::{Bounds, Hub, Start, Subscriber};
use crate::protocol::code::{Code, Refusal};
use crate::protocol::limits::Room;
use crate::protocol::publication::Publication;
use crate::protocol::{ChannelName, Line, Position};

struct Inbox(u64, Mutex<Vec<Line>>);

impl Subscriber for Inbox {
    fn deliver(&self, lines: &[Line]) -> Option<Waker> {
        self.1.lock().unwrap().extend_from_slice(lines);
        None
    }
    fn key(&self) -> u64 {
        self.0
    }
    fn room(&self) -> Room {
        Room { frames: 10, bytes: 1000 }
    }
}

fn inbox(key: u64) -> Arc<Inbox> {
    Arc::new(Inbox(key, Mutex::default()))
}

fn hub() -> (Hub, ChannelName) {
    (Hub::new(Bounds { channels: 2, ..Bounds::default() }), ChannelName::try_from("c").unwrap())
}

fn publish(hub: &Hub, channel: &ChannelName) -> Result<u64, Refusal> {
    hub.publish(Duration::ZERO, channel, [&Publication::from(serde_json::json!(1))]).0.now().unwrap()
}

/// Subscribes without a position. Returns the start.
fn subscribe(hub: &Hub, channel: &ChannelName, subscriber: &Arc<Inbox>) -> Start {
    hub.subscribe(Duration::ZERO, channel, Arc::clone(subscriber) as _, None, |_| None).now().unwrap().unwrap()
}

#[test]
fn all_subscribers_share_the_bytes_of_a_publication() {
    let (hub, channel) = hub();
    let (a, b) = (inbox(1), inbox(2));
    for subscriber in [&a, &b] {
        subscribe(&hub, &channel, subscriber);
    }
    assert_eq!(publish(&hub, &channel).unwrap(), 1);
    let (a, b) = (a.1.lock().unwrap(), b.1.lock().unwrap());
    assert_eq!(a[0].event().as_ptr(), b[0].event().as_ptr());
}

#[test]
fn a_subscription_from_a_position_gets_what_it_missed_behind_its_answer() {
    let (hub, channel) = hub();
    for _ in 0..3 {
        publish(&hub, &channel).unwrap();
    }
    let a = inbox(1);
    let epoch = subscribe(&hub, &channel, &inbox(9)).position.epoch;
    let answer = |start: &Start| Some(crate::protocol::down::ok_subscribed(7, &start.position, start.recovered));
    let since = Position { epoch, at: 1 };
    let recover = |inbox: &Arc<Inbox>| {
        let outcome = hub.subscribe(Duration::ZERO, &channel, Arc::clone(inbox) as _, Some(&since), answer);
        outcome.now().unwrap().unwrap()
    };
    let start = recover(&a);
    assert!(start.recovered && start.position == since);
    assert_eq!(a.1.lock().unwrap().len(), 3);
    for _ in 0..10 {
        publish(&hub, &channel).unwrap();
    }
    let start = recover(&inbox(2));
    assert!(!start.recovered && start.position.at == 13, "twelve missed do not fit into ten");
}

#[test]
fn channels_are_bounded_and_forgotten_when_idle() {
    let (hub, channel) = hub();
    let other = |name: &str| ChannelName::try_from(name).unwrap();
    publish(&hub, &channel).unwrap();
    subscribe(&hub, &other("d"), &inbox(1));
    assert_eq!(publish(&hub, &other("e")).unwrap_err().code(), Code::Full);
    hub.sweep(Duration::from_secs(3600));
    assert_eq!(hub.channels(), 1);
    hub.unsubscribe(&other("d"), 1);
    assert_eq!(hub.channels(), 0);
}

/// A gateway holds up to 100,000 channels, and most of them wait for nothing.
#[test]
fn a_channel_that_waits_for_nothing_is_small() {
    let size = size_of::<Channel<Arc<dyn Subscriber>>>();
    assert!(size <= 240, "{size} bytes");
}
