//! The key set of an identity provider, as it is now: the schedule, the last good set, and those that wait for the next.
//!
//! One future fetches. Any number of tokens wait for it, and none of them fetches by itself.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::auth::{Algorithm, Auth};
use super::fetch::{Fetcher, Unfetched};
use super::key_set::{BadKeySet, KeySet};
use super::schedule::Schedule;
use super::url::KeySetUrl;

/// A key set that is fetched.
pub(super) struct Remote {
    fetcher: Fetcher,
    algorithms: Vec<Algorithm>,
    state: Mutex<State>,
    /// Wakes the fetching future when a fetch becomes due earlier.
    sooner: Notify,
    /// Changes after each fetch.
    ended: watch::Sender<()>,
    fetches: AtomicU64,
}

struct State {
    schedule: Schedule,
    set: Option<Arc<KeySet>>,
}

/// Why a fetch brought no set.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Unfetched(#[from] Unfetched),
    #[error(transparent)]
    Set(#[from] BadKeySet),
}

impl Remote {
    /// Returns the set of this address, which is not fetched yet.
    ///
    /// # Errors
    /// This machine has no root certificates, and the address needs them.
    pub(super) fn new(url: KeySetUrl, auth: &Auth) -> io::Result<Self> {
        let public = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
        Ok(Self {
            fetcher: Fetcher::new(url)?,
            algorithms: public.into_iter().filter(|algorithm| auth.allows(*algorithm)).collect(),
            state: Mutex::new(State { schedule: Schedule::new(Instant::now()), set: None }),
            sooner: Notify::new(),
            ended: watch::Sender::new(()),
            fetches: AtomicU64::new(0),
        })
    }

    /// Returns true if a key of the set may have this algorithm.
    pub(super) fn may_have(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Returns the last good set, if it is still valid.
    pub(super) fn set(&self, now: Instant) -> Option<Arc<KeySet>> {
        let state = self.lock();
        state.set.clone().filter(|_| state.schedule.is_valid(now))
    }

    /// Returns the end of the fetch that may bring a valid set, if one is under way.
    pub(super) fn first(&self, now: Instant) -> Option<watch::Receiver<()>> {
        let state = self.lock();
        state.schedule.is_deciding(now).then(|| self.ended.subscribe())
    }

    /// Returns the end of the fetch that may bring a key which the set lacks, if one is under way or allowed.
    pub(super) fn unknown(&self, now: Instant) -> Option<watch::Receiver<()>> {
        let mut state = self.lock();
        state.schedule.wants_unknown(now).then(|| {
            self.sooner.notify_one();
            self.ended.subscribe()
        })
    }

    /// Fetches whenever the schedule says so. It never ends.
    pub(super) async fn follow(&self) {
        let now = Instant::now();
        self.lock().schedule.abandoned(now);
        loop {
            let due = self.lock().schedule.due();
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.sooner.notified() => {}
            }
            let begins = self.lock().schedule.begin(Instant::now());
            if begins {
                self.fetches.fetch_add(1, Ordering::Relaxed);
                let fetched = self.fetch().await;
                self.end(fetched);
            }
        }
    }

    /// Returns how many fetches began.
    pub(super) fn fetches(&self) -> u64 {
        self.fetches.load(Ordering::Relaxed)
    }

    async fn fetch(&self) -> Result<Fetched, Failure> {
        let document = self.fetcher.fetch().await?;
        let set = KeySet::read(&document.body, |algorithm| self.may_have(algorithm))?;
        Ok(Fetched { set, max_age: document.max_age })
    }

    fn end(&self, fetched: Result<Fetched, Failure>) {
        let (now, url) = (Instant::now(), self.fetcher.url());
        let mut state = self.lock();
        match fetched {
            Ok(Fetched { set, max_age }) => {
                if !state.schedule.is_good() {
                    info!("the key set of {url} is there: {} of its keys verify tokens", set.len());
                }
                state.schedule.fetched(now, max_age);
                state.set = Some(Arc::new(set));
            }
            Err(why) => {
                let wait = state.schedule.failed(now).as_secs();
                warn!("the key set of {url} could not be fetched: {why}; the gateway tries again in {wait} s");
            }
        }
        drop(state);
        self.ended.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A good set.
struct Fetched {
    set: KeySet,
    max_age: Option<std::time::Duration>,
}
