//! What a token grants its user on channels: the claim `channels`.
//!
//! Pure data. It must never decide by itself: a rule that does not ask for a token's grant ignores it.

use serde::{Deserialize, Serialize};

use super::pattern::{self, BadPattern};
use crate::protocol::limits::GRANTS as MOST;

/// The grants of a token, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(pub Vec<Grant>);

impl Grants {
    /// Checks each grant. A token with a bad one should be refused, because its author learns the fault from that.
    ///
    /// # Errors
    /// There are too many grants, or a pattern is invalid.
    pub fn check(&self) -> Result<(), BadGrants> {
        if self.0.len() > MOST {
            return Err(BadGrants::TooMany(self.0.len()));
        }
        let mut checked = self.0.iter().map(|grant| (grant, pattern::check(&grant.pattern)));
        checked.try_for_each(|(grant, checked)| {
            // The text comes from outside, so only its beginning is shown.
            let shown = || grant.pattern.chars().take(pattern::LONGEST).collect();
            checked.map_err(|why| BadGrants::Pattern { pattern: shown(), why })
        })
    }

    /// Returns true if a grant allows this action on this channel. An invalid pattern allows nothing. Neither do the
    /// grants beyond [`MOST`].
    #[must_use]
    pub fn allow(&self, action: Action, channel: &str) -> bool {
        let mut grants = self.0.iter().take(MOST).filter(|grant| grant.allow.contains(&action));
        grants.any(|grant| pattern::matches(&grant.pattern, channel))
    }
}

/// Why the claim `channels` of a token cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadGrants {
    /// It has this many grants.
    #[error("`channels` has {0} grants; the limit is {limit}", limit = MOST)]
    TooMany(usize),
    /// A pattern is invalid.
    #[error("`channels` has the pattern {pattern:?}: {why}")]
    Pattern {
        /// The pattern, or its beginning.
        pattern: String,
        /// Its fault.
        why: BadPattern,
    },
}

/// A grant: the actions that a token allows on all channels of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The pattern, in the form of a rule's: `room/{room}`.
    pub pattern: String,
    /// The actions.
    pub allow: Vec<Action>,
}

/// An action on a channel that a rule or a grant can allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// To receive its publications.
    Subscribe,
    /// To publish to it.
    Publish,
    /// To see its members, or to be seen as one.
    Presence,
    /// To read its older publications.
    History,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(pattern: &str, count: usize) -> Grants {
        let grant = Grant { pattern: pattern.to_owned(), allow: vec![Action::Publish] };
        Grants(vec![grant; count])
    }

    #[test]
    fn a_grant_allows_its_actions_on_the_channels_of_its_pattern() {
        let grants = grants("room/{room}", 1);
        assert!(grants.allow(Action::Publish, "room/1"));
        assert!(!grants.allow(Action::Subscribe, "room/1"));
        assert!(!grants.allow(Action::Publish, "@presence/room/1") && !grants.allow(Action::Publish, "room/1/2"));
    }

    #[test]
    fn a_bad_grant_is_named_and_allows_nothing() {
        assert_eq!(grants("a", MOST).check(), Ok(()));
        assert_eq!(grants("a", MOST + 1).check(), Err(BadGrants::TooMany(65)));
        let bad = grants("{room", 1);
        assert!(bad.check().unwrap_err().to_string().starts_with("`channels` has the pattern \"{room\": "));
        assert!(!bad.allow(Action::Publish, "{room"));
        let mut many = grants("a", MOST);
        many.0.extend(grants("b", 1).0);
        assert!(many.allow(Action::Publish, "a") && !many.allow(Action::Publish, "b"));
    }
}
