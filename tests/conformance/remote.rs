//! A broker for tests that answers after the call, as a broker behind a network does.
//!
//! The start of a channel's name decides how its log answers:
//! - `held`: after the test opens it
//! - `silent`: never
//! - `broken`: with a failure
//! - any other: as soon as the gateway listens

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use throughline::broker::{Answer, Broker, Encode, Event, Failure, Log, Stretch, Ticket};
use throughline::protocol::publication::Publication;
use throughline::protocol::{ChannelName, Line, Position};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The capacity for events that wait for the gateway. No test causes as many.
const EVENTS: usize = 1_024;

/// A handle to the broker. Clones share the same broker.
#[derive(Clone)]
pub(crate) struct Remote(Arc<Shared>);

struct Shared {
    logs: Mutex<HashMap<ChannelName, Stored>>,
    events: Sender<(ChannelName, Event)>,
    coming: Mutex<Receiver<(ChannelName, Event)>>,
}

#[derive(Default)]
struct Stored {
    items: Vec<Publication>,
    appends: usize,
    is_watched: bool,
    is_open: bool,
    waiting: VecDeque<Request>,
}

enum Request {
    Append(Ticket, Vec<Publication>),
    Fetch(Ticket),
    Watch(bool),
}

impl Remote {
    pub(crate) fn new() -> Self {
        let (events, coming) = channel(EVENTS);
        Self(Arc::new(Shared { logs: Mutex::default(), events, coming: Mutex::new(coming) }))
    }

    /// Lets a channel answer.
    pub(crate) fn open(&self, channel: &str) {
        let channel = ChannelName::try_from(channel).unwrap();
        self.logs().entry(channel.clone()).or_default().is_open = true;
        self.answer(&channel);
    }

    /// Returns how many appends have reached the log.
    pub(crate) fn appends(&self, channel: &str) -> usize {
        self.look(channel, |stored| stored.appends)
    }

    /// Returns how many requests wait for an answer.
    pub(crate) fn waiting(&self, channel: &str) -> usize {
        self.look(channel, |stored| stored.waiting.len())
    }

    pub(crate) fn is_watched(&self, channel: &str) -> bool {
        self.look(channel, |stored| stored.is_watched)
    }

    /// Waits until a condition of the broker holds.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            tokio::task::yield_now().await;
        }
    }

    fn look<T: Default>(&self, channel: &str, at: impl FnOnce(&Stored) -> T) -> T {
        self.logs().get(&ChannelName::try_from(channel).unwrap()).map(at).unwrap_or_default()
    }

    fn ask(&self, channel: &ChannelName, request: Request) {
        self.logs().entry(channel.clone()).or_default().waiting.push_back(request);
        self.answer(channel);
    }

    /// Carries out the requests of one channel in their order.
    fn answer(&self, channel: &ChannelName) {
        let mut logs = self.logs();
        let stored = logs.get_mut(channel).unwrap();
        let name = channel.as_str();
        if name.starts_with("silent") || name.starts_with("held") && !stored.is_open {
            return;
        }
        let is_broken = name.starts_with("broken");
        while let Some(request) = stored.waiting.pop_front() {
            let events = match request {
                Request::Append(ticket, _) | Request::Fetch(ticket) if is_broken => {
                    vec![Event::Failed(ticket, Failure::NotDone)]
                }
                Request::Append(ticket, items) => stored.append(ticket, items),
                Request::Fetch(ticket) => vec![Event::Fetched(ticket, vec![stretch(0, stored.items.clone())])],
                Request::Watch(is_watched) => {
                    stored.is_watched = is_watched;
                    Vec::new()
                }
            };
            for event in events {
                self.0.events.try_send((channel.clone(), event)).unwrap();
            }
        }
    }

    fn logs(&self) -> MutexGuard<'_, HashMap<ChannelName, Stored>> {
        self.0.logs.lock().unwrap()
    }
}

impl Stored {
    fn append(&mut self, ticket: Ticket, items: Vec<Publication>) -> Vec<Event> {
        let before = self.items.len() as u64;
        self.items.extend_from_slice(&items);
        self.appends += 1;
        let heard = self.is_watched.then(|| Event::Heard(stretch(before, items)));
        heard.into_iter().chain([Event::Appended { ticket, first: before + 1 }]).collect()
    }
}

fn stretch(before: u64, items: Vec<Publication>) -> Stretch<Publication> {
    Stretch { epoch: "remote".into(), before, items }
}

impl Broker for Remote {
    fn open(&self, _: Duration, channel: &ChannelName) -> Box<dyn Log> {
        Box::new(RemoteLog(self.clone(), channel.clone()))
    }

    fn check_every(&self) -> Option<Duration> {
        Some(Duration::from_secs(60))
    }

    fn poll_event(&self, cx: &mut Context<'_>) -> Poll<(ChannelName, Event)> {
        self.0.coming.lock().unwrap().poll_recv(cx).map(|event| event.expect("the broker lives"))
    }
}

struct RemoteLog(Remote, ChannelName);

impl Log for RemoteLog {
    fn append(
        &mut self,
        _: Duration,
        ticket: Ticket,
        publications: &mut dyn Iterator<Item = &Publication>,
        _: Encode<'_>,
    ) -> Answer<Stretch<Line>> {
        self.0.ask(&self.1, Request::Append(ticket, publications.cloned().collect()));
        Answer::Later
    }

    fn fetch(&mut self, _: Duration, ticket: Ticket, _: &[Position]) -> Answer<Vec<Stretch<Line>>> {
        self.0.ask(&self.1, Request::Fetch(ticket));
        Answer::Later
    }

    fn watch(&mut self) {
        self.0.ask(&self.1, Request::Watch(true));
    }

    fn unwatch(&mut self) {
        self.0.ask(&self.1, Request::Watch(false));
    }

    fn is_blank(&self) -> bool {
        true
    }

    fn is_idle(&mut self, _: Duration) -> bool {
        true
    }
}
