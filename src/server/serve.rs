//! Accepting connections, and stopping gracefully.
//!
//! Connections are served by hyper's HTTP/1 builder itself: `axum::serve` keeps buffers that make an idle stream three times as large.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use super::Gateway;
use super::metrics::Peer;

/// A request's head must have come by then; also how long an idle keep-alive connection stays.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// How often a drain looks whether the last socket has left.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
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
    /// Serves until `stop` is ready, then drains: accepts nothing new, tells clients to leave with jitter, and waits for
    /// them up to the configured time.
    ///
    /// # Errors
    /// What the listener says.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<Stopped> {
        let driver = tokio::spawn(Arc::clone(&self.driver).run());
        let router = self.router();
        let room = Arc::new(Semaphore::new(self.config.connections));
        let (leave, leaving) = watch::channel(());
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = accept(&listener, &room) => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let (socket, peer, permit) = accepted;
            let router = router.clone().layer(Extension(Peer(peer)));
            let leaving = leaving.clone();
            connections.spawn(async move {
                connection(socket, router, leaving).await;
                drop(permit);
            });
        }
        drop(listener);
        info!(sessions = self.driver.sessions(), "stopping: clients are told to leave");
        self.driver.drain(self.config.drain.mul_f64(JITTER_OF_DRAIN));
        // Connections without a request under way end now, the others with their answer.
        let _ = leave.send(());
        let all_left = async {
            while connections.join_next().await.is_some() {}
            // An upgraded socket outlives its connection's task.
            while self.driver.links() > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let stopped = match tokio::time::timeout(self.config.drain, all_left).await {
            Ok(()) => Stopped::Drained,
            Err(_) => Stopped::Cut,
        };
        driver.abort();
        Ok(stopped)
    }
}

/// The next connection, when there is room for it. Errors of one connection, or of having too many files open, pass.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, std::net::SocketAddr, tokio::sync::OwnedSemaphorePermit) {
    loop {
        let Ok(permit) = Arc::clone(room).acquire_owned().await else { unreachable!("the semaphore is never closed") };
        match listener.accept().await {
            Ok((socket, peer)) => return (socket, peer, permit),
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(socket: TcpStream, router: Router, mut leaving: watch::Receiver<()>) {
    // Lines are written whole; waiting for more of them only delays.
    let _ = socket.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .writev(false)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = leaving.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        debug!(%error, "a connection ended early");
    }
}
