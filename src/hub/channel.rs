//! One channel as a machine: it follows the channel's log, and decides which lines each subscriber gets.
//!
//! It is sans-IO. It never reads a clock (time is an argument), never waits, takes no lock, and knows neither
//! sessions nor brokers. A caller does this:
//! 1. It hands an input to [`Channel::handle`], and carries out the outputs in their order, before the next input.
//! 2. It arms one timer for [`Channel::poll_timeout`], and hands in [`Input::Timeout`] when that time has come.
//!
//! The machine has one *place* in the log: every live subscriber got everything up to it. A message that continues
//! from the place is delivered. A message at or before it is a repetition. Any other message shows a gap: the machine
//! fetches what follows the place, and the answer covers the message. No line reaches a subscriber in another way.
//!
//! A subscriber that wants history is *joining* until a fetch that began after its request is answered. Meanwhile
//! the machine holds for it, within a bound, the lines that go to the live ones. Past the bound it becomes live
//! without its history, and its start says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::events::{Deliveries, Delivery, Input, Output, Outputs, Settings, Start, Wish};
use super::mutant::{Mutant, Mutation};
use super::recovery::{Held, Place};
use crate::broker::{Failure, Stretch, Ticket};
use crate::protocol::{Line, Position};

mod answer;

/// A fetch under way.
struct Fetch {
    ticket: Ticket,
    /// The machine's place when the fetch began.
    from: Option<Place>,
    until: Duration,
    held: Held,
    /// Another fetch must follow: this one may not cover everything.
    is_stale: bool,
}

/// A subscriber that waits for history.
struct Joining<S> {
    wish: Wish<S>,
    /// The fetch under way began after the request.
    is_asked: bool,
}

/// The machine of one channel. `S` is the shell's handle of a subscriber.
pub(super) struct Channel<S> {
    settings: Arc<Settings>,
    life: u64,
    tickets: u64,
    place: Option<Place>,
    /// By key, which is the order in which sessions were created. Their order in memory is the same, and so is that
    /// of their sockets.
    live: BTreeMap<u64, S>,
    /// Subscribers that become live by the present input. Its deliveries to the live ones do not concern them.
    started: SmallVec<[(u64, S); 1]>,
    joining: Vec<Joining<S>>,
    /// Boxed, because a channel rarely has one.
    fetch: Option<Box<Fetch>>,
    /// When the next fetch is due: a retry, or a check.
    due: Option<Duration>,
    /// Fetches that failed since the last answer.
    failures: u32,
    /// Appends under way, oldest first, and when each is given up.
    appends: SmallVec<[(Ticket, Duration); 1]>,
    mutation: Mutation,
}

impl<S> Channel<S> {
    /// Returns a channel without subscribers. No other channel of this hub may ever have the same `life`.
    pub(super) fn new(settings: Arc<Settings>, life: u64) -> Self {
        Self {
            settings,
            life,
            tickets: 0,
            place: None,
            live: BTreeMap::new(),
            started: SmallVec::new(),
            joining: Vec::new(),
            fetch: None,
            due: None,
            failures: 0,
            appends: SmallVec::new(),
            mutation: Mutation::default(),
        }
    }

    /// The same machine with a mistake.
    #[cfg(any(test, fuzzing))]
    pub(super) const fn mutated(mut self, mutation: Mutation) -> Self {
        self.mutation = mutation;
        self
    }

