//! The rules of forgetting. Any sequence of subscriptions, publications and sweeps is compared with a list of all
//! publications.
//!
//! - Channels without publications are forgotten at once.
//! - No position ever recovers anything but the publications after it.
//! - A reader that missed nothing learns that, unless there was no room to remember the channel.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};

use super::{Bounds, Hub, Subscriber};
use crate::broker::{Fault, Memory, Retention};
use crate::protocol::limits::Room;
use crate::protocol::publication::Publication;
use crate::protocol::{ChannelName, Line, Position};

/// A rule of forgetting that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// The broker forgets where a log stood.
    Broker(Fault),
    /// The history goes when the last subscriber leaves.
    HistoryForgotten,
}

const NAMES: usize = 3;
const AGE: Duration = Duration::from_secs(10);
const KEPT: usize = 4;
/// How many logs are remembered: all of them, or fewer.
const MANY: usize = 2 * NAMES;
const FEW: usize = 2;

#[derive(Debug, Clone)]
enum Operation {
    Publish(usize),
    /// From one of the known positions, if there is one.
    Subscribe(usize, u64, Option<prop::sample::Index>),
    Unsubscribe(usize, u64),
    /// This many seconds pass, then a sweep looks for idle channels.
    Sweep(u64),
}

fn operation() -> impl Strategy<Value = Operation> {
    let since = prop::option::of(any::<prop::sample::Index>());
    prop_oneof![
        2 => (0..NAMES).prop_map(Operation::Publish),
        4 => (0..NAMES, 1..3_u64, since).prop_map(|(name, key, since)| Operation::Subscribe(name, key, since)),
        4 => (0..NAMES, 1..3_u64).prop_map(|(name, key)| Operation::Unsubscribe(name, key)),
        1 => (1..=12_u64).prop_map(Operation::Sweep),
    ]
}

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
        Room { frames: 100, bytes: 100_000 }
    }
}

/// Returns the content of a publication's line: the publication's index in its channel.
fn content(line: &Line) -> u64 {
    let value: serde_json::Value = serde_json::from_slice(line.json()).unwrap();
    value["data"].as_u64().unwrap()
}

/// A position that a subscriber learned.
#[derive(Clone)]
struct Told {
    position: Position,
    /// The number of publications of the channel before it.
    published: usize,
    /// How often the channel had been forgotten by then.
    forgotten: usize,
}

/// The hub, with checks of all that must be true of it.
struct Watch {
    hub: Hub,
    now: Duration,
    /// When each publication was made, by channel.
    published: Vec<Vec<Duration>>,
    /// By channel: how often it was forgotten while it had no publications.
    forgotten: Vec<usize>,
    told: Vec<Vec<Told>>,
    inboxes: HashMap<(usize, u64), Arc<Inbox>>,
    /// How often a subscriber recovered what it missed although the channel had been forgotten.
    recovered: usize,
    /// The broker has room to remember where each channel's log ended.
    remembers_all: bool,
}

impl Watch {
    fn new(mutant: Option<Mutant>, remembered: usize) -> Self {
        let retention = Retention { messages: KEPT, age: AGE, bytes: 10_000 };
        let fault = mutant.and_then(|mutant| if let Mutant::Broker(fault) = mutant { Some(fault) } else { None });
        let memory = Memory::new(retention, Bounds::default().all_history_bytes);
        let memory = memory.remembering(remembered).with_fault(fault);
        let mut hub = Hub::with_broker(Bounds::default().channels, Box::new(memory));
        hub.mutant = mutant;
        Self {
            hub,
            now: Duration::ZERO,
            published: vec![Vec::new(); NAMES],
            forgotten: vec![0; NAMES],
            told: vec![Vec::new(); NAMES],
            inboxes: HashMap::new(),
            recovered: 0,
            remembers_all: remembered >= MANY,
        }
    }

    fn apply(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match operation {
            Operation::Publish(name) => self.publish(*name),
            Operation::Subscribe(name, key, since) => self.subscribe(*name, *key, since.as_ref()),
            Operation::Unsubscribe(name, key) => {
                self.hub.unsubscribe(&channel(*name), *key);
                let has_left = self.inboxes.remove(&(*name, *key)).is_some();
                if has_left && self.published[*name].is_empty() && self.subscribers(*name).next().is_none() {
                    self.forgotten[*name] += 1;
                }
                Ok(())
            }
            Operation::Sweep(seconds) => {
                self.now += Duration::from_secs(*seconds);
                self.hub.sweep(self.now);
                Ok(())
            }
        }
    }

    fn publish(&mut self, name: usize) -> Result<(), TestCaseError> {
        let place = self.published[name].len() as u64;
        let publication = Publication::from(serde_json::json!(place));
        self.hub.publish(self.now, &channel(name), [&publication]).0.now().unwrap().unwrap();
        self.published[name].push(self.now);
        for inbox in self.subscribers(name) {
            let last = inbox.1.lock().unwrap().last().map(content);
            prop_assert_eq!(last, Some(place), "a subscriber gets each publication");
        }
        Ok(())
    }

