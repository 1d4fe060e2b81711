//! The hub with a broker that answers later: every request waits in a list until the test answers it.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::FutureExt as _;

use super::{Hub, Outcome, Start, Subscriber};
use crate::broker::{Answer, Broker, Encode, Event, Failure, Log, Stretch, Ticket};
use crate::protocol::code::Code;
use crate::protocol::limits::Room;
use crate::protocol::publication::Publication;
use crate::protocol::{ChannelName, Line, Position, down};

const NOW: Duration = Duration::ZERO;

/// A request of the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Append(Ticket, usize),
    Fetch(Ticket, Vec<Position>),
    Watch,
    Unwatch,
}

#[derive(Clone, Default)]
struct Late(Arc<Mutex<Vec<Asked>>>);

impl Late {
    fn note(&self, asked: Asked) {
        self.0.lock().unwrap().push(asked);
    }

    /// Returns the requests since the last call.
    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Broker for Late {
    fn open(&self, _: Duration, _: &ChannelName) -> Box<dyn Log> {
        Box::new(self.clone())
    }
    fn check_every(&self) -> Option<Duration> {
        Some(Duration::from_secs(60))
    }
    fn poll_event(&self, _: &mut Context<'_>) -> Poll<(ChannelName, Event)> {
        Poll::Pending
    }
}

impl Log for Late {
    fn append(
        &mut self,
        _: Duration,
        ticket: Ticket,
        publications: &mut dyn Iterator<Item = &Publication>,
        _: Encode<'_>,
    ) -> Answer<Stretch<Line>> {
        self.note(Asked::Append(ticket, publications.count()));
        Answer::Later
    }
    fn fetch(&mut self, _: Duration, ticket: Ticket, after: &[Position]) -> Answer<Vec<Stretch<Line>>> {
        self.note(Asked::Fetch(ticket, after.to_vec()));
        Answer::Later
    }
    fn watch(&mut self) {
        self.note(Asked::Watch);
    }
    fn unwatch(&mut self) {
        self.note(Asked::Unwatch);
    }
    fn is_blank(&self) -> bool {
        true
    }
    fn is_idle(&mut self, _: Duration) -> bool {
        true
    }
}

struct Inbox(u64, Mutex<Vec<String>>);

impl Subscriber for Inbox {
    fn deliver(&self, lines: &[Line]) -> Option<Waker> {
        let texts = lines.iter().map(|line| String::from_utf8_lossy(line.json()).into_owned());
        self.1.lock().unwrap().extend(texts);
        None
    }
    fn key(&self) -> u64 {
        self.0
    }
    fn room(&self) -> Room {
        Room { frames: 10, bytes: 1_000 }
    }
}

fn inbox(key: u64) -> Arc<Inbox> {
    Arc::new(Inbox(key, Mutex::default()))
}

fn hub() -> (Hub, Late, ChannelName) {
    let late = Late::default();
    (Hub::with_broker(10, Box::new(late.clone())), late, ChannelName::try_from("c").unwrap())
}

fn stretch(before: u64, data: &[&'static str]) -> Stretch<Publication> {
    Stretch {
        epoch: "e".into(),
        before,
        items: data
            .iter()
            .map(|data| Publication::from(serde_json::from_str::<serde_json::Value>(data).unwrap()))
            .collect(),
    }
}

fn answer(start: &Start) -> Option<Line> {
    Some(down::ok_subscribed(7, &start.position, start.recovered))
}

fn fetch_of(asked: &[Asked]) -> Ticket {
    let fetch = asked.iter().find_map(|asked| if let Asked::Fetch(ticket, _) = asked { Some(*ticket) } else { None });
    fetch.unwrap_or_else(|| panic!("no fetch in {asked:?}"))
}

/// 1. A subscriber asks for what follows offset 1, and the hub fetches it.
/// 2. Before the answer, a message brings offset 4. The answer brings 2 and 3.
/// 3. The answer to the subscription comes first, then 2, 3 and 4.
#[test]
fn a_subscription_is_answered_when_its_history_is_there_and_loses_no_line_meanwhile() {
    let (hub, late, channel) = hub();
    let a = inbox(1);
    let since = Position { epoch: "e".into(), at: 1 };
    let Outcome::Later(waiting) = hub.subscribe(NOW, &channel, Arc::clone(&a) as _, Some(&since), answer) else {
        panic!("the broker has not answered");
    };
    let asked = late.asked();
    assert_eq!(asked, [Asked::Watch, Asked::Fetch(fetch_of(&asked), vec![since.clone()])]);
    hub.event(NOW, &channel, Event::Heard(stretch(3, &["4"])));
    assert!(a.1.lock().unwrap().is_empty());
    hub.event(NOW, &channel, Event::Fetched(fetch_of(&asked), vec![stretch(1, &["2", "3"])]));
    assert_eq!(waiting.now_or_never(), Some(Ok(Start { position: since, recovered: true })));
    let expected = [
        r#"{"ok":7,"epoch":"e","at":1,"recovered":true}"#,
        r#"{"pub":"c","at":2,"data":2}"#,
        r#"{"pub":"c","at":3,"data":3}"#,
        r#"{"pub":"c","at":4,"data":4}"#,
    ];
    assert_eq!(*a.1.lock().unwrap(), expected);
    hub.unsubscribe(&channel, 1);
    assert_eq!((late.asked(), hub.channels()), (vec![Asked::Unwatch], 0));
}

#[test]
fn a_publication_is_answered_when_the_broker_has_answered() {
    let (hub, late, channel) = hub();
    let (Outcome::Later(waiting), _) = hub.publish(NOW, &channel, [&Publication::from(serde_json::json!(1))]) else {
        panic!("the broker has not answered");
    };
    let asked = late.asked();
    let [Asked::Append(ticket, 1)] = asked[..] else { panic!("{asked:?}") };
    hub.event(NOW, &channel, Event::Appended { ticket, first: 9 });
    assert_eq!(waiting.now_or_never(), Some(Ok(9)));
}

#[test]
fn a_publication_without_an_answer_has_an_unknown_outcome_after_a_while() {
    let (hub, _, channel) = hub();
    assert_eq!(hub.next_timeout(), None);
    let (Outcome::Later(waiting), _) = hub.publish(NOW, &channel, [&Publication::from(serde_json::json!(1))]) else {
        panic!("the broker has not answered");
    };
    let due = hub.next_timeout().unwrap();
    hub.timeout(due);
    assert_eq!(waiting.now_or_never().unwrap().unwrap_err().code(), Code::Internal);
    assert_eq!(hub.next_timeout(), None);
}

#[test]
fn a_subscription_whose_fetch_fails_is_refused() {
    let (hub, late, channel) = hub();
    let Outcome::Later(waiting) = hub.subscribe(NOW, &channel, inbox(1), None, answer) else {
        panic!("the broker has not answered");
    };
    hub.event(NOW, &channel, Event::Failed(fetch_of(&late.asked()), Failure::NotDone));
    assert_eq!(waiting.now_or_never().unwrap().unwrap_err().code(), Code::Full);
    assert_eq!(late.asked(), [Asked::Unwatch]);
}

/// 1. A live subscriber has everything up to offset 1.
/// 2. The log loses its last write and begins another epoch, whose first message comes.
/// 3. Offset 1 of the old epoch is not proven, so the subscriber gets a frame that says so.
#[test]
fn a_subscriber_is_told_when_the_log_lost_what_it_has() {
    let (hub, late, channel) = hub();
    let a = inbox(1);
    let Outcome::Later(_) = hub.subscribe(NOW, &channel, Arc::clone(&a) as _, None, |_| None) else {
        panic!("the broker has not answered");
    };
    hub.event(NOW, &channel, Event::Fetched(fetch_of(&late.asked()), vec![stretch(1, &[])]));
    let next = Stretch { epoch: "f".into(), ..stretch(0, &["1"]) };
    hub.event(NOW, &channel, Event::Heard(next.clone()));
    assert!(a.1.lock().unwrap().is_empty());
    hub.event(NOW, &channel, Event::Fetched(fetch_of(&late.asked()), vec![next]));
    let told = r#"{"reset":"c","epoch":"f","at":1,"recovered":false,"cause":"broker"}"#;
    assert_eq!(*a.1.lock().unwrap(), [told]);
}
