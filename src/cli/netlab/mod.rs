//! `throughline netlab NETWORK --to URL`: any application on this machine behind a named hostile network. Loopback
//! only.
//!
//! Two things switch the network while it runs: typed lines (`keys`), and HTTP on a second port (`page`). That port
//! answers even while the network resets everything. The command knows nothing of the application, and changes only
//! what the network says.

mod application;
mod keys;
mod page;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use self::application::Application;
use super::serve::on_a_runtime;
use super::{networks, say, usage};
use crate::netlab::{Front, Network};

#[derive(Args)]
pub(super) struct Netlab {
    /// The network to begin with, by its name; `clear` without it.
    network: Option<String>,
    /// The application: an http:// URL on this machine.
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Where its clients connect; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// Where the page is that switches the network; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8082", value_name = "ADDR:PORT")]
    page: SocketAddr,
    /// List the networks with a sentence each. So does the command without arguments.
    #[arg(long)]
    list: bool,
}

pub(super) fn run(options: &Netlab) -> ExitCode {
    if options.list || (options.network.is_none() && options.to.is_none()) {
        say(&networks::list());
        say("  throughline netlab NETWORK --to http://127.0.0.1:5173 puts an application behind one of them.");
        return ExitCode::SUCCESS;
    }
    match options.prepared() {
        Ok((application, network)) => on_a_runtime(stand(options, application, network)),
        Err(why) => usage(&why),
    }
}

impl Netlab {
    /// Returns the application and the network before it, or says what is wrong.
    fn prepared(&self) -> Result<(Application, Network), String> {
        let name = self.network.as_deref().unwrap_or("clear");
        let network = networks::named(name, 0)
            .ok_or_else(|| format!("no network is named {name:?}. There are:\n{}", networks::list()))?;
        let to = self.to.as_deref().ok_or("--to URL is missing: the application, for example http://127.0.0.1:5173")?;
        for (option, address) in [("--listen", self.listen), ("--page", self.page)] {
            if !address.ip().is_loopback() {
                return Err(format!(
                    "{option} {address} is not loopback: a hostile network is for this machine only; take 127.0.0.1"
                ));
            }
        }
        Ok((Application::parse(to)?, network))
    }
}

/// Runs the network until the process is stopped.
async fn stand(options: &Netlab, application: Application, network: Network) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let lab = Arc::new(Lab::open(options.listen, application).await?);
    let listener = TcpListener::bind(options.page).await.map_err(|error| cannot("--page", options.page, &error))?;
    let page = listener.local_addr()?;
    say(&format!("listening on http://{}", lab.front.addr()));
    say(&format!("open {} instead of {}", lab.shown(), lab.application.shown()));
    say(&format!("to switch the network open http://{page}/"));
    lab.switch(network);
    tokio::select! {
        served = page::serve(listener, Arc::clone(&lab)) => served,
        () = keys::follow(Arc::clone(&lab)) => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

/// An application and the network before it.
struct Lab {
    application: Application,
    front: Front,
}

impl Lab {
    async fn open(listen: SocketAddr, application: Application) -> io::Result<Self> {
        let front = Front::bind("netlab", listen, application.upstream()).await;
        let front = front.map_err(|error| cannot("--listen", listen, &error))?;
        Ok(Self { application, front })
    }

    /// Returns the URL of the application, through the network.
    fn shown(&self) -> String {
        format!("http://{}{}", self.front.addr(), self.application.path())
    }

    /// Returns the name and the meaning of the network in force, or none if it was described whole and has no name.
    fn named(&self) -> Option<(&'static str, &'static str)> {
        let network = self.front.network();
        networks::all().find(|(name, _)| networks::named(name, network.seed).as_ref() == Some(&network))
    }

    /// Switches the network, and says so on standard output.
    fn switch(&self, network: Network) {
        self.front.set_network(network);
        let (name, meaning) = self.named().unwrap_or(("unnamed", "It was described over HTTP."));
        say(&format!("network: {name}. {meaning}"));
    }
}

fn cannot(option: &str, address: SocketAddr, error: &io::Error) -> io::Error {
    let message =
        format!("cannot listen on {address}: {error}; {option} {} takes a free port", SocketAddr::new(address.ip(), 0));
    io::Error::new(error.kind(), message)
}