    fn subscribe(&mut self, name: usize, key: u64, since: Option<&prop::sample::Index>) -> Result<(), TestCaseError> {
        let told = &self.told[name];
        let since = since.filter(|_| !told.is_empty()).map(|index| index.get(told).clone());
        let inbox = Arc::new(Inbox(key, Mutex::default()));
        let position = since.as_ref().map(|told| &told.position);
        let outcome = self.hub.subscribe(self.now, &channel(name), Arc::clone(&inbox) as _, position, |_| None);
        let start = outcome.now().unwrap().unwrap();
        let got: Vec<u64> = inbox.1.lock().unwrap().iter().map(content).collect();
        let all = self.published[name].len();
        if let Some(told) = since.as_ref().filter(|_| start.recovered) {
            let missed: Vec<u64> = (told.published as u64..all as u64).collect();
            prop_assert_eq!(&got, &missed, "a recovery gives all that was missed");
            self.recovered += usize::from(!missed.is_empty() && told.forgotten < self.forgotten[name]);
        } else {
            prop_assert!(got.is_empty());
            prop_assert!(!start.recovered);
            let is_kept = since.is_some_and(|told| self.is_kept(name, told.published));
            prop_assert!(!is_kept, "a position must recover what the history still holds, even if that is nothing");
        }
        let told = Told { position: start.position, published: all - got.len(), forgotten: self.forgotten[name] };
        self.told[name].push(told);
        self.inboxes.insert((name, key), inbox);
        Ok(())
    }

    /// Returns true if the history holds all publications from this one on. If the channel may have been forgotten,
    /// the history must hold the one before it too.
    fn is_kept(&self, name: usize, from: usize) -> bool {
        let first = if self.remembers_all { Some(from) } else { from.checked_sub(1) };
        first.is_some_and(|first| {
            let missed = &self.published[name][first..];
            missed.len() <= KEPT && missed.iter().all(|at| self.now - *at <= AGE)
        })
    }

    fn subscribers(&self, name: usize) -> impl Iterator<Item = &Arc<Inbox>> {
        self.inboxes.iter().filter(move |((of, _), _)| *of == name).map(|(_, inbox)| inbox)
    }

    /// Checks that each remembered channel has subscribers or publications.
    fn check(&self) -> Result<(), TestCaseError> {
        let wanted = (0..NAMES)
            .filter(|name| self.subscribers(*name).next().is_some() || !self.published[*name].is_empty())
            .count();
        prop_assert!(self.hub.channels() <= wanted, "{} channels for {wanted}", self.hub.channels());
        Ok(())
    }
}

fn channel(name: usize) -> ChannelName {
    ChannelName::try_from(&*format!("c{name}")).unwrap()
}

/// Tries many sequences. Returns the number of recoveries in channels that had been forgotten.
fn run(mutant: Option<Mutant>, remembered: usize) -> Result<usize, TestError<Vec<Operation>>> {
    let config = ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() };
    let recovered = Cell::new(0);
    TestRunner::new_with_rng(config, proptest::test_runner::TestRng::deterministic_rng(Default::default())).run(
        &prop::collection::vec(operation(), 1..60),
        |operations| {
            let mut watch = Watch::new(mutant, remembered);
            for operation in &operations {
                watch.apply(operation)?;
                watch.check()?;
            }
            recovered.set(recovered.get() + watch.recovered);
            Ok(())
        },
    )?;
    Ok(recovered.get())
}

#[test]
fn a_position_recovers_what_it_missed_or_nothing_after_any_forgetting() {
    for remembered in [MANY, FEW] {
        let recovered = run(None, remembered).unwrap();
        assert!(recovered > 100, "{recovered} recoveries of channels that had been forgotten");
    }
}

#[test]
fn an_epoch_that_outlives_a_forgotten_channel_is_caught() {
    for remembered in [MANY, FEW] {
        run(Some(Mutant::Broker(Fault::OldEpoch)), remembered).unwrap_err();
    }
}

#[test]
fn an_epoch_that_ends_with_the_use_of_a_channel_is_caught() {
    run(Some(Mutant::Broker(Fault::Nothing)), MANY).unwrap_err();
}

#[test]
fn an_epoch_that_outlives_a_channel_for_which_there_was_no_room_is_caught() {
    run(Some(Mutant::Broker(Fault::Unnoticed)), FEW).unwrap_err();
}

#[test]
fn a_history_that_goes_with_the_last_subscriber_is_caught() {
    for remembered in [MANY, FEW] {
        run(Some(Mutant::HistoryForgotten), remembered).unwrap_err();
    }
}

#[test]
fn a_channel_is_forgotten_with_the_last_of_many_that_leave_at_once() {
    let hub = Hub::new(Bounds::default());
    for _ in 0..200 {
        for key in 1..=4 {
            let inbox = Arc::new(Inbox(key, Mutex::default()));
            hub.subscribe(Duration::ZERO, &channel(0), inbox, None, |_| None).now().unwrap().unwrap();
        }
        std::thread::scope(|scope| {
            for key in 1..=4 {
                let hub = &hub;
                scope.spawn(move || hub.unsubscribe(&channel(0), key));
            }
        });
        assert_eq!(hub.channels(), 0);
    }
}