    /// Returns a ticket for a request of a caller: a publication or a subscription.
    pub(super) const fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket { life: self.life, number: self.tickets }
    }

    /// Handles an input, and adds its outputs to `out`.
    pub(super) fn handle(&mut self, now: Duration, input: Input<S>, out: &mut Outputs) {
        if !self.started.is_empty() {
            self.live.extend(self.started.drain(..));
        }
        match input {
            Input::Publish(ticket) => self.publish(now, ticket, out),
            Input::Subscribe(wish) => self.subscribe(now, wish, out),
            Input::Unsubscribe(key) => {
                self.leave(key, out);
                self.rest(out);
            }
            Input::Appended(ticket, first) => self.appended(ticket, first, out),
            Input::Stored(ticket, message) => {
                let first = message.before + 1;
                self.heard(now, message, out);
                self.appended(ticket, first, out);
            }
            Input::Fetched(ticket, stretches) => self.fetched(now, ticket, stretches, out),
            Input::Failed(ticket, failure) => self.failed(now, ticket, failure, out),
            Input::Heard(message) => self.heard(now, message, out),
            Input::Interrupted if self.mutation.is(Mutant::InterruptionIgnored) => {}
            Input::Interrupted => self.read(now, out),
            Input::Timeout => self.timeout(now, out),
        }
    }

    /// Returns when [`Input::Timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let append = self.appends.first().map(|(_, until)| *until);
        let is_patient = self.mutation.is(Mutant::NoPatience);
        let fetch = self.fetch.as_ref().filter(|_| !is_patient).map(|fetch| fetch.until);
        [append, fetch, self.due].into_iter().flatten().min()
    }

    /// Returns the subscribers that [`Output::Deliver`] is for.
    pub(super) const fn live(&self) -> &BTreeMap<u64, S> {
        &self.live
    }

    /// Returns the subscriber that an [`Output::Started`] is about.
    pub(super) fn started(&self, which: usize) -> Option<&S> {
        self.started.get(which).map(|(_, subscriber)| subscriber)
    }

    /// Returns true if there is no subscriber, and no append under way.
    pub(super) fn is_unused(&self) -> bool {
        !self.is_watching() && self.appends.is_empty()
    }

    fn is_watching(&self) -> bool {
        !(self.live.is_empty() && self.started.is_empty() && self.joining.is_empty())
    }

    // ---- Publications

    fn publish(&mut self, now: Duration, ticket: Ticket, out: &mut Outputs) {
        if self.appends.len() >= self.settings.appends && !self.mutation.is(Mutant::AppendsWithoutBound) {
            return out.push(Output::Published(ticket, Err(Failure::NotDone)));
        }
        self.appends.push((ticket, now + self.settings.patience));
        out.push(Output::Append(ticket));
    }

    fn appended(&mut self, ticket: Ticket, first: u64, out: &mut Outputs) {
        if self.settle(ticket) || self.mutation.is(Mutant::AnsweredTwice) {
            out.push(Output::Published(ticket, Ok(first)));
        }
    }

    /// Settles an append. Returns false if it is not under way, because it was answered or given up.
    fn settle(&mut self, ticket: Ticket) -> bool {
        let place = self.appends.iter().position(|(other, _)| *other == ticket);
        place.map(|place| self.appends.remove(place)).is_some()
    }

    fn heard(&mut self, now: Duration, message: Stretch<Line>, out: &mut Outputs) {
        if !self.is_watching() {
            return;
        }
        let Some(place) = &mut self.place else { return self.hold(message, false, out) };
        let is_same = message.epoch == place.epoch || self.mutation.is(Mutant::EpochIgnored);
        if is_same && message.end() <= place.at && !self.mutation.is(Mutant::RepeatDelivered) {
            return;
        }
        let is_next = is_same && (message.before <= place.at || self.mutation.is(Mutant::GapIgnored));
        if !is_next {
            // A fetch under way may be older than this message, so the message waits for the answer. A later fetch
            // covers it.
            return if self.fetch.is_some() { self.hold(message, false, out) } else { self.read(now, out) };
        }
        let is_new = message.before >= place.at || self.mutation.is(Mutant::RepeatDelivered);
        let rest = (!is_new).then(|| message.after(place.at).to_vec());
        place.at = message.end();
        let is_awaited = self.fetch.is_some() && self.joining.iter().any(|joining| joining.is_asked);
        let held = (is_awaited && !self.mutation.is(Mutant::LinesNotHeld)).then(|| message.clone());
        if !self.live.is_empty() {
            out.push(Output::Deliver(Delivery::Lines(rest.unwrap_or(message.items))));
        }
        if let Some(held) = held {
            self.hold(held, true, out);
        }
    }

    /// Holds a message until the fetch under way is answered.
    fn hold(&mut self, message: Stretch<Line>, is_delivered: bool, out: &mut Outputs) {
        let Some(fetch) = &mut self.fetch else { return };
        if fetch.held.push(message, self.settings.held, self.mutation) {
            return;
        }
        // If the message was not delivered, the live subscribers need another fetch. The joining ones become live
        // without history, and their starts say so.
        fetch.is_stale |= !is_delivered;
        let Some(place) = self.place.clone() else { return };
        for wish in self.take_asked() {
            self.start(wish, Start { position: place.position(), recovered: false }, Deliveries::new(), out);
        }
    }

    // ---- Subscribers

    fn subscribe(&mut self, now: Duration, wish: Wish<S>, out: &mut Outputs) {
        let was_watching = self.is_watching();
        self.leave(wish.key, out);
        if !was_watching && !self.mutation.is(Mutant::FetchBeforeWatch) {
            out.push(Output::Watch);
        }
        let start = self.place.as_ref().and_then(|place| {
            let is_there = wish.since.as_ref().is_none_or(|since| place.is(since));
            is_there.then(|| Start { position: place.position(), recovered: wish.since.is_some() })
        });
        if let Some(start) = start {
            return self.start(wish, start, Deliveries::new(), out);
        }
        let is_asked = self.fetch.is_some() && self.mutation.is(Mutant::OldFetchJoined);
        self.joining.push(Joining { wish, is_asked });
        self.read(now, out);
        if !was_watching && self.mutation.is(Mutant::FetchBeforeWatch) {
            out.push(Output::Watch);
        }
    }

    fn start(&mut self, wish: Wish<S>, start: Start, missed: Deliveries, out: &mut Outputs) {
        let Wish { ticket, key, subscriber, .. } = wish;
        out.push(Output::Started { ticket, which: self.started.len(), start, missed });
        self.started.push((key, subscriber));
    }

    /// Ends a subscription. If it waits for its start, it is refused.
    fn leave(&mut self, key: u64, out: &mut Outputs) {
        self.live.remove(&key);
        if self.joining.is_empty() || self.mutation.is(Mutant::LeaverStarted) {
            return;
        }
        let refused = self.joining.extract_if(.., |joining| joining.wish.key == key);
        out.extend(refused.map(|joining| Output::Refused(joining.wish.ticket, Failure::NotDone)));
    }

    /// Stops following the log if there is no subscriber any more.
    fn rest(&mut self, out: &mut Outputs) {
        if self.is_watching() {
            return;
        }
        if self.place.is_some() || self.fetch.is_some() || self.due.is_some() {
            out.push(Output::Unwatch);
        }
        (self.place, self.fetch, self.due, self.failures) = (None, None, None, 0);
    }

    /// Removes and returns the subscribers whose requests the present fetch covers.
    fn take_asked(&mut self) -> Vec<Wish<S>> {
        self.joining.extract_if(.., |joining| joining.is_asked).map(|joining| joining.wish).collect()
    }

    // ---- Fetches

    /// Fetches what follows the machine's place and the positions of the joining subscribers: now, or after the
    /// fetch under way.
    fn read(&mut self, now: Duration, out: &mut Outputs) {
        if !self.is_watching() {
            return;
        }
        if let Some(fetch) = &mut self.fetch {
            fetch.is_stale = true;
            return;
        }
        if self.failures > 0 && self.due.is_some_and(|at| now < at) {
            return;
        }
        let ticket = self.ticket();
        let mut after: Vec<Position> = self.place.iter().map(Place::position).collect();
        for joining in self.joining.iter_mut().take(self.settings.joiners) {
            joining.is_asked = true;
            after.extend(joining.wish.since.clone());
        }
        let (from, until) = (self.place.clone(), now + self.settings.patience);
        self.fetch = Some(Box::new(Fetch { ticket, from, until, held: Held::default(), is_stale: false }));
        self.due = None;
        out.push(Output::Fetch(ticket, after));
    }

    // ---- Failures and time

    fn failed(&mut self, now: Duration, ticket: Ticket, failure: Failure, out: &mut Outputs) {
        if self.settle(ticket) {
            out.push(Output::Published(ticket, Err(failure)));
        } else if self.fetch.as_ref().is_some_and(|fetch| fetch.ticket == ticket) {
            self.give_up(now, out);
        }
    }

    /// Gives up the fetch under way, and refuses the subscribers that it was for. The live ones get another fetch
    /// after a pause.
    fn give_up(&mut self, now: Duration, out: &mut Outputs) {
        self.fetch = None;
        for wish in self.take_asked() {
            out.push(Output::Refused(wish.ticket, Failure::NotDone));
        }
        let [first, longest] = self.settings.pause;
        let pause = first.saturating_mul(1 << self.failures.min(16)).min(longest);
        self.failures += 1;
        self.due = (!self.mutation.is(Mutant::NoRetry)).then_some(now + pause);
        self.rest(out);
    }

    fn timeout(&mut self, now: Duration, out: &mut Outputs) {
        while let Some((ticket, _)) = self.appends.first().copied().filter(|(_, until)| *until <= now) {
            self.appends.remove(0);
            out.push(Output::Published(ticket, Err(Failure::Unknown)));
        }
        if self.fetch.as_ref().is_some_and(|fetch| fetch.until <= now) && !self.mutation.is(Mutant::NoPatience) {
            self.give_up(now, out);
        }
        if self.due.take_if(|at| *at <= now).is_some() {
            self.read(now, out);
        }
    }

    /// Publications that are held, appends under way, and subscribers that wait.
    #[cfg(any(test, fuzzing))]
    pub(super) fn kept(&self) -> [usize; 3] {
        let held = self.fetch.as_ref().map_or(0, |fetch| fetch.held.frames());
        [held, self.appends.len(), self.joining.len()]
    }
}
