//! What may be changed while the gateway runs.

use std::sync::Arc;
use std::time::Duration;

use super::config::Config;
use super::drain::{self, Stopped};
use crate::node::Node;
use crate::node::reader::Reader;
use crate::protocol::code::{Mistake, Refusal};
use crate::protocol::frame::Payload;
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

    /// Publishes to a channel in the name of the application, and returns the offset of the publication.
    ///
    /// `data` is a JSON value, or bytes: a client gets bytes as a `Uint8Array`.
    ///
    /// # Errors
    /// The name is no channel's, the publication is too large, or the gateway has no room for another channel.
    ///
    /// # Examples
    /// ```
    /// # tokio_test(async {
    /// use serde_json::json;
    /// use throughline::{Config, Gateway};
    ///
    /// let gateway = Gateway::new(Config::default());
    /// let offset = gateway.handle().publish("news", json!({ "text": "hello" })).await?;
    /// assert_eq!(offset, 1);
    /// # Ok::<(), throughline::Refusal>(()) });
    /// # fn tokio_test(test: impl Future<Output = Result<(), throughline::Refusal>>) {
    /// #     tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test).unwrap();
    /// # }
    /// ```
    pub async fn publish(&self, channel: &str, data: impl Into<Payload>) -> Result<u64, Refusal> {
        let channel = ChannelName::try_from(channel).map_err(Mistake::from)?;
        self.node.publish(&channel, &data.into()).await
    }

    /// Tells all clients to leave, and ends what is left at the end of `limit`. Legs that come meanwhile are sent away.
    ///
    /// [`Gateway::serve`](super::Gateway::serve) does this at its stop. An application that serves the gateway itself calls it before
    /// its own server stops.
    pub async fn drain(&self, limit: Duration) -> Stopped {
        let left = async {
            let jitter = drain::begin(&self.node, limit);
            tokio::select! {
                () = drain::all_left(&self.node) => {}
                () = tokio::time::sleep(jitter) => {}
            }
            self.node.end_legs();
            drain::all_left(&self.node).await;
        };
        drain::within(limit, left).await
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
        self.node.set_times(config.session.heartbeat, config.session.poll_hold);
        self.node.set_transports(&config.session.transports, config.session.switch_jitter);
    }
}
