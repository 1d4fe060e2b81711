//! Verifies tokens: JSON Web Tokens that an application, or an identity provider, signed.
//!
//! A stranger writes each token, so nothing of it counts before its signature holds. The key decides the algorithm.
//! Each good token is verified once; a bounded cache keeps the result.
//!
//! # Layout
//! - [`auth`]: the settings; [`url`]: the address of a key set; [`bad_auth`]: reads their keys, or says why it cannot
//! - [`key`]: a key, which verifies; `key_set`: the keys of an identity provider
//! - `parts`: a token before it is verified; `claims`: its user afterwards; `cache`: the tokens that were verified
//! - `schedule`: when a key set is fetched; `fetch`: how; `remote`: the set as it is now
//! - [`sign`]: makes a token; [`revoked`]: the tokens that an operator revoked

pub mod auth;
pub mod bad_auth;
mod cache;
mod claims;
mod fetch;
pub mod key;
mod key_set;
mod parts;
mod remote;
pub mod revoked;
mod schedule;
pub mod sign;
pub mod url;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use self::auth::Auth;
use self::bad_auth::{BadAuth, keys};
use self::cache::{Cache, Entry};
use self::claims::Rules;
use self::key::Key;
use self::key_set::KeySet;
use self::parts::Parts;
use self::remote::Remote;
use self::revoked::{Full, Revoked};
use super::Identity;
use super::decision::Decision;
use crate::protocol::code::{BadToken, Fault, Refusal};
use crate::protocol::token::Token;

/// The most good tokens that the cache keeps.
pub const CACHED: usize = 10_000;
/// The most users whose tokens may be revoked.
const REVOKED: usize = 100_000;
/// The parts of the cache, each with a lock of its own.
const SHARDS: usize = 16;
/// The longest time that a token waits for a key set: that of a fetch, and a margin.
const LONGEST_WAIT: Duration = fetch::TIMEOUT.saturating_add(Duration::from_secs(1));

/// Verifies tokens by the keys of its settings. A copy shares everything with its original.
///
/// # Examples
/// ```
/// use throughline::{Auth, Decision, Token, Tokens};
///
/// let mut auth = Auth::default();
/// auth.secrets.push("0123456789abcdef0123456789abcdef".parse()?);
/// let tokens = Tokens::new(&auth)?;
///
/// let Decision::Now(Err(refusal)) = tokens.check(&Token::new("not.a.token")?) else { panic!("it is bad") };
/// assert_eq!(refusal.code().name(), "unauthorized");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tokens(Arc<Shared>);

struct Shared {
    /// The keys of the configuration.
    keys: Vec<Key>,
    remote: Option<Remote>,
    rules: Rules,
    cache: [Mutex<Cache>; SHARDS],
    verifications: AtomicU64,
    revoked: Mutex<Revoked>,
    /// Something is revoked. Until then a token costs no more than this look.
    has_revoked: AtomicBool,
}

/// The time at which a token is checked: by the clock of the day, and by the clock that never jumps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) day: SystemTime,
    pub(crate) at: Instant,
}

impl Moment {
    fn now() -> Self {
        Self { day: SystemTime::now(), at: Instant::now() }
    }
}

/// Why a token proves nothing now.
enum Unproven {
    Bad(BadToken),
    /// The key set has no key of this name.
    UnknownKey,
    /// There is no valid key set.
    NoSet,
}

impl From<BadToken> for Unproven {
    fn from(why: BadToken) -> Self {
        match why {
            BadToken::UnknownKey => Self::UnknownKey,
            why => Self::Bad(why),
        }
    }
}

impl From<Unproven> for Refusal {
    fn from(why: Unproven) -> Self {
        match why {
            Unproven::Bad(why) => why.into(),
            Unproven::UnknownKey => BadToken::UnknownKey.into(),
            Unproven::NoSet => Fault::Keys.into(),
        }
    }
}

impl Tokens {
    /// Reads the keys of these settings. A key set is fetched by [`Tokens::run`].
    ///
    /// # Errors
    /// A file cannot be read or holds no fitting key, or the settings contradict each other.
    pub fn new(auth: &Auth) -> Result<Self, BadAuth> {
        let keys = keys(auth)?;
        let remote = auth.jwks_url.as_ref().map(|url| Remote::new(url.clone(), auth)).transpose();
        Ok(Self(Arc::new(Shared {
            keys,
            remote: remote.map_err(BadAuth::Roots)?,
            rules: Rules { audience: auth.audience.clone(), issuer: auth.issuer.clone(), leeway: auth.leeway },
            cache: std::array::from_fn(|_| Mutex::new(Cache::new(CACHED / SHARDS))),
            verifications: AtomicU64::new(0),
            revoked: Mutex::new(Revoked::new(REVOKED, claims::LONGEST_LIFE + auth.leeway)),
            has_revoked: AtomicBool::new(false),
        })))
    }

    /// Says which user a token proves. The decision comes later only while a fetch is under way that may bring its key.
    ///
    /// # Errors
    /// The token is bad, or there is no valid key set.
    pub fn check(&self, token: &Token) -> Decision<Result<Arc<Identity>, Refusal>> {
        self.check_at(token, Moment::now())
    }

    /// Keeps the key set fresh, until the future is dropped. It ends at once if there is none. One such future serves
    /// all copies.
    pub async fn run(&self) {
        if let Some(remote) = &self.0.remote {
            remote.follow().await;
        }
    }

