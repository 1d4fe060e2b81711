//! The client of a command that uses a channel: it finds a transport, and comes back after a failure.
//!
//! It tries WebSocket, SSE and poll in this order, one at a time, unless the command names a transport.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;

use super::link::{Client, Event};
use super::target::Target;
use crate::protocol::frame::RawFrame;
use crate::protocol::{Line, Transport};

/// A transport without a welcome after this time gives way to the next one.
const OPENING: Duration = Duration::from_secs(4);
/// The time in which the gateway may take the last word of a client.
const LEAVING: Duration = Duration::from_millis(500);
/// So many attempts use the transport that worked before, since the gateway may just be starting again.
const PATIENT_ATTEMPTS: usize = 4;
/// The code of a refusal that another transport would not change.
const UNAUTHORIZED: &str = "unauthorized";

/// The options of a command that say how it reaches a gateway.
#[derive(Args)]
pub(super) struct Reach {
    /// The gateway, such as `https://example.org`.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The only transport to use: websocket, sse or poll. Without it, the first that works, in this order.
    #[arg(long, value_name = "NAME")]
    transport: Option<Transport>,
    /// A file whose first line is the token of a user. It is read again when the token has expired.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Reach {
    /// Returns the gateway that the options name.
    ///
    /// # Errors
    /// A sentence about the address or the file.
    pub(super) fn target(&self) -> Result<Target, String> {
        Target::parse(&self.url)?.with_token_of(self.token_file.as_deref())
    }
}

/// A client, and its way to the gateway.
pub(super) struct Online<'a> {
    reach: &'a Reach,
    target: Arc<Target>,
    client: Client,
    /// The transports to try, the place of the present one, and that of the last one that worked.
    order: Vec<Transport>,
    place: usize,
    good: usize,
    /// The attempts that failed since a transport worked.
    failures: usize,
    is_online: bool,
    was_online: bool,
    /// What each transport failed by, until one works.
    faults: Vec<String>,
}

/// What happens to a client.
pub(super) enum News {
    /// The session is carried by this transport.
    Online(Transport),
    /// The connection is over, for this reason. The client tries again.
    Offline(String),
    /// A numbered frame, once and in order.
    Frame(RawFrame),
    /// The promise of the session ended, and this many messages may be lost.
    Reset(u64),
    /// The client gave up, for this reason.
    GaveUp(String),
}

impl<'a> Online<'a> {
    /// Returns a client that begins to connect. It must be called on a runtime.
    pub(super) fn new(reach: &'a Reach, target: Target) -> Self {
        let order = reach.transport.map_or(Transport::ALL.to_vec(), |only| vec![only]);
        let target = Arc::new(target);
        let client = Client::new(&target, Arc::default(), order[0]).opening_within(OPENING);
        let (is_online, was_online) = (false, false);
        Self { reach, target, client, order, place: 0, good: 0, failures: 0, is_online, was_online, faults: Vec::new() }
    }

    /// Sends a numbered frame up, now or when it is online.
    pub(super) fn push(&mut self, line: Line) {
        self.client.push(line);
    }

    /// Returns the next news. Cancel-safe.
    pub(super) async fn next(&mut self) -> News {
        loop {
            match self.client.next().await {
                Event::Frame(frame) => return News::Frame(frame),
                Event::Lost(messages) => return News::Reset(messages),
                Event::Active(_) => {
                    (self.is_online, self.was_online) = (true, true);
                    (self.good, self.failures) = (self.place, 0);
                    self.faults.clear();
                    return News::Online(self.order[self.place]);
                }
                Event::Usable(_) => {}
                Event::Closed(why) => {
                    if let Some(news) = self.closed(&why) {
                        return news;
                    }
                }
            }
        }
    }

    /// Ends the session. Without a word, the gateway would keep it for a while.
    pub(super) async fn leave(mut self) {
        if !self.is_online {
            return;
        }
        self.client.leave();
        let ended = async { while !matches!(self.client.next().await, Event::Closed(_)) {} };
        // The session of a client whose last word is lost expires.
        let _ = timeout(LEAVING, ended).await;
    }

    /// Handles the end of a leg.
    fn closed(&mut self, why: &str) -> Option<News> {
        let words = self.client.take_words();
        let why = words.as_ref().map_or_else(|| why.to_owned(), ToString::to_string);
        if words.is_some_and(|words| words.code == UNAUTHORIZED) {
            return if self.signs_in_again() { None } else { Some(News::GaveUp(why)) };
        }
        if std::mem::replace(&mut self.is_online, false) {
            return Some(News::Offline(why));
        }
        if self.was_online {
            self.place = self.next_place();
            self.client.prefer(self.order[self.place]);
            return None;
        }
        self.faults.push(why);
        self.place += 1;
        match self.order.get(self.place) {
            Some(next) => self.client.turn_to(*next),
            None => return Some(News::GaveUp(self.whole_fault())),
        }
        None
    }

    /// Returns the place of the transport for the next attempt: the last one that worked, and later also the others,
    /// because the network may be another one now.
    fn next_place(&mut self) -> usize {
        self.failures += 1;
        match self.failures.checked_sub(PATIENT_ATTEMPTS) {
            Some(late) if late % 2 == 1 => (self.good + 1 + late / 2) % self.order.len(),
            _ => self.good,
        }
    }

    /// Reads the file of the token again. Returns true if it holds another token, which the client uses from now on.
    fn signs_in_again(&mut self) -> bool {
        let Ok(again) = self.reach.target() else { return false };
        match again.token() {
            Some(token) if self.target.token() != Some(token) => {
                self.client.sign_in(token.clone());
                self.target = Arc::new(again);
                self.is_online = false;
                true
            }
            _ => false,
        }
    }

    /// Says why no transport works: once, if all failed by the same.
    fn whole_fault(&self) -> String {
        let shown = self.target.shown();
        match &self.faults[..] {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => format!("{shown}: {first}"),
            faults => {
                let each = self.order.iter().zip(faults).map(|(transport, why)| format!("{transport}: {why}"));
                format!("{shown}: {}", each.collect::<Vec<_>>().join("; "))
            }
        }
    }
}
