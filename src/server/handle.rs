//! What may be changed while the gateway runs.

use std::sync::Arc;
use std::time::Duration;

use super::config::Config;
use crate::driver::Driver;
use crate::protocol::Transport;

/// A hold on a gateway that is being served. It may be cloned, and outlives the gateway without harm.
#[derive(Clone)]
pub struct Handle {
    driver: Arc<Driver>,
}

impl Handle {
    pub(super) const fn new(driver: Arc<Driver>) -> Self {
        Self { driver }
    }

    /// The transports offered, best first.
    #[must_use]
    pub fn transports(&self) -> Arc<[Transport]> {
        self.driver.transports()
    }

    /// Offers these transports from now on, best first. Every client is told; one on a transport that is not among them changes
    /// over within `jitter`, and is cut off a little later.
    ///
    /// # Errors
    /// As [`Transport::offer`]; nothing is changed.
    pub fn set_transports(&self, transports: &[Transport], jitter: Duration) -> Result<(), String> {
        self.driver.set_transports(&Transport::offer(transports)?, jitter);
        Ok(())
    }

    /// Applies what of a configuration can change at run time: the transports, and, for sessions that are made from now on,
    /// heartbeat and hold.
    pub fn apply(&self, config: &Config) {
        self.driver.set_times(config.session.heartbeat, config.session.hold);
        self.driver.set_transports(&config.session.transports, config.switch_jitter);
    }
}