    /// Refuses the tokens of this user that were issued before a time, from now on.
    ///
    /// # Errors
    /// There are too many such users.
    pub(crate) fn revoke(&self, user: &str, issued_before: SystemTime) -> Result<(), Full> {
        self.0.revoked().revoke(user, issued_before, SystemTime::now())?;
        self.0.has_revoked.store(true, Ordering::Release);
        Ok(())
    }

    /// Returns true if the token of this identity is revoked.
    #[must_use]
    pub(crate) fn is_revoked(&self, identity: &Identity) -> bool {
        self.0.has_revoked.load(Ordering::Acquire) && self.0.revoked().refuses(identity)
    }

    /// Returns how many signatures were verified.
    #[must_use]
    pub fn verifications(&self) -> u64 {
        self.0.verifications.load(Ordering::Relaxed)
    }

    /// Returns how many fetches of the key set began.
    #[must_use]
    pub fn fetches(&self) -> u64 {
        self.0.remote.as_ref().map_or(0, Remote::fetches)
    }

    pub(crate) fn check_at(&self, token: &Token, now: Moment) -> Decision<Result<Arc<Identity>, Refusal>> {
        let why = match self.0.judge(token, now) {
            Ok(identity) => return Decision::Now(Ok(identity)),
            Err(why) => why,
        };
        if let Unproven::Bad(why) = why {
            return Decision::Now(Err(why.into()));
        }
        let Some(mut ended) = self.0.fetch_that_may_prove(&why, now) else {
            // A fetch may have ended since that verdict.
            return Decision::Now(self.0.judge(token, now).map_err(Refusal::from));
        };
        let (shared, token) = (Arc::clone(&self.0), token.clone());
        Decision::Later(Box::pin(async move {
            // The verdict is the same whether the fetch ended or its time did.
            let _ = timeout(LONGEST_WAIT, ended.changed()).await;
            shared.judge(&token, Moment::now()).map_err(Refusal::from)
        }))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("keys", &self.0.keys).finish_non_exhaustive()
    }
}

impl Shared {
    fn judge(&self, token: &Token, now: Moment) -> Result<Arc<Identity>, Unproven> {
        let identity = self.proven(token, now)?;
        let is_revoked = self.has_revoked.load(Ordering::Acquire) && self.revoked().refuses(&identity);
        if is_revoked { Err(BadToken::Revoked.into()) } else { Ok(identity) }
    }

    fn revoked(&self) -> MutexGuard<'_, Revoked> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the identity that a token proves, revoked or not.
    fn proven(&self, token: &Token, now: Moment) -> Result<Arc<Identity>, Unproven> {
        let set = self.remote.as_ref().and_then(|remote| remote.set(now.at));
        // The lock is held while a signature is verified: of several legs with one token, one verifies it.
        let mut cache = self.shard(token).lock().unwrap_or_else(PoisonError::into_inner);
        let is_good = |entry: &Entry| now.day < entry.until && self.vouches(set.as_deref(), entry);
        if let Some(identity) = cache.get(token, is_good) {
            return Ok(identity);
        }
        let parts = Parts::read(token.reveal())?;
        let key = self.key_of(&parts, set.as_deref())?;
        let identity = Arc::new(self.rules.identity(&parts.payload, now.day)?);
        if let Some(expires) = identity.expires {
            let until = self.rules.accepted_until(expires);
            cache.put(token.clone(), Entry { identity: Arc::clone(&identity), key: key.id, until });
        }
        Ok(identity)
    }

    /// Returns the key that made a token's signature.
    fn key_of<'a>(&'a self, parts: &Parts<'_>, set: Option<&'a KeySet>) -> Result<&'a Key, Unproven> {
        let mut fixed = self.keys.iter().filter(|key| key.algorithm == parts.algorithm).peekable();
        let has_fixed = fixed.peek().is_some();
        if let Some(key) = fixed.find(|key| self.verifies(key, parts)) {
            return Ok(key);
        }
        if !self.remote.as_ref().is_some_and(|remote| remote.may_have(parts.algorithm)) {
            return Err(if has_fixed { BadToken::Signature } else { BadToken::Algorithm }.into());
        }
        let key = set.ok_or(Unproven::NoSet)?.find(parts.algorithm, parts.kid.as_deref())?;
        if self.verifies(key, parts) { Ok(key) } else { Err(BadToken::Signature.into()) }
    }

    fn verifies(&self, key: &Key, parts: &Parts<'_>) -> bool {
        self.verifications.fetch_add(1, Ordering::Relaxed);
        key.verifies(parts.message, &parts.signature)
    }

    /// Returns true if the key of an entry still holds.
    fn vouches(&self, set: Option<&KeySet>, entry: &Entry) -> bool {
        self.keys.iter().any(|key| key.id == entry.key) || set.is_some_and(|set| set.holds(&entry.key))
    }

    /// Returns the end of a fetch that may prove a token which proves nothing now.
    fn fetch_that_may_prove(&self, why: &Unproven, now: Moment) -> Option<watch::Receiver<()>> {
        let remote = self.remote.as_ref()?;
        match why {
            Unproven::Bad(_) => None,
            Unproven::UnknownKey => remote.unknown(now.at),
            Unproven::NoSet => remote.first(now.at),
        }
    }

    /// Returns the part of the cache for a token. The last character but one is a whole one of its signature.
    fn shard(&self, token: &Token) -> &Mutex<Cache> {
        let character = token.reveal().as_bytes().iter().nth_back(1).copied().unwrap_or_default();
        &self.cache[usize::from(character) % SHARDS]
    }
}

#[cfg(test)]
mod tests;
