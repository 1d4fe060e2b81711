//! A backend for tests. Each decision waits until the test opens its door, or takes a fixed time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use throughline::backend::decision::Decision;
use throughline::backend::{Asker, Backend, Connecting, Identity};
use throughline::protocol::ChannelName;
use throughline::protocol::code::{Code, Refusal};
use throughline::protocol::frame::Payload;
use tokio::sync::watch;

/// The way `connect` decides.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Policy {
    /// Accepts every client at once.
    Open,
    /// Decides after this time. The token is the user's name, except for the token `bad`, which it refuses.
    Takes(Duration),
    /// Decides when the test opens the door `connect`.
    Waits,
}

/// The doors that decisions wait behind, and the counts of those decisions.
pub(crate) struct Doors {
    policy: Policy,
    opened: watch::Sender<BTreeSet<String>>,
    asked: AtomicUsize,
    begun: AtomicUsize,
    dropped: AtomicUsize,
}

impl Doors {
    pub(crate) fn new(policy: Policy) -> Arc<Self> {
        let opened = watch::Sender::new(BTreeSet::new());
        let [asked, begun, dropped] = [0; 3].map(AtomicUsize::new);
        Arc::new(Self { policy, opened, asked, begun, dropped })
    }

    /// Opens a door: the decisions that wait behind it complete.
    pub(crate) fn open(&self, door: &str) {
        self.opened.send_modify(|opened| {
            opened.insert(door.to_owned());
        });
    }

    /// Returns how many decisions began, and how many of these were dropped before they ended.
    pub(crate) fn seen(&self) -> (usize, usize) {
        (self.begun.load(Ordering::SeqCst), self.dropped.load(Ordering::SeqCst))
    }

    /// Waits until the two counts of `seen` are as wanted.
    pub(crate) async fn until(&self, wanted: (usize, usize)) {
        while self.seen() != wanted {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the gateway has asked about this many hellos.
    pub(crate) async fn until_asked(&self, wanted: usize) {
        while self.asked.load(Ordering::SeqCst) != wanted {
            tokio::task::yield_now().await;
        }
    }

    /// Returns a decision that completes once the door is open.
    fn behind<T: Send + 'static>(self: &Arc<Self>, door: &str, decided: T) -> Decision<T> {
        let (doors, door, mut opened) = (Arc::clone(self), door.to_owned(), self.opened.subscribe());
        let decision = async move {
            let unfinished = Unfinished::begin(doors);
            // The sender lives as long as the backend.
            let _ = opened.wait_for(|opened| opened.contains(&door)).await;
            unfinished.end();
            decided
        };
        Decision::Later(decision.boxed())
    }
}

/// A decision that has begun.
struct Unfinished(Option<Arc<Doors>>);

impl Unfinished {
    fn begin(doors: Arc<Doors>) -> Self {
        doors.begun.fetch_add(1, Ordering::SeqCst);
        Self(Some(doors))
    }

    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(doors) = &self.0 {
            doors.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// The doors as a backend that the gateway can hold.
pub(crate) struct Behind(pub(crate) Arc<Doors>);

impl Backend for Behind {
    fn connect(&self, asking: &Connecting<'_>) -> Decision<Result<Identity, Refusal>> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let token = asking.token.map(|token| token.reveal().to_owned());
        let verdict = match token.as_deref() {
            Some("bad") => Err(Refusal::new(Code::Unauthorized, "this token is not valid")),
            user => Ok(user.map_or_else(Identity::default, Identity::user)),
        };
        match self.0.policy {
            Policy::Open => Decision::Now(verdict),
            Policy::Waits => self.0.behind("connect", verdict),
            Policy::Takes(time) => {
                let doors = Arc::clone(&self.0);
                let decision = async move {
                    let unfinished = Unfinished::begin(doors);
                    tokio::time::sleep(time).await;
                    unfinished.end();
                    verdict
                };
                Decision::Later(decision.boxed())
            }
        }
    }

    /// Decides by the start of the channel's name:
    /// - `held`: after the test opens the door of that name
    /// - `forbidden`: refuses, later
    /// - `broken`: panics later, within the decision
    /// - `panics`: panics at once, within the call
    /// - `held/panics`: the same; `subscribe` still waits for the door of that name
    fn publish(&self, _: Asker<'_>, channel: &ChannelName, payload: Payload) -> Decision<Result<Payload, Refusal>> {
        match channel.as_str() {
            "panics" | "held/panics" => panic!("this backend is broken"),
            name if name.starts_with("held") => self.0.behind(name, Ok(payload)),
            name if name.starts_with("forbidden") => {
                let refusal = Refusal::new(Code::Forbidden, "publishing is forbidden here");
                Decision::Later(async move { Err(refusal) }.boxed())
            }
            "broken" => {
                let decision = async move {
                    assert!(matches!(payload, Payload::Binary(_)), "this backend is broken for JSON");
                    Ok(payload)
                };
                Decision::Later(decision.boxed())
            }
            _ => Decision::Now(Ok(payload)),
        }
    }

    fn subscribe(&self, _: Asker<'_>, channel: &ChannelName) -> Decision<Result<(), Refusal>> {
        match channel.as_str() {
            name if name.starts_with("held") => self.0.behind(name, Ok(())),
            _ => Decision::Now(Ok(())),
        }
    }

    fn request(&self, _: Asker<'_>) -> Decision<Result<(), Refusal>> {
        self.0.behind("request", Ok(()))
    }
}
