//! A publication: its content, and what the gateway says about it. Only the gateway writes the latter, so that no client
//! can publish in the name of another.

use std::sync::Arc;

use super::payload::Payload;

/// A publication before it has an offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Its content.
    pub payload: Payload,
    /// What the rule of its channel wants to be told, if anything. The publications of one batch share it.
    pub told: Option<Arc<Told>>,
}

/// What the gateway says about a publication.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// The user who published it.
    pub by: Option<Box<str>>,
    /// When the gateway received it, in milliseconds since 1970.
    pub time: Option<u64>,
}

impl<T: Into<Payload>> From<T> for Publication {
    fn from(payload: T) -> Self {
        Self { payload: payload.into(), told: None }
    }
}
