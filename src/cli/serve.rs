//! `throughline serve`: the gateway until it is stopped. It never opens netlab.
//!
//! On SIGHUP it reads its file again, if it was started with one. The environment and the options still override the
//! file. Without a file nothing can change, since the environment of a process stays as it is. Then a hangup ends it, as
//! it ends any program that was not started by `nohup`.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::{Serve, failed, say};
use crate::server::Gateway;
use crate::server::Stopped;
use crate::server::config::{Change, Config};
use crate::server::handle::Handle;
use crate::server::process::ignores_hangups;

pub(super) fn run(config: Config, options: &Serve) -> ExitCode {
    on_a_runtime(async {
        let listener = listen(&config)?;
        config.oddities().iter().for_each(|odd| warn!("{odd}"));
        let mut gateway = Gateway::new(config.clone());
        if let Some(inner) = &config.inner {
            gateway = gateway.inner_listener(listen_at(inner.listen)?);
        }
        if options.config.is_none() {
            if ignores_hangups() {
                info!("SIGHUP is ignored, as under nohup: a hangup does not end this gateway, but SIGTERM does");
            }
            return serve(gateway, listener).await;
        }
        let hangup = signal(SignalKind::hangup())?;
        let handle = gateway.handle();
        tokio::select! {
            served = serve(gateway, listener) => served,
            () = follow(hangup, options, config, handle) => Ok(()),
        }
    })
}

/// Applies the file again at each hangup (SIGHUP), while the gateway runs. A faulty file changes nothing.
async fn follow(mut hangup: Signal, options: &Serve, started: Config, handle: Handle) {
    let mut last = started.clone();
    while hangup.recv().await.is_some() {
        match options.configuration() {
            Err(why) => warn!("the configuration is left as it is: {why}"),
            Ok(config) => {
                handle.apply(&config);
                tell(&started, &last, &config);
                last = config;
            }
        }
    }
}

/// Logs what a new reading of the file changes: since the last reading, and, for keys that need a restart, since the
/// start.
fn tell(started: &Config, last: &Config, config: &Config) {
    let (applied, differs) = last.changes(config);
    match &applied[..] {
        [] if differs.is_empty() => info!("the configuration was read again: nothing has changed"),
        [] => info!("the configuration was read again: nothing that can change at run time has changed"),
        applied => info!("the configuration was read again, and applied: {}", list(applied)),
    }
    let (_, left) = started.changes(config);
    if !left.is_empty() {
        warn!("only a restart changes {}", list(&left));
    }
    config.oddities().iter().for_each(|odd| warn!("{odd}"));
}

/// Logs the keys that the environment overrides. An operator may otherwise look for them in the file.
pub(super) fn tell_overrides(file: &Config, config: &Config) {
    let (by_reload, by_restart) = file.changes(config);
    let changes = [by_reload, by_restart].concat();
    if !changes.is_empty() {
        info!("the environment sets {}", list(&changes));
    }
}

fn list(changes: &[Change]) -> String {
    let changes: Vec<String> = changes.iter().map(Change::to_string).collect();
    changes.join(", ")
}

/// How many tasks run before the runtime looks at the network again, while there are any. With the runtime's own 61,
/// the next publications interrupt a fan-out to a thousand subscribers sixteen times. Each subscriber is then written
/// to for less at once. With 1,024 a saturated fan-out took two thirds of the CPU, and at 10 publications a second no
/// subscriber waited longer.
const EVENT_INTERVAL: u32 = 1024;

/// Runs a future on a runtime of its own, and reports its outcome.
pub(super) fn on_a_runtime(work: impl Future<Output = io::Result<()>>) -> ExitCode {
    let outcome = Builder::new_multi_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .build()
        .and_then(|runtime| runtime.block_on(work));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

/// Connections that the system keeps until they are accepted. When all clients come back at once, one that finds no
/// room tries again only after a second. The runtime's own 128 makes that the rule. The system may allow fewer
/// (`net.core.somaxconn`).
const BACKLOG: u32 = 4096;

/// Listens at the configured address. It must be called on a runtime.
pub(super) fn listen(config: &Config) -> io::Result<TcpListener> {
    listen_at(config.server.listen)
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait for the connections of the process before.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {}", reason(&error))))
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "something listens there already, another throughline perhaps; `--listen 127.0.0.1:0` takes a free port"
                .to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 are for root; choose a higher one, and put a proxy in front".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Serves until SIGTERM or Ctrl-C, then drains.
pub(super) async fn serve(gateway: Gateway, listener: TcpListener) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    say(&format!("listening on http://{}", listener.local_addr()?));
    if let Some(address) = gateway.inner_address() {
        say(&format!("the inner listener is on http://{address}"));
    }
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    match gateway.serve(listener, stop).await? {
        Stopped::Drained => info!("stopped: every client has left"),
        Stopped::Cut => info!("stopped: the deadline came, and the rest was cut"),
    }
    Ok(())
}
