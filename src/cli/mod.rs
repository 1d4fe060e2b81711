//! The command line: arguments, then one call.
//!
//! Exits: 0 done, 1 failed or regressed, 2 usage. The first line of what listens is `listening on http://ADDR:PORT`;
//! logs go to standard error.

mod bench;
mod demo;
mod doctor;
mod netlab;
mod networks;
mod serve;
mod target;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::server::config::Config;
use crate::server::gate::AllowedOrigin;

/// A realtime gateway whose sessions hold while the network under them changes.
#[derive(Parser)]
#[command(name = "throughline", version, about, after_help = "Without a command: the demo, on 127.0.0.1:8080.")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// The gateway with a page to try it behind hostile networks. Loopback only.
    Demo {
        /// Where to listen; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
        listen: SocketAddr,
    },
    /// The gateway.
    Serve(Serve),
    /// What the network between here and a gateway lets through, in plain words. Exits 0 if anything does.
    Doctor(doctor::Doctor),
    /// WebSocket, SSE and poll compared through the real protocol, on your network and your gateway.
    Bench(bench::Bench),
    /// A hostile network for any application on this machine: its clients connect through it. Loopback only.
    Netlab(netlab::Netlab),
}

#[derive(Args)]
struct Serve {
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// A TOML file; what is given on the command line comes before it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Serve beyond loopback although nobody is authenticated.
    #[arg(long)]
    open: bool,
    /// A page's origin that is welcome beside loopback, e.g. https://example.org; may be repeated.
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<AllowedOrigin>,
    /// How long a stop waits for clients to leave, in seconds [default: 10].
    #[arg(long, value_name = "SECONDS")]
    drain: Option<u64>,
}

/// Runs the command that the process was called with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log();
    let command = arguments.command.unwrap_or(Command::Demo { listen: Config::default().listen });
    match command {
        Command::Demo { listen } => demo::run(listen),
        Command::Doctor(options) => doctor::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Netlab(options) => netlab::run(&options),
        Command::Serve(options) => match options.configuration() {
            Ok(config) => serve::run(config, &options),
            Err(why) => usage(&why),
        },
    }
}

impl Serve {
    /// What is to be served: the file as it is now, and what was given on the command line before it.
    fn configuration(&self) -> Result<Config, String> {
        let mut config = match &self.config {
            None => Config::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                Config::from_toml(&text).map_err(|why| format!("{}: {why}", path.display()))?
            }
        };
        config.listen = self.listen.unwrap_or(config.listen);
        config.open |= self.open;
        config.origins.extend(self.origin.iter().cloned());
        config.drain = self.drain.map_or(config.drain, Duration::from_secs);
        config.check()?;
        Ok(config)
    }
}

/// Structured logs on standard error; `RUST_LOG` sets their level.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,throughline=info"));
    // A second subscriber can only be set up in a test; the first one stays.
    let to_people = std::io::stderr().is_terminal();
    let _ = tracing_subscriber::fmt()
        .with_ansi(to_people)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .finish()
        .with(filter_fn(holds_no_secret))
        .try_init();
}

/// The WebSocket library traces whole messages, and so secrets and tokens: not even who asks for all is given that.
fn holds_no_secret(about: &tracing::Metadata<'_>) -> bool {
    !about.target().contains("tungstenite") || *about.level() <= tracing::Level::INFO
}

fn usage(why: &str) -> ExitCode {
    complain(why);
    ExitCode::from(2)
}

fn failed(why: &str) -> ExitCode {
    complain(why);
    ExitCode::from(1)
}

#[allow(clippy::print_stderr)]
fn complain(why: &str) {
    eprintln!("throughline: {why}");
}

/// What other programs read: one line, at once.
fn say(line: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    // Nobody may be reading; that is no reason to stop.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
