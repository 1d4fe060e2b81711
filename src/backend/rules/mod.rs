//! The rules of channels: each allows actions on the channels of a pattern, and says how these channels behave.
//!
//! Pure: no I/O and no clock. A rule never asks the backend, and never ends a subscription. It says so, and the node
//! acts.
//!
//! # Layout
//! - [`rule`]: the settings of a rule
//! - [`decide`]: the decision about one client and one action
//! - [`entry`]: a rule in use
//! - [`gcra`]: a rate limit that keeps one number; [`limiter`]: the numbers of many; [`publications`]: the limits of a
//!   rule

pub mod decide;
pub mod entry;
pub mod gcra;
pub mod limiter;
pub mod publications;
pub mod rule;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use matchit::Router;

use self::decide::{Ask, OWNER, Verdict, Who};
use self::entry::Entry;
use self::rule::{Rule, Word};
use super::pattern::{Pattern, RESERVED};
use crate::protocol::ChannelName;

/// The most rules. A look-up stays as fast with them as with one.
const MOST: usize = 10_000;

/// All rules of a gateway, ready for look-ups.
#[derive(Clone, Default)]
pub struct Rules {
    router: Router<Arc<Entry>>,
    count: usize,
    asks_backend: bool,
}

impl Rules {
    /// Returns the rules.
    ///
    /// # Errors
    /// Two rules match the same names, or a rule can hardly be meant. The error names the rule.
    pub fn new(rules: &[Rule]) -> Result<Self, BadRules> {
        if rules.len() > MOST {
            return Err(BadRules::TooMany(rules.len()));
        }
        let count = rules.len();
        let mut router = Router::new();
        let mut asks_backend = false;
        for (place, rule) in rules.iter().enumerate() {
            asks_backend |= rule.asks_backend();
            check(rule)?;
            let entry = Arc::new(Entry::new(rule.clone()));
            router.insert(rule.pattern.as_str(), entry).map_err(|_| conflict(rule, &rules[..place]))?;
        }
        Ok(Self { router, count, asks_backend })
    }

    /// Returns rules that match no name, so every channel is closed. They are not open mode.
    #[must_use]
    pub fn closed() -> Self {
        Self { count: 1, ..Self::default() }
    }

    /// Returns the rule of a channel. Literal text beats a placeholder. No rule matches a name that begins with `@`.
    /// Neither does one match a name whose most literal pattern would fill a placeholder with nothing.
    ///
    /// It allocates nothing, unless literal text competes with a placeholder, or the pattern has more than three
    /// placeholders.
    #[must_use]
    pub fn find<'a>(&'a self, channel: &'a ChannelName) -> Option<Found<'a>> {
        let name = channel.as_str();
        // A pattern such as `{*all}` must not open the gateway's own channels.
        if name.starts_with(RESERVED) {
            return None;
        }
        let entry = self.router.at(name).ok()?.value;
        // The router also fills a placeholder with nothing: `a/{b}/c` with `a//c`.
        let matches = entry.rule().pattern.matches(name);
        matches.then_some(Found { entry, channel })
    }

    /// Returns true if a rule has the word `backend`, so that the gateway needs one.
    #[must_use]
    pub const fn asks_backend(&self) -> bool {
        self.asks_backend
    }

    /// Returns the number of rules.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Returns true without any rule. Open mode then allows every name.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("count", &self.count).field("asks_backend", &self.asks_backend).finish()
    }
}

/// The rule of a channel. A log shows it as its pattern and its line.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    entry: &'a Arc<Entry>,
    channel: &'a ChannelName,
}

impl<'a> Found<'a> {
    /// Returns the settings.
    #[must_use]
    pub fn rule(&self) -> &'a Rule {
        self.entry.rule()
    }

    /// Returns the rule, for the channel to keep.
    #[must_use]
    pub const fn entry(&self) -> &'a Arc<Entry> {
        self.entry
    }

    /// Decides whether a client may do this.
    pub fn decide(&self, ask: Ask, who: &Who<'_>) -> Verdict {
        self.entry.decide(self.channel, ask, who)
    }
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        named(&self.rule().pattern, self.rule().line).fmt(f)
    }
}

/// Why rules cannot be used. Each error names its rule by pattern and line.
///
/// # Examples
/// ```
/// use throughline::{BadPattern, BadRules, Config, Conflict, Pattern, Rule};
///
/// let mut config = Config::default();
/// for pattern in ["room/{id}", "room/{room}"] {
///     config.channels.push(Rule::new(Pattern::try_from(pattern)?));
/// }
/// assert!(matches!(config.check(), Err(Conflict::Rules(BadRules::Conflict { .. }))));
/// # Ok::<(), BadPattern>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRules {
    /// Two rules match the same names, and neither is more literal.
    #[error(
        "{} and {} match the same names, and neither is more literal: keep one",
        named(first, *first_line), named(second, *second_line)
    )]
    Conflict {
        /// The pattern of the earlier rule.
        first: Pattern,
        /// Its line.
        first_line: Option<usize>,
        /// The pattern of the later rule.
        second: Pattern,
        /// Its line.
        second_line: Option<usize>,
    },
    /// A rule has the word `owner`, and its pattern does not say where the user's name stands.
    #[error("{} has the word `owner`, so its pattern must have {{user}}, as in inbox/{{user}}", named(pattern, *line))]
    NoOwner {
        /// The pattern.
        pattern: Pattern,
        /// Its line.
        line: Option<usize>,
    },
    /// A rule lets only subscribers subscribe.
    #[error("{} has the word `subscriber` in `subscribe`, where it can mean no client", named(pattern, *line))]
    SubscriberSubscribes {
        /// The pattern.
        pattern: Pattern,
        /// Its line.
        line: Option<usize>,
    },
    /// There are this many rules.
    #[error("{0} rules; the limit is {MOST}")]
    TooMany(usize),
}

impl BadRules {
    /// Returns the line of the rule to change: of two, the later one.
    #[must_use]
    pub const fn line(&self) -> Option<usize> {
        match self {
            Self::Conflict { second_line: line, .. }
            | Self::NoOwner { line, .. }
            | Self::SubscriberSubscribes { line, .. } => *line,
            Self::TooMany(_) => None,
        }
    }
}

/// Checks a rule by itself.
fn check(rule: &Rule) -> Result<(), BadRules> {
    let (pattern, line) = (|| rule.pattern.clone(), rule.line);
    let has_owner = rule.words().iter().any(|(_, words)| words.contains(&Word::Owner));
    if has_owner && !rule.pattern.has(OWNER) {
        return Err(BadRules::NoOwner { pattern: pattern(), line });
    }
    if rule.subscribe.contains(&Word::Subscriber) {
        return Err(BadRules::SubscriberSubscribes { pattern: pattern(), line });
    }
    Ok(())
}

/// Returns the conflict of a rule with one of those before it. The router names one pattern only, in a form of its own.
fn conflict(rule: &Rule, before: &[Rule]) -> BadRules {
    let conflicts = |other: &&Rule| {
        let mut pair = Router::new();
        pair.insert(other.pattern.as_str(), ()).and_then(|()| pair.insert(rule.pattern.as_str(), ())).is_err()
    };
    let other = before.iter().find(conflicts).unwrap_or(rule);
    BadRules::Conflict {
        first: other.pattern.clone(),
        first_line: other.line,
        second: rule.pattern.clone(),
        second_line: rule.line,
    }
}

/// Names a rule for people.
fn named(pattern: &Pattern, line: Option<usize>) -> String {
    line.map_or_else(|| format!("`{pattern}`"), |line| format!("`{pattern}` (line {line})"))
}
