//! The decision about one client and one action.

use super::rule::{Rule, Word};
use crate::backend::grants::{Action, Grants};
use crate::protocol::ChannelName;
use crate::protocol::code::{Mistake, Refusal};

/// The placeholder whose part of the name is the owner.
pub(super) const OWNER: &str = "user";

/// A wish that a rule decides about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// To receive the channel's publications.
    Subscribe,
    /// To publish to it.
    Publish,
    /// To be present in it.
    Join,
    /// To see its present members.
    See,
    /// To read its older publications.
    History,
}

impl Ask {
    /// Every wish.
    pub const ALL: [Self; 5] = [Self::Subscribe, Self::Publish, Self::Join, Self::See, Self::History];

    /// Returns the action by which a token grants this.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Subscribe => Action::Subscribe,
            Self::Publish => Action::Publish,
            Self::Join | Self::See => Action::Presence,
            Self::History => Action::History,
        }
    }

    /// Returns the key of its list in a rule.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Publish => "publish",
            Self::Join => "presence.join",
            Self::See => "presence.see",
            Self::History => "history.read",
        }
    }

    /// Returns the refusal of a client that the rule denies this.
    #[must_use]
    pub fn denied(self) -> Refusal {
        Mistake::Denied(self.key()).into()
    }

    fn words(self, rule: &Rule) -> &[Word] {
        match self {
            Self::Subscribe => &rule.subscribe,
            Self::Publish => &rule.publish,
            Self::Join => &rule.presence.join,
            Self::See => &rule.presence.see,
            Self::History => &rule.history.read,
        }
    }
}

/// A client, as a rule sees it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Who<'a> {
    /// The user of its token.
    pub user: Option<&'a str>,
    /// The grants of its token.
    pub grants: Option<&'a Grants>,
    /// True if it is subscribed to the channel.
    pub is_subscribed: bool,
    /// True for an API key. A rule never denies it anything, so the scope of the key must be checked before.
    pub is_api_key: bool,
}

/// The answer of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Verdict {
    /// The client may.
    Allowed,
    /// The backend decides.
    AskBackend,
    /// The client may not.
    Denied,
}

/// Decides. A word that allows it wins over `backend`, because it needs no question.
pub(super) fn decide(rule: &Rule, channel: &ChannelName, ask: Ask, who: &Who<'_>) -> Verdict {
    let words = ask.words(rule);
    if who.is_api_key || words.iter().any(|word| is_meant(*word, rule, channel, ask, who)) {
        Verdict::Allowed
    } else if words.contains(&Word::Backend) {
        Verdict::AskBackend
    } else {
        Verdict::Denied
    }
}

/// Returns true if the word means this client. `backend` never does by itself.
fn is_meant(word: Word, rule: &Rule, channel: &ChannelName, ask: Ask, who: &Who<'_>) -> bool {
    let name = channel.as_str();
    match word {
        Word::Anyone => true,
        Word::User => who.user.is_some(),
        Word::Owner => who.user.is_some_and(|user| rule.pattern.captured(OWNER, name) == Some(user)),
        Word::Token => who.user.is_some() && who.grants.is_some_and(|grants| grants.allow(ask.action(), name)),
        // A subscription must not allow itself to be renewed after the rule changed.
        Word::Subscriber => who.is_subscribed && ask != Ask::Subscribe,
        Word::Nobody | Word::Backend => false,
    }
}
