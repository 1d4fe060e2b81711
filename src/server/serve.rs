//! Serves until the stop, and stops gracefully.

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::info;

use super::Gateway;
use super::config::Inner;
use super::door::Door;
use super::drain::{self, Stopped};
use super::inner::listener;
use super::{process, routes};

impl Gateway {
    /// Serves until `stop` is ready, then drains for the configured time at most.
    ///
    /// To drain, the gateway asks all clients to leave, with jitter. It still answers their polls and sends until they
    /// have left. After the jitter it ends the legs that are left.
    ///
    /// # Errors
    /// The configuration has `[auth]`, and its keys cannot be read. Or the inner listener cannot listen. Or the task that hands sessions the time has died: a
    /// gateway must not go on without it.
    ///
    /// # Examples
    /// ```no_run
    /// use std::error::Error;
    /// use throughline::{Config, Gateway, Stopped};
    /// use tokio::net::TcpListener;
    /// use tokio::sync::oneshot;
    ///
    /// # async fn run() -> Result<(), Box<dyn Error>> {
    /// let gateway = Gateway::new(Config::default());
    /// let listener = TcpListener::bind(gateway.config().server.listen).await?;
    /// let (stop, stopping) = oneshot::channel::<()>();
    /// let served = tokio::spawn(gateway.serve(listener, async move {
    ///     let _ = stopping.await;
    /// }));
    ///
    /// // Later, for example at SIGTERM:
    /// let _ = stop.send(());
    /// let stopped: Stopped = served.await??;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve(mut self, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<Stopped> {
        if let Some(why) = &self.unfit {
            return Err(io::Error::other(why.to_string()));
        }
        let mut timers = tokio::spawn(Arc::clone(&self.node).run());
        let connections = process::make_room(self.config.limits.connections);
        self.metrics.connections_limit.set(i64::try_from(connections).unwrap_or(i64::MAX));
        let mut inner = JoinSet::new();
        if let Some(listener) = self.listen_inside().await? {
            inner.spawn(listener::serve(listener, Arc::clone(&self.inner)));
        }
        self.say_what_is_served(&listener, connections);
        let rest = routes::public(&self.node, self.start.clone());
        let most = (connections, self.config.limits.connections_of_address());
        let mut door = Door::new(listener, self.front(routes::MOUNT, rest), most, self.metrics.connections.clone());
        tokio::select! {
            () = stop => {}
            () = door.admit() => {}
            died = &mut timers => return Err(io::Error::other(format!("the timers of all sessions have stopped: {died:?}"))),
        }
        info!(sessions = self.node.sessions(), "stopping: the gateway asks its clients to leave");
        let stopped = drain::within(self.config.server.drain, self.drain(door)).await;
        timers.abort();
        Ok(stopped)
    }

    /// Returns the inner listener, if there is one.
    async fn listen_inside(&mut self) -> io::Result<Option<TcpListener>> {
        let listener = match (self.inner_listener.take(), &self.config.inner) {
            (Some(listener), _) => listener,
            (None, Some(Inner { listen, .. })) => TcpListener::bind(listen).await?,
            (None, None) => return Ok(None),
        };
        let (address, keys) = (listener.local_addr()?, self.config.keys.len());
        info!(%address, keys, "the inner listener serves the API");
        Ok(Some(listener))
    }

    /// Writes the first line of the log.
    fn say_what_is_served(&self, listener: &TcpListener, connections: usize) {
        let address = listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
        let settings = self.config.settings();
        let shown = |key| settings.iter().find(|setting| setting.name() == key).map(|setting| &*setting.value);
        let (transports, origins) = (shown("session.transports"), shown("server.origins"));
        let (sessions, channels, files) = (self.config.limits.sessions, self.config.limits.channels, process::most());
        let version = env!("CARGO_PKG_VERSION");
        let signs_in = self.config.auth.is_some();
        let rules = self.config.channels.len();
        info!(signs_in, rules, "sign-in and rules of channels");
        info!(version, address, transports, origins, connections, sessions, channels, files, "the gateway starts");
    }

    async fn drain(&self, mut door: Door) {
        let jitter = drain::begin(&self.node, self.config.server.drain);
        tokio::select! {
            () = door.admit() => {}
            () = drain::all_left(&self.node) => {}
            () = tokio::time::sleep(jitter) => {}
        }
        self.node.end_legs();
        door.close().await;
        drain::all_left(&self.node).await;
    }
}
