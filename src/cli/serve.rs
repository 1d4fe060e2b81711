//! `throughline serve`: the gateway until it is told to stop. It never opens netlab.

use std::io;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use super::{failed, say};
use crate::server::Gateway;
use crate::server::config::Config;
use crate::server::serve::Stopped;

pub(super) fn run(config: Config) -> ExitCode {
    on_a_runtime(async {
        let listener = listen(&config).await?;
        serve(Gateway::new(config), listener).await
    })
}

/// Runs a future on a runtime of its own, and says what became of it.
pub(super) fn on_a_runtime(work: impl Future<Output = io::Result<()>>) -> ExitCode {
    let outcome = tokio::runtime::Runtime::new().and_then(|runtime| runtime.block_on(work));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

pub(super) async fn listen(config: &Config) -> io::Result<TcpListener> {
    let address = config.listen;
    TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

/// Serves until SIGTERM or Ctrl-C, then drains.
pub(super) async fn serve(gateway: Gateway, listener: TcpListener) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    say(&format!("listening on http://{}", listener.local_addr()?));
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    match gateway.serve(listener, stop).await? {
        Stopped::Drained => info!("stopped: everybody has left"),
        Stopped::Cut => info!("stopped: the deadline came, the rest was cut"),
    }
    Ok(())
}
