//! The tokens that were verified, so that each is verified once.
//!
//! It keeps good tokens only. A stranger makes a fresh bad token for nothing, so verdicts about bad ones would save no
//! work against an attack, and would push good ones out. Some of them also change: a key may come, and `nbf` passes.

use std::collections::HashMap;
use std::time::SystemTime;

use super::key::KeyId;
use crate::backend::Identity;

/// The SHA-256 of a token.
pub(super) type Digest = [u8; 32];

/// A good token.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) identity: Identity,
    /// The key that made its signature. Without that key the entry is worth nothing.
    pub(super) key: KeyId,
    /// When it is no longer accepted.
    pub(super) until: SystemTime,
}

/// A bounded map in two generations. A full young one becomes the old one, and the old one is dropped. An entry that
/// is used becomes young again, so the cache keeps those in use.
pub(super) struct Cache {
    young: HashMap<Digest, Entry>,
    old: HashMap<Digest, Entry>,
    generation: usize,
}

impl Cache {
    /// Returns a cache of at most this many entries.
    pub(super) fn new(entries: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation: (entries / 2).max(1) }
    }

    /// Returns the identity of a token, if its entry is still good. It forgets an entry that is not.
    pub(super) fn get(&mut self, token: &Digest, is_good: impl FnOnce(&Entry) -> bool) -> Option<Identity> {
        let entry = self.young.get(token).or_else(|| self.old.get(token))?;
        if !is_good(entry) {
            self.young.remove(token);
            self.old.remove(token);
            return None;
        }
        let identity = entry.identity.clone();
        if let Some(entry) = self.old.remove(token) {
            self.put(*token, entry);
        }
        Some(identity)
    }

    pub(super) fn put(&mut self, token: Digest, entry: Entry) {
        if self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token, entry);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::tokens::key::Key;

    fn entry(user: &str) -> Entry {
        let key = Key::of_secret(&"s".repeat(32).parse().unwrap()).unwrap().id;
        Entry { identity: Identity::user(user), key, until: SystemTime::UNIX_EPOCH }
    }

    #[test]
    fn a_cache_is_bounded_and_keeps_what_is_used() {
        let mut cache = Cache::new(100);
        cache.put([0; 32], entry("used"));
        for number in 1..=250u8 {
            cache.put([number; 32], entry("other"));
            assert!(cache.len() <= 100, "{}", cache.len());
            assert!(cache.get(&[0; 32], |_| true).is_some(), "{number}");
        }
        assert!(cache.get(&[1; 32], |_| true).is_none());
    }

    #[test]
    fn an_entry_that_is_no_longer_good_is_forgotten() {
        let mut cache = Cache::new(2);
        cache.put([0; 32], entry("ali"));
        assert_eq!(cache.get(&[0; 32], |_| true), Some(Identity::user("ali")));
        assert_eq!(cache.get(&[0; 32], |_| false), None);
        assert_eq!(cache.len(), 0);
    }
}
