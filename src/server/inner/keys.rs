//! The keys in use, and how much each has spent of its rate.
//!
//! A look-up compares digests. So its time says nothing about a key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::fault::Fault;
use super::key::{ApiKey, KeyDigest, MOST_KEYS};
use crate::backend::rules::gcra::{Rate, Spent};

/// A key in use.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) key: ApiKey,
    rate: Rate,
    /// The holders of one key share it, so that a reload gives no key another burst.
    spent: Arc<Mutex<Spent>>,
}

impl Holder {
    /// Spends so much of the rate of the key.
    ///
    /// # Errors
    /// The rate is reached, and nothing was spent.
    pub(super) fn spend(&self, now: Duration, count: u32) -> Result<(), Fault> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        match self.rate.spend(*spent, now, count) {
            Ok(after) => {
                *spent = after;
                Ok(())
            }
            Err(wait) => Err(Fault::TooOften { a_second: self.rate.a_second(), wait }),
        }
    }
}

/// All keys of a gateway, by their digests.
#[derive(Debug, Default)]
pub(super) struct Keys(HashMap<KeyDigest, Arc<Holder>>);

impl Keys {
    /// Returns these keys. A key that was there before keeps what it has spent.
    pub(super) fn new(keys: &[ApiKey], before: &Self) -> Self {
        let holder = |key: &ApiKey| {
            let spent = before.0.get(&key.sha256).map(|holder| Arc::clone(&holder.spent)).unwrap_or_default();
            let rate = Rate::new(key.rate, key.burst.unwrap_or(key.rate));
            (key.sha256, Arc::new(Holder { key: key.clone(), rate, spent }))
        };
        Self(keys.iter().take(MOST_KEYS).map(holder).collect())
    }

    pub(super) fn find(&self, key: &str) -> Option<Arc<Holder>> {
        self.0.get(&KeyDigest::of(key)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_keeps_what_a_key_has_spent() {
        let mut key = ApiKey::new("shop", KeyDigest::of("tlk_1"));
        key.rate = 2;
        let keys = Keys::new(&[key.clone()], &Keys::default());
        let now = Duration::from_secs(9);
        assert!(keys.find("tlk_2").is_none());
        assert_eq!(keys.find("tlk_1").unwrap().spend(now, 2), Ok(()));
        key.name = "other".to_owned();
        let keys = Keys::new(&[key], &keys);
        let too_often = Fault::TooOften { a_second: 2, wait: Duration::from_millis(500) };
        assert_eq!(keys.find("tlk_1").unwrap().spend(now, 1), Err(too_often));
        assert_eq!(keys.find("tlk_1").unwrap().spend(now + Duration::from_secs(1), 2), Ok(()));
    }
}
