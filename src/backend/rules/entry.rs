//! A rule in use: its settings, and what is made of them once.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::decide::{self, Ask, Verdict, Who};
use super::gcra::Rate;
use super::rule::{RateLimits, Rule};
use crate::protocol::ChannelName;

/// A rule in use. A channel may keep it, so that its publications need no look-up.
#[derive(Debug)]
pub struct Entry {
    rule: Rule,
    limits: Limits,
    id: u64,
}

/// The limits of publications of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) session: Option<Rate>,
    pub(super) user: Option<Rate>,
    pub(super) channel: Option<Rate>,
}

impl Entry {
    pub(super) fn new(rule: Rule) -> Self {
        let RateLimits { session, user, channel, burst } = rule.rate;
        let limit = |a_second: Option<u32>| a_second.map(|rate| Rate::new(rate, burst.unwrap_or(rate)));
        let limits = Limits { session: limit(session), user: limit(user), channel: limit(channel) };
        let mut hasher = DefaultHasher::new();
        rule.pattern.hash(&mut hasher);
        Self { rule, limits, id: hasher.finish() }
    }

    /// Returns the settings.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Decides whether a client may do this on a channel of this rule.
    pub fn decide(&self, channel: &ChannelName, ask: Ask, who: &Who<'_>) -> Verdict {
        decide::decide(&self.rule, channel, ask, who)
    }

    /// Returns true if some publication may be refused for coming too often.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        let Limits { session, user, channel } = self.limits;
        session.or(user).or(channel).is_some()
    }

    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    /// Names the rule in the keys of limits. It stays the same after a reload, because the pattern alone makes it.
    pub(super) const fn id(&self) -> u64 {
        self.id
    }
}
