//! What may be changed while the gateway runs.

use std::sync::Arc;
use std::time::Duration;

use super::config::Config;
use crate::node::Node;
use crate::node::reader::Reader;
use crate::protocol::code::{Mistake, Refusal};
use crate::protocol::{BadOffer, ChannelName, Transport};

/// A hold on a gateway that is being served. It may be cloned, and outlives the gateway without harm.
#[derive(Clone)]
pub struct Handle {
    node: Arc<Node>,
}

impl Handle {
    pub(super) const fn new(node: Arc<Node>) -> Self {
        Self { node }
    }

    /// The transports offered, best first.
    #[must_use]
    pub fn transports(&self) -> Arc<[Transport]> {
        self.node.transports()
    }

    /// Offers these transports from now on, best first. Every client is told; one on a transport that is not among them changes
    /// over within `jitter`, and is cut off a little later.
    ///
    /// # Errors
    /// As [`Transport::offer`]; nothing is changed.
    pub fn set_transports(&self, transports: &[Transport], jitter: Duration) -> Result<(), BadOffer> {
        self.node.set_transports(&Transport::offer(transports)?, jitter);
        Ok(())
    }

    /// Reads a channel from now on, without a session: nothing is kept for such a reader. It begins when this returns.
    ///
    /// # Errors
    /// If the name is no channel's, or there is no room for another channel.
    pub async fn read_channel(&self, name: &str) -> Result<Reader, Refusal> {
        let name = ChannelName::try_from(name).map_err(Mistake::from)?;
        self.node.read_channel(name, None).await
    }

    /// Applies what of a configuration can change at run time: the transports, and, for sessions that are made from now on,
    /// heartbeat and hold.
    pub fn apply(&self, config: &Config) {
        self.node.set_times(config.session.heartbeat, config.session.hold);
        self.node.set_transports(&config.session.transports, config.switch_jitter);
    }
}
