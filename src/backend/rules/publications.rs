//! The limits of publications: of a session, a user and a channel.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smallvec::SmallVec;

use super::entry::Entry;
use super::gcra::{Rate, Spent, whole_milliseconds};
use super::limiter::Limiter;
use crate::protocol::ChannelName;
use crate::protocol::code::{Limit, Publisher, Refusal};

/// The rules for which a session keeps a number at one time.
const RULES_OF_A_SESSION: usize = 64;

/// The spent part of a session's limits, for each rule that limits sessions. It is small, and the session owns it.
#[derive(Debug, Default)]
pub struct SessionSpent(SmallVec<[(u64, Spent); 1]>);

impl SessionSpent {
    fn get(&self, rule: u64) -> Spent {
        self.0.iter().find(|(id, _)| *id == rule).map_or(Spent::default(), |(_, spent)| *spent)
    }

    fn put(&mut self, rule: u64, spent: Spent, now: Duration) {
        if let Some((_, kept)) = self.0.iter_mut().find(|(id, _)| *id == rule) {
            *kept = spent;
            return;
        }
        self.0.retain(|(_, kept)| !kept.is_nothing(now));
        if self.0.len() >= RULES_OF_A_SESSION
            && let Some((least, _)) = self.0.iter().enumerate().min_by_key(|(_, (_, kept))| *kept)
        {
            self.0.swap_remove(least);
        }
        self.0.push((rule, spent));
    }
}

/// A publication that is about to happen.
#[derive(Debug)]
pub struct Publishing<'a> {
    /// The rule of the channel.
    pub rule: &'a Entry,
    /// The channel.
    pub channel: &'a ChannelName,
    /// The user. The limit of users does not hold for a client without one.
    pub user: Option<&'a str>,
    /// The spent part of its session's limits. An API has no session.
    pub session: Option<&'a mut SessionSpent>,
    /// How many publications come at once.
    pub count: u32,
}

/// The spent part of the limits of users and channels. A node has one, and keeps it when a reload changes the rules.
#[derive(Debug)]
pub struct Publications {
    limiter: Mutex<Limiter>,
    /// Its keys are random, so no client can choose a name that shares another's number.
    hasher: RandomState,
}

impl Publications {
    /// Returns a value that remembers at most this many users and channels. Each takes some 20 bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { limiter: Mutex::new(Limiter::new(most)), hasher: RandomState::new() }
    }

    /// Spends from all limits of the rule, or from none. A rule without limits of users and channels needs no lock.
    ///
    /// # Errors
    /// `rate_limited`, with the limit that holds longest.
    pub fn spend(&self, now: Duration, publishing: Publishing<'_>) -> Result<(), Refusal> {
        let Publishing { rule, channel, user, session, count } = publishing;
        let (limits, id) = (rule.limits(), rule.id());
        let of_session = session.zip(limits.session);
        let user = user.zip(limits.user).map(|(user, rate)| (self.hasher.hash_one(("user", id, user)), rate));
        let channel = limits.channel.map(|rate| (self.hasher.hash_one(("channel", channel.as_str())), rate));
        let mut longest = None;
        let mut note = |by: Publisher, rate: Rate, after: Result<Spent, Duration>| match after {
            Ok(spent) => Some(spent),
            Err(wait) => {
                longest = longest.max(Some((wait, by, rate)));
                None
            }
        };
        let session = of_session.map(|(spent, rate)| {
            let after = note(Publisher::Session, rate, rate.spend(spent.get(id), now, count));
            (spent, after)
        });
        let mut limiter = (user.is_some() || channel.is_some()).then(|| lock(&self.limiter));
        let mut after = |by: Publisher, limit: Option<(u64, Rate)>| {
            let ((key, rate), limiter) = limit.zip(limiter.as_deref())?;
            note(by, rate, limiter.after(key, rate, now, count)).map(|spent| (key, spent))
        };
        let kept = [after(Publisher::User, user), after(Publisher::Channel, channel)];
        if let Some((wait, by, rate)) = longest {
            return Err(Limit::Publications { by, a_second: rate.a_second(), wait: whole_milliseconds(wait) }.into());
        }
        if let Some((spent, Some(after))) = session {
            spent.put(id, after, now);
        }
        if let Some(limiter) = &mut limiter {
            kept.into_iter().flatten().for_each(|(key, spent)| limiter.put(key, spent, now));
        }
        Ok(())
    }
}

/// Locks a mutex even if its last holder panicked: no invariant spans two statements here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
