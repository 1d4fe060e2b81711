//! Decides when the key set is fetched, and how long it is valid. A machine without a clock: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// The bounds of the time after which a set is fetched again. The provider's `max-age` lies between them.
const LIFETIME: [Duration; 2] = [Duration::from_secs(5 * 60), Duration::from_secs(24 * 3600)];
/// How long the last good set is valid.
const VALID: Duration = Duration::from_secs(24 * 3600);
/// The bounds of the time between a fetch that failed and the next one. It doubles with each failure.
const RETRY: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// The time in which tokens with unknown keys cause one fetch at most.
const UNKNOWN: Duration = Duration::from_secs(10);

/// When to fetch, and whether the last set is valid.
#[derive(Debug)]
pub(super) struct Schedule {
    /// When the next fetch is due, unless one is under way.
    due: Instant,
    is_under_way: bool,
    /// When the last good set came.
    fetched: Option<Instant>,
    /// The fetches in a row that failed.
    failures: u32,
    /// When a token with an unknown key last caused a fetch.
    asked: Option<Instant>,
}

impl Schedule {
    /// Returns a schedule whose first fetch is due now.
    pub(super) const fn new(now: Instant) -> Self {
        Self { due: now, is_under_way: false, fetched: None, failures: 0, asked: None }
    }

    /// Returns when the next fetch is due.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// Begins a fetch if it is due, and returns whether it did.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let begins = !self.is_under_way && self.due <= now;
        self.is_under_way |= begins;
        begins
    }

    /// Ends a fetch that brought a good set.
    pub(super) fn fetched(&mut self, now: Instant, max_age: Option<Duration>) {
        let [shortest, longest] = LIFETIME;
        self.is_under_way = false;
        self.fetched = Some(now);
        self.failures = 0;
        self.due = now + max_age.unwrap_or_default().clamp(shortest, longest);
    }

    /// Ends a fetch that failed, and returns the time to the next one.
    pub(super) fn failed(&mut self, now: Instant) -> Duration {
        let [first, longest] = RETRY;
        let wait = first.saturating_mul(1 << self.failures.min(16)).min(longest);
        self.is_under_way = false;
        self.failures = self.failures.saturating_add(1);
        self.due = now + wait;
        wait
    }

    /// Forgets a fetch whose future was dropped. The next one is due now.
    pub(super) fn abandoned(&mut self, now: Instant) {
        if std::mem::take(&mut self.is_under_way) {
            self.due = now;
        }
    }

    /// Returns true if the last set is valid.
    pub(super) fn is_valid(&self, now: Instant) -> bool {
        self.fetched.is_some_and(|fetched| now.saturating_duration_since(fetched) < VALID)
    }

    /// Returns true if the last fetch brought a good set.
    pub(super) const fn is_good(&self) -> bool {
        self.fetched.is_some() && self.failures == 0
    }

    /// Returns true if a fetch is under way, or begins at once.
    pub(super) fn is_deciding(&self, now: Instant) -> bool {
        self.is_under_way || self.due <= now
    }

    /// Says that a token names a key that the valid set does not have. Returns true if a fetch may bring it.
    pub(super) fn wants_unknown(&mut self, now: Instant) -> bool {
        let may_ask = self.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= UNKNOWN);
        if may_ask && !self.is_deciding(now) {
            self.asked = Some(now);
            self.due = now;
        }
        self.is_deciding(now)
    }
}

#[cfg(test)]
mod tests;
