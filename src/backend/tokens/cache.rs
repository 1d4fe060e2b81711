//! The tokens that were verified, so that each is verified once.
//!
//! It keeps good tokens only. A stranger makes a fresh bad token for nothing, so verdicts about bad ones would save no
//! work against an attack, and would push good ones out. Some of them also change: a key may come, and `nbf` passes.

use std::collections::HashMap;
use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::SystemTime;

use super::key::KeyId;
use crate::backend::Identity;
use crate::protocol::token::Token;

/// The bytes at a token's end that are hashed. They are of its signature, which only its key makes. So
/// they spread as well as a digest of the whole token, which costs 14,000 instructions.
const HASHED: usize = 16;
/// The bytes of tokens that a cache keeps for each entry that it may have. An identity provider's token has some 700.
const BYTES_EACH: usize = 1_024;

/// A good token.
#[derive(Clone)]
pub(super) struct Entry {
    /// The sessions of one token share it.
    pub(super) identity: Arc<Identity>,
    /// The key that made its signature. Without that key the entry is worth nothing.
    pub(super) key: KeyId,
    /// When it is no longer accepted.
    pub(super) until: SystemTime,
}

/// A bounded map in two generations. A full young one becomes the old one, and the old one is dropped. An entry that
/// is used becomes young again, so the cache keeps those in use.
pub(super) struct Cache {
    young: Generation,
    old: Generation,
    /// The most entries of a generation.
    most: usize,
}

#[derive(Default)]
struct Generation {
    entries: HashMap<Token, Entry, ByEnd>,
    /// The bytes of its tokens.
    bytes: usize,
}

impl Generation {
    fn remove(&mut self, token: &Token) -> Option<(Token, Entry)> {
        let removed = self.entries.remove_entry(token)?;
        self.bytes -= removed.0.reveal().len();
        Some(removed)
    }

    /// Returns true if it has no room for a token.
    fn is_full(&self, token: &Token, most: usize) -> bool {
        self.entries.len() >= most || self.bytes + token.reveal().len() > most * BYTES_EACH
    }

    fn insert(&mut self, token: Token, entry: Entry) {
        let bytes = token.reveal().len();
        if self.entries.insert(token, entry).is_none() {
            self.bytes += bytes;
        }
    }
}

/// Hashes a text by its end.
#[derive(Default)]
struct ByEnd(RandomState);

impl BuildHasher for ByEnd {
    type Hasher = EndHasher;

    fn build_hasher(&self) -> EndHasher {
        EndHasher(self.0.build_hasher())
    }
}

struct EndHasher(DefaultHasher);

impl Hasher for EndHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(&bytes[bytes.len().saturating_sub(HASHED)..]);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

impl Cache {
    /// Returns a cache of at most this many entries, and of as many KB of tokens.
    pub(super) fn new(entries: usize) -> Self {
        Self { young: Generation::default(), old: Generation::default(), most: (entries / 2).max(1) }
    }

    /// Returns the identity of a token, if its entry is still good. It forgets an entry that is not.
    pub(super) fn get(&mut self, token: &Token, is_good: impl FnOnce(&Entry) -> bool) -> Option<Arc<Identity>> {
        let entry = self.young.entries.get(token).or_else(|| self.old.entries.get(token))?;
        if !is_good(entry) {
            self.young.remove(token);
            self.old.remove(token);
            return None;
        }
        let identity = Arc::clone(&entry.identity);
        if !self.old.entries.is_empty()
            && let Some((token, entry)) = self.old.remove(token)
        {
            self.put(token, entry);
        }
        Some(identity)
    }

    pub(super) fn put(&mut self, token: Token, entry: Entry) {
        if self.young.is_full(&token, self.most) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token, entry);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.entries.len() + self.old.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::tokens::key::Key;

    fn entry(user: &str) -> Entry {
        let key = Key::of_secret(&"s".repeat(32).parse().unwrap()).unwrap().id;
        Entry { identity: Arc::new(Identity::user(user)), key, until: SystemTime::UNIX_EPOCH }
    }

    fn token(text: impl Into<String>) -> Token {
        Token::new(text.into()).unwrap()
    }

    #[test]
    fn a_cache_is_bounded_and_keeps_what_is_used() {
        let mut cache = Cache::new(100);
        let used = token("used");
        cache.put(used.clone(), entry("used"));
        for number in 1..=250u8 {
            cache.put(token(number.to_string()), entry("other"));
            assert!(cache.len() <= 100, "{}", cache.len());
            assert!(cache.get(&used, |_| true).is_some(), "{number}");
        }
        assert!(cache.get(&token("1"), |_| true).is_none());
    }

    #[test]
    fn the_bytes_of_the_tokens_in_a_cache_are_bounded() {
        let mut cache = Cache::new(100);
        for number in 0..1_000 {
            cache.put(token(format!("{}{number}", "x".repeat(8_000))), entry("ali"));
            let bytes = cache.young.bytes + cache.old.bytes;
            assert!(bytes <= 100 * BYTES_EACH, "{bytes}");
            assert_eq!(
                bytes,
                cache.young.entries.keys().chain(cache.old.entries.keys()).map(|t| t.reveal().len()).sum::<usize>()
            );
        }
        assert_eq!(cache.len(), 10, "six old ones and four young ones");
    }

    #[test]
    fn tokens_with_one_end_are_different_tokens() {
        let mut cache = Cache::new(100);
        let [ali, bea] = ["a", "b"].map(|name| token(format!("{name}{}", "x".repeat(HASHED))));
        cache.put(ali.clone(), entry("ali"));
        assert_eq!(cache.get(&bea, |_| true), None);
        cache.put(bea.clone(), entry("bea"));
        assert_eq!(cache.get(&ali, |_| true), Some(Arc::new(Identity::user("ali"))));
        assert_eq!(cache.get(&bea, |_| true), Some(Arc::new(Identity::user("bea"))));
    }

    #[test]
    fn an_entry_that_is_no_longer_good_is_forgotten() {
        let mut cache = Cache::new(2);
        let ali = token("ali");
        cache.put(ali.clone(), entry("ali"));
        assert_eq!(cache.get(&ali, |_| true), Some(Arc::new(Identity::user("ali"))));
        assert_eq!(cache.get(&ali, |_| false), None);
        assert_eq!(cache.len(), 0);
        assert_eq!(cache.young.bytes, 0);
    }
}
