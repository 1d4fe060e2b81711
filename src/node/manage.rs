//! What an operator and the application's servers ask of the node: to publish in its name, to list sessions, and to end
//! them.

use std::sync::Arc;

use super::Node;
use crate::hub::Outcome;
use crate::protocol::ChannelName;
use crate::protocol::code::{Limit, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::limits;

/// The place of a publication that the broker stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its offset.
    pub at: u64,
    /// The epoch of its channel, if the broker states it with the offset.
    pub epoch: Option<Arc<str>>,
}

impl Node {
    /// Publishes for one of the application's servers, in the name of this user if the rule of the channel wants to be
    /// told a user.
    ///
    /// # Errors
    /// No rule matches the name, the publication is too large, or as [`crate::hub::Hub::publish`].
    pub async fn publish_for_server(
        &self,
        channel: &ChannelName,
        payload: Payload,
        by: Option<&str>,
    ) -> Result<Stored, Refusal> {
        // The bound of a client's line holds here too, so every client can receive the publication.
        if payload.bytes() > limits::LINE_BYTES {
            return Err(Limit::LineBytes(payload.bytes()).into());
        }
        let publication = self.access.of_server(channel, payload, by)?;
        let (outcome, epoch) = self.operations.publish_one(channel, &publication);
        let at = match outcome {
            Outcome::Now(at) => at,
            Outcome::Later(at) => at.await,
        }?;
        Ok(Stored { at, epoch })
    }
}
