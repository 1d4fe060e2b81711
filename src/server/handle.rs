//! The control of a running gateway: publishing, changing settings, and draining.

use std::sync::Arc;
use std::time::Duration;

use super::config::Config;
use super::drain::{self, Stopped};
use super::inner::Inner;
use super::signing_in;
use crate::broker::{Retention, Retentions};
use crate::node::Node;
use crate::node::reader::Reader;
use crate::protocol::code::{Mistake, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::{BadOffer, ChannelName, Transport};

/// A handle of a gateway: it publishes, changes settings, and drains. Cloning shares it. It may outlive the server.
#[derive(Clone)]
pub struct Handle {
    node: Arc<Node>,
    histories: Histories,
    inner: Arc<Inner>,
}

/// The histories of the memory broker, and the bounds of those without a rule. Only a restart changes the latter.
#[derive(Clone)]
pub(super) struct Histories {
    pub(super) retentions: Arc<Retentions>,
    pub(super) usual: Retention,
}

impl Handle {
    pub(super) const fn new(node: Arc<Node>, histories: Histories, inner: Arc<Inner>) -> Self {
        Self { node, histories, inner }
    }

    /// Returns the transports that the gateway offers, best first.
    ///
    /// # Examples
    /// ```
    /// use throughline::{Config, Gateway, Transport};
    ///
    /// let gateway = Gateway::new(Config::default());
    /// assert_eq!(*gateway.handle().transports(), Transport::ALL);
    /// ```
    #[must_use]
    pub fn transports(&self) -> Arc<[Transport]> {
        self.node.transports()
    }

    /// Offers these transports from now on, best first, and announces them to all clients.
    ///
    /// A client on another transport changes over within `jitter`. The gateway ends a leg that is still there 10 s
    /// later.
    ///
    /// # Errors
    /// The list is empty, or has a transport twice. Then nothing changes.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use throughline::{BadOffer, Config, Gateway, Transport};
    ///
    /// let handle = Gateway::new(Config::default()).handle();
    /// handle.set_transports(&[Transport::Sse, Transport::Poll], Duration::from_secs(3))?;
    /// assert_eq!(*handle.transports(), [Transport::Sse, Transport::Poll]);
    /// # Ok::<(), BadOffer>(())
    /// ```
    pub fn set_transports(&self, transports: &[Transport], jitter: Duration) -> Result<(), BadOffer> {
        self.node.set_transports(&Transport::offer(transports)?, jitter);
        Ok(())
    }

    /// Publishes to a channel in the name of the application, and returns the offset of the publication.
    ///
    /// `data` is a JSON value, or bytes. A client receives bytes as a `Uint8Array`.
    ///
    /// # Errors
    /// The name is not valid for a channel, the publication is too large, or the gateway has no room for another
    /// channel.
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

    /// Asks all clients to leave, and returns once they have left, or at the end of `limit`.
    ///
    /// Clients leave at random times within 60 % of `limit`. Then the gateway ends the legs that are left. Meanwhile it
    /// refuses new ones.
    ///
    /// [`Gateway::serve`](super::Gateway::serve) does this at its stop. An application that serves the gateway itself
    /// calls this before its own server stops.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use throughline::{Config, Gateway, Stopped};
    ///
    /// # async fn run() {
    /// let handle = Gateway::new(Config::default()).handle();
    /// if handle.drain(Duration::from_secs(5)).await == Stopped::Cut {
    ///     println!("some clients have not left in time");
    /// }
    /// # }
    /// ```
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

    /// Reads a channel without a session. Reading begins when this returns. The gateway keeps nothing for such a
    /// reader.
    ///
    /// # Errors
    /// The name is not valid for a channel, or the gateway has no room for another channel.
    // Hidden, because the reader and its lines are types of hidden modules. The demo and the tests need it.
    #[doc(hidden)]
    pub async fn read_channel(&self, name: &str) -> Result<Reader, Refusal> {
        let name = ChannelName::try_from(name).map_err(Mistake::from)?;
        self.node.read_channel(name, None).await
    }

    /// Applies the keys that can change at run time, and ignores all others. It applies the transports and the keys of the API at once, and
    /// the history of a rule when its channel is next used. It applies the heartbeat and the hold of polls to sessions that are created afterwards.
    ///
    /// # Examples
    /// ```
    /// use throughline::{BadFile, Config, Gateway, Transport};
    ///
    /// let gateway = Gateway::new(Config::default());
    /// let file = Config::from_toml("session.transports = ['sse', 'poll']")?;
    /// gateway.handle().apply(&file);
    /// assert_eq!(*gateway.handle().transports(), [Transport::Sse, Transport::Poll]);
    /// # Ok::<(), BadFile>(())
    /// ```
    pub fn apply(&self, config: &Config) {
        self.node.set_rules(signing_in::rules(config));
        self.node.set_times(config.session.heartbeat, config.session.poll_hold);
        self.node.set_transports(&config.session.transports, config.session.switch_jitter);
        self.inner.apply(config);
        let Histories { retentions, usual } = &self.histories;
        retentions.replace(config.retentions(*usual));
    }
}
