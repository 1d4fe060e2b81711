//! What a token grants its user on channels: the claim `channels`.
//!
//! Pure data. It must never decide by itself: a rule that does not ask for a token's grant ignores it.

use serde::Deserialize;

/// The grants of a token, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Grants(pub Vec<Grant>);

/// A grant: the actions that a token allows on all channels of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The pattern, in the form of a rule's: `room/{room}`.
    pub pattern: String,
    /// The actions.
    pub allow: Vec<Action>,
}

/// An action on a channel that a rule or a grant can allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// To receive its publications.
    Subscribe,
    /// To publish to it.
    Publish,
    /// To see who is in it, or to be seen.
    Presence,
    /// To read its older publications.
    History,
}
