//! The key of a server that may use the API: its digest, its scopes, its channels and its rate.
//!
//! Pure data. The gateway knows the digest of a key, and never the key.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use aws_lc_rs::digest;

use crate::backend::pattern::Pattern;

/// The beginning of each key. A search for leaked keys finds it.
pub const PREFIX: &str = "tlk_";
/// The most keys of a gateway.
pub const MOST_KEYS: usize = 1_000;
/// The most patterns of a key.
pub const MOST_PATTERNS: usize = 100;
/// The most bytes of a name.
pub const NAME_BYTES: usize = 64;
/// How many calls and publications a second a key has, if its table does not say.
pub const RATE: u32 = 10_000;

/// A key of the API, as the configuration states it.
///
/// # Examples
/// ```
/// use throughline::{ApiKey, KeyDigest, Pattern, Scope};
///
/// let mut key = ApiKey::new("shop", KeyDigest::of("tlk_0123456789"));
/// key.scopes.push(Scope::Publish);
/// key.channels.push(Pattern::try_from("room/{room}").unwrap());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiKey {
    /// The name that the log shows.
    pub name: String,
    /// The digest of the key.
    pub sha256: KeyDigest,
    /// The acts of the key.
    pub scopes: Vec<Scope>,
    /// The channels that it may do that to.
    pub channels: Vec<Pattern>,
    /// The most calls and publications a second.
    pub rate: u32,
    /// How many of them may come at once. `None` means those of one second.
    pub burst: Option<u32>,
}

impl ApiKey {
    /// Returns a key that may do nothing yet.
    #[must_use]
    pub fn new(name: impl Into<String>, sha256: KeyDigest) -> Self {
        Self { name: name.into(), sha256, scopes: Vec::new(), channels: Vec::new(), rate: RATE, burst: None }
    }

    /// Returns true if the key may act on this channel.
    #[must_use]
    pub fn reaches(&self, channel: &str) -> bool {
        self.channels.iter().any(|pattern| pattern.matches(channel))
    }

    /// Returns true if the key may act on each channel that this pattern matches. A pattern that several patterns of
    /// the key match together counts as one that it may not use.
    #[must_use]
    pub fn covers(&self, pattern: &str) -> bool {
        // A placeholder fills one segment, as a name does. Only `{*rest}` fills several.
        let fills_several = |pattern: &str| pattern.contains("{*");
        self.channels.iter().any(|own| own.matches(pattern) && (fills_several(own.as_str()) || !fills_several(pattern)))
    }
}

/// The acts that a key allows.
///
/// # Examples
/// ```
/// use throughline::Scope;
///
/// assert_eq!("publish".parse(), Ok(Scope::Publish));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// To publish.
    Publish,
    /// To read metrics, and to list sessions.
    Read,
    /// To make and revoke tokens, and to end sessions.
    Manage,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Publish, Self::Read, Self::Manage];

    /// Returns the word in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Read => "read",
            Self::Manage => "manage",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of publish, read and manage")]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(word: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.name() == word).ok_or_else(|| UnknownScope(word.to_owned()))
    }
}

/// The SHA-256 of a key. A text of 64 hexadecimal digits states it.
///
/// # Examples
/// ```
/// use throughline::KeyDigest;
///
/// let digest = KeyDigest::of("tlk_0123456789");
/// assert_eq!(digest.to_string().parse(), Ok(digest));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// Returns the digest of a key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, key.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(64);
        self.0.iter().try_for_each(|byte| write!(text, "{byte:02x}"))?;
        f.write_str(&text)
    }
}

/// A text that is no [`KeyDigest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be a SHA-256 of 64 hexadecimal digits, as `throughline key` prints it, and not the key itself")]
pub struct BadKeyDigest;

impl FromStr for KeyDigest {
    type Err = BadKeyDigest;

    fn from_str(text: &str) -> Result<Self, BadKeyDigest> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(BadKeyDigest);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| BadKeyDigest)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| BadKeyDigest)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(patterns: &[&str]) -> ApiKey {
        let mut key = ApiKey::new("shop", KeyDigest::of("tlk_1"));
        key.channels = patterns.iter().map(|pattern| Pattern::try_from(*pattern).unwrap()).collect();
        key
    }

    #[test]
    fn a_digest_is_its_text() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(KeyDigest::of("abc").to_string(), known);
        assert_eq!(known.to_uppercase().parse(), Ok(KeyDigest::of("abc")));
        for text in ["", "tlk_1", &known[1..], &format!("{known}0"), &"é".repeat(32), &"+1".repeat(32)] {
            assert_eq!(text.parse::<KeyDigest>(), Err(BadKeyDigest), "{text}");
        }
    }

    #[test]
    fn a_key_covers_a_pattern_only_if_it_reaches_each_of_its_names() {
        for (own, pattern, covers) in [
            ("room/{room}", "room/{room}", true),
            ("room/{room}", "room/1", true),
            ("room/{room}", "room/truck-{n}", true),
            ("room/{room}", "room/{*rest}", false),
            ("room/{room}", "{a}/{b}", false),
            ("room/truck-{n}", "room/{n}", false),
            ("room/{*rest}", "room/{a}/{b}", true),
            ("room/{*rest}", "room/{*all}", true),
            ("room/{*rest}", "{*all}", false),
            ("a/{b}/{*rest}", "a/{*rest}", false),
            ("{*all}", "room/{*rest}", true),
            ("{*all}", "@presence/1", false),
            ("news", "news", true),
            ("news", "{n}", false),
        ] {
            assert_eq!(key(&[own]).covers(pattern), covers, "{own} {pattern}");
        }
        assert!(!key(&[]).reaches("news") && key(&["a", "news"]).reaches("news"));
    }
}
