//! Serving until the stop, and stopping gracefully.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tracing::info;

use super::Gateway;
use super::door::Door;
use super::process;

/// How often a drain looks whether anybody is here, and how often in a row nobody must be.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const LOOKS: u32 = 5;
/// Part of the drain that clients spread their leaving over; the rest is for their last answers.
const JITTER_OF_DRAIN: f64 = 0.6;

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// All connections ended by themselves.
    Drained,
    /// The deadline came first; the rest was cut.
    Cut,
}

impl Gateway {
    /// Serves until `stop` is ready, then drains, for the configured time at most: clients are told to leave with jitter, and until
    /// they have, those that poll and send are still answered; what is left after the jitter is ended.
    ///
    /// # Errors
    /// When what tells sessions the time has died: a gateway without it must not go on.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<Stopped> {
        let mut timers = tokio::spawn(Arc::clone(&self.node).run());
        let connections = process::make_room(self.config.connections);
        self.metrics.connections_limit.set(i64::try_from(connections).unwrap_or(i64::MAX));
        self.say_what_is_served(&listener, connections);
        let mut door = Door::new(listener, self.front(), connections, self.metrics.connections.clone());
        tokio::select! {
            () = stop => {}
            () = door.admit() => {}
            died = &mut timers => return Err(io::Error::other(format!("the timers of all sessions have stopped: {died:?}"))),
        }
        info!(sessions = self.node.sessions(), "stopping: clients are told to leave");
        let stopped = match tokio::time::timeout(self.config.drain, self.drain(door)).await {
            Ok(()) => Stopped::Drained,
            Err(_) => Stopped::Cut,
        };
        timers.abort();
        Ok(stopped)
    }

    /// The first line of the log.
    fn say_what_is_served(&self, listener: &TcpListener, connections: usize) {
        let address = listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
        let listed = |key| self.config.values().into_iter().find(|(name, _)| *name == key).map(|(_, value)| value);
        let (transports, origins) = (listed("transports").unwrap_or_default(), listed("origins").unwrap_or_default());
        let (sessions, channels, files) = (self.config.sessions, self.config.channels.channels, process::most());
        let version = env!("CARGO_PKG_VERSION");
        info!(version, address, transports, origins, connections, sessions, channels, files, "the gateway starts");
    }

    async fn drain(&self, mut door: Door) {
        let jitter = self.config.drain.mul_f64(JITTER_OF_DRAIN);
        self.node.drain(jitter);
        tokio::select! {
            () = door.admit() => {}
            () = self.all_left() => {}
            () = tokio::time::sleep(jitter) => {}
        }
        self.node.end_legs();
        door.close().await;
        self.all_left().await;
    }

    /// Nobody has been here for a while; between two polls nobody is here for a moment.
    async fn all_left(&self) {
        let mut looks = 0;
        while looks < LOOKS {
            looks = if self.node.links() == 0 { looks + 1 } else { 0 };
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}
