//! The command line: arguments, then one call.
//!
//! Exits: 0 done, 1 failed or regressed, 2 usage. The first line of what listens is `listening on http://ADDR:PORT`;
//! logs go to standard error.

mod answer;
mod bench;
mod configuration;
mod demo;
mod doctor;
mod key;
mod link;
mod netlab;
mod networks;
mod online;
mod publish;
mod serve;
mod tail;
mod target;
mod token;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::configuration::{Configuration, Sources};
use crate::protocol::ChannelName;
use crate::protocol::id::BadChannelName;
use crate::server::config::{self, Config};
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
    /// Run the gateway with a page to try it behind hostile networks. Loopback only.
    Demo {
        /// Where to listen; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR:PORT", value_parser = config::address)]
        listen: SocketAddr,
    },
    /// Run the gateway.
    Serve(Serve),
    /// Check a configuration, or print one with every key.
    #[command(subcommand)]
    Config(Configuration),
    /// Say what the network between here and a gateway lets through, in plain words. Exits 0 if any transport gets
    /// through.
    Doctor(doctor::Doctor),
    /// Compare WebSocket, SSE and poll through the real protocol, on your network and your gateway.
    Bench(bench::Bench),
    /// Put a hostile network before any application on this machine: its clients connect through it. Loopback only.
    Netlab(netlab::Netlab),
    /// Make a token for a user, with a secret of the gateway, and print it.
    Token(token::Token),
    /// Publish a message into a channel, and print its offset.
    Publish(publish::Publish),
    /// Print the publications of a channel as they come, until Ctrl-C.
    Tail(tail::Tail),
    /// Make a key for a server that uses the API, and print it with its table for the configuration.
    Key(key::Key),
}

#[derive(Args)]
struct Serve {
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR:PORT", value_parser = config::address)]
    listen: Option<SocketAddr>,
    /// A TOML file. Variables such as THROUGHLINE_SESSION__HEARTBEAT_S override it, and options override both.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Serve beyond loopback without authentication.
    #[arg(long)]
    open: bool,
    /// A page's origin that is welcome beside loopback, such as `https://example.org`; may be repeated.
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<AllowedOrigin>,
    /// How long a stop waits for clients to leave, in seconds [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = config::drain, allow_negative_numbers = true)]
    drain: Option<Duration>,
}

/// Runs the command that the process was called with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log();
    let command = arguments.command.unwrap_or(Command::Demo { listen: Config::default().server.listen });
    match command {
        Command::Demo { listen } => demo::run(listen),
        Command::Config(command) => configuration::run(&command),
        Command::Doctor(options) => doctor::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Netlab(options) => netlab::run(&options),
        Command::Token(options) => token::run(&options),
        Command::Publish(options) => publish::run(&options),
        Command::Tail(options) => tail::run(&options),
        Command::Key(options) => key::run(&options),
        Command::Serve(options) => match options.configuration() {
            Ok(config) => serve::run(config, &options),
            Err(why) => usage(&why),
        },
    }
}

impl Serve {
    /// Reads what to serve: the file as it is now, the environment over it, and the options of the command line over
    /// both.
    fn configuration(&self) -> Result<Config, String> {
        let Sources { file, overridden: mut config } = configuration::read(self.config.as_deref())?;
        serve::tell_overrides(&file, &config);
        let server = &mut config.server;
        server.listen = self.listen.unwrap_or(server.listen);
        server.open |= self.open;
        server.origins.extend(self.origin.iter().cloned());
        server.drain = self.drain.unwrap_or(server.drain);
        configuration::verify(&config)?;
        Ok(config)
    }
}

/// Reads the name of a channel.
fn channel(text: &str) -> Result<ChannelName, BadChannelName> {
    ChannelName::try_from(text)
}

/// Reads a whole number for an option: `what` it counts, and the range that is `allowed`.
fn whole(text: &str, what: &str, allowed: &RangeInclusive<u32>) -> Result<u32, String> {
    let number: i128 = text.parse().map_err(|_| format!("{text:?} is not a whole number{what}"))?;
    let fits = u32::try_from(number).ok().filter(|number| allowed.contains(number));
    fits.ok_or_else(|| format!("it must be {} to {}", allowed.start(), allowed.end()))
}

/// The levels of the log, unless `RUST_LOG` says otherwise.
const LEVELS: &str = "warn,throughline=info";

/// Writes structured logs to standard error; `RUST_LOG` sets their level.
fn log() {
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let given = (!asked.is_empty()).then(|| EnvFilter::try_new(&asked)).transpose();
    let (filter, fault) = match given {
        Ok(filter) => (filter, None),
        Err(error) => (None, Some(error)),
    };
    // Only a test can set up a second subscriber. The first one stays.
    let to_people = std::io::stderr().is_terminal();
    let _ = tracing_subscriber::fmt()
        .with_ansi(to_people)
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new(LEVELS)))
        // The reader may have left, and then reads no word about that either.
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .finish()
        .with(filter_fn(holds_no_secret))
        .try_init();
    if let Some(fault) = fault {
        tracing::warn!(
            "RUST_LOG={asked:?} is not understood ({fault}), so {LEVELS:?} is used; write info, or throughline=debug"
        );
    }
}

/// Drops the WebSocket library's traces of whole messages, which hold secrets and tokens. No setting of `RUST_LOG`
/// shows them.
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

fn complain(why: &str) {
    use std::io::Write as _;
    // As below.
    let _ = writeln!(std::io::stderr(), "throughline: {why}");
}

/// Prints a line for other programs, and flushes it at once.
fn say(line: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    // The reader may be gone, which is not a reason to stop.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
