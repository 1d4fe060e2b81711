//! A session on this node: its cell, its names, the channels to which it subscribes, and its waiting commands.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use arc_swap::{ArcSwapOption, Guard};

use super::clock::Clock;
use super::counters::Counters;
use super::pump::work::Work;
use super::tally::Holder;
use crate::backend::Identity;
use crate::backend::rules::gcra::{Rate, Spent, whole_milliseconds};
use crate::backend::rules::publications::SessionSpent;
use crate::driver::cell::Cell;
use crate::driver::kept::Kept;
use crate::hub::Subscriber;
use crate::protocol::code::{Limit, Refusal};
use crate::protocol::limits::{self, Room};
use crate::protocol::{ChannelName, Line, Secret, SessionId};
use crate::session::Time;
use crate::session::server::ServerSession;

/// A session on this node. A publication reads only its first fields.
#[repr(C)]
pub(crate) struct Session {
    pub(super) cell: Cell,
    pub(super) key: u64,
    pub(super) secret: Secret,
    pub(super) id: SessionId,
    /// The address that holds it, if addresses count.
    pub(super) address: Option<Holder>,
    identity: Renewable,
    /// The part of the limits of publications that it has spent.
    pub(super) spent: Mutex<SessionSpent>,
    clock: Clock,
    counters: Arc<Counters>,
    subscriptions: Mutex<Subscriptions>,
    work: Mutex<Work>,
}

/// The channels to which a session subscribes, and the spent part of its limit of subscribing.
#[derive(Default)]
struct Subscriptions {
    /// Sorted. Most sessions have few.
    held: Vec<ChannelName>,
    spent: Spent,
}

impl Session {
    /// Returns a session. `key` is its name among all subscribers of this node.
    pub(super) fn new(
        key: u64,
        secret: Secret,
        (identity, address): (Arc<Identity>, Option<Holder>),
        (session, kept): (ServerSession, Arc<Kept>),
        (clock, counters): (Clock, Arc<Counters>),
    ) -> Arc<Self> {
        let id = session.id().clone();
        let identity = Renewable::new(identity);
        let (cell, subscriptions, work) = (Cell::new(session, kept), Mutex::default(), Mutex::new(Work::new()));
        Arc::new(Self {
            cell,
            key,
            secret,
            id,
            address,
            identity,
            spent: Mutex::default(),
            clock,
            counters,
            subscriptions,
            work,
        })
    }

    /// Returns the identity of the client, for a short time.
    pub(super) fn identity(&self) -> Held<'_> {
        self.identity.held()
    }

    /// Replaces the identity, because a fresh token came. If an older token comes late, the one that lasts longer
    /// counts, as in the session itself.
    pub(super) fn renew(&self, identity: &Arc<Identity>) {
        self.identity.renew(identity);
    }

    /// Returns the channels to which it subscribes.
    pub(super) fn channels(&self) -> Vec<ChannelName> {
        self.subscriptions().held.clone()
    }

    /// Notes a subscription. Returns false if it would be one too many. A session may always subscribe again to a
    /// channel that it has.
    pub(super) fn add_subscription(&self, channel: &ChannelName) -> bool {
        let held = &mut self.subscriptions().held;
        let Err(place) = held.binary_search(channel) else { return true };
        if held.len() >= limits::SUBSCRIPTIONS {
            return false;
        }
        held.reserve_exact(1);
        held.insert(place, channel.clone());
        true
    }

    pub(super) fn has_subscription(&self, channel: &ChannelName) -> bool {
        self.subscriptions().held.binary_search(channel).is_ok()
    }

    /// Returns the time on the sessions' clock.
    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(super) fn remove_subscription(&self, channel: &ChannelName) {
        let held = &mut self.subscriptions().held;
        if let Ok(place) = held.binary_search(channel) {
            held.remove(place);
        }
    }

    pub(super) fn take_subscriptions(&self) -> Vec<ChannelName> {
        std::mem::take(&mut self.subscriptions().held)
    }

    /// Spends one subscribe of a limit.
    ///
    /// # Errors
    /// The limit is reached.
    pub(super) fn spend_subscribe(&self, rate: Rate) -> Result<(), Refusal> {
        let mut subscriptions = self.subscriptions();
        match rate.spend(subscriptions.spent, self.now(), 1) {
            Ok(spent) => {
                subscriptions.spent = spent;
                Ok(())
            }
            Err(wait) => Err(Limit::Subscribes { a_second: rate.a_second(), wait: whole_milliseconds(wait) }.into()),
        }
    }

    /// Locks the commands that wait for a decision. Lock them before the cell, never the other way round.
    pub(super) fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the oldest frames for the client, until `part` of each `whole` is left.
    pub(super) fn cut(&self, part: usize, whole: usize) {
        let (waker, overruns) = self.cell.cut(part, whole);
        self.note_overruns(overruns);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Counts overruns. A client that has left loses frames that are too old. That says nothing about the paths of the
    /// others.
    #[inline]
    fn note_overruns(&self, overruns: u64) {
        if overruns > 0 && self.cell.has_reader(self.clock.now()) {
            self.counters.overruns.inc_by(overruns);
        }
    }

    fn subscriptions(&self) -> MutexGuard<'_, Subscriptions> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for Session {
    fn deliver(&self, lines: &[Line]) -> Option<Waker> {
        let (waker, overruns) = self.cell.deliver(lines);
        self.note_overruns(overruns);
        waker
    }

    fn key(&self) -> u64 {
        self.key
    }

    /// Returns half of the free room, so that the frames that come meanwhile do not push these out.
    fn room(&self) -> Room {
        self.cell.room().half()
    }
}

/// The identity of a client, which changes when a fresh token comes. Until then it costs a look at a flag, because most
/// sessions of open mode never have another.
struct Renewable {
    first: Arc<Identity>,
    newest: ArcSwapOption<Identity>,
    /// There is a newer one than the first.
    is_renewed: AtomicBool,
}

impl Renewable {
    const fn new(first: Arc<Identity>) -> Self {
        Self { first, newest: ArcSwapOption::const_empty(), is_renewed: AtomicBool::new(false) }
    }

    fn held(&self) -> Held<'_> {
        if self.is_renewed.load(Ordering::Acquire) { self.newest() } else { Held::First(&self.first) }
    }

    #[cold]
    fn newest(&self) -> Held<'_> {
        Held::Newest(self.newest.load(), &self.first)
    }

    fn renew(&self, identity: &Arc<Identity>) {
        if *self.held() == **identity {
            return;
        }
        self.newest.rcu(|held| {
            let held = held.as_ref().unwrap_or(&self.first);
            Some(Arc::clone(if held.expires <= identity.expires { identity } else { held }))
        });
        self.is_renewed.store(true, Ordering::Release);
    }
}

/// The identity of a client, held for a short time.
pub(super) enum Held<'a> {
    First(&'a Identity),
    Newest(Guard<Option<Arc<Identity>>>, &'a Identity),
}

impl Deref for Held<'_> {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        match self {
            Self::First(first) => first,
            Self::Newest(newest, first) => newest.as_deref().unwrap_or(first),
        }
    }
}
