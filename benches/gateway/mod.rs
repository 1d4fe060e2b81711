//! The parts that the benches share: a gateway in a process of its own, and clients.
//!
//! # Layout
//! - [`client`]: clients that speak just enough to be complete sessions
//! - [`echo`]: a client that listens to itself, for delays
//! - [`judging`]: a gateway before an application that judges clients

#![allow(dead_code, reason = "each bench is a program of its own, and needs its part of this")]

pub(crate) mod client;
pub(crate) mod echo;
pub(crate) mod judging;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The variables that switch the limits of one address off.
const UNLIMITED: [(&str, &str); 3] = [
    ("THROUGHLINE_LIMITS__CONNECTIONS_PER_ADDRESS", "0"),
    ("THROUGHLINE_LIMITS__SESSIONS_PER_ADDRESS", "0"),
    ("THROUGHLINE_LIMITS__ATTACHES_PER_ADDRESS", "0"),
];

/// The pause between two questions whether all connections are gone.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// The optimised binary. It ends when this is dropped.
pub(crate) struct Gateway {
    pub(crate) process: Child,
    /// The address where it listens.
    pub(crate) address: String,
    /// The address of its inner listener, if it has one.
    inner: Option<String>,
}

impl Gateway {
    /// Starts the gateway.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts the gateway with compression on.
    pub(crate) fn compressing() -> Self {
        let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/compressing.toml");
        std::fs::write(file, "[server]\ncompression = true\n").expect("a file");
        Self::with(&["--config", file])
    }

    fn with(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_throughline"));
        // All clients of a bench have the address of this machine.
        command.envs(UNLIMITED);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments).stderr(Stdio::null());
        let (mut gateway, mut says) = Self::of(command.env("THROUGHLINE_INNER__LISTEN", "127.0.0.1:0"));
        let mut line = String::new();
        says.read_line(&mut line).expect("it says where the inner listener is");
        gateway.inner = line.trim().strip_prefix("the inner listener is on http://").map(str::to_owned);
        gateway
    }

    /// Starts a program whose first line says where it listens. The caller can read the lines after that.
    fn of(command: &mut Command) -> (Self, BufReader<ChildStdout>) {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the gateway starts");
        let mut says = BufReader::new(process.stdout.take().expect("piped"));
        let mut line = String::new();
        says.read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("listening on http://").expect("its first line").to_owned();
        (Self { process, address, inner: None }, says)
    }

    /// Returns its resident bytes.
    pub(crate) fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("/proc");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
        kib * 1024.0
    }

    /// Returns the CPU time that it has used so far, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("/proc");
        let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace();
        let ticks: f64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("ticks")).sum();
        // This is USER_HZ, which is 100 on every Linux.
        ticks / 100.0
    }

    /// Waits until the gateway has no connection.
    pub(crate) async fn until_all_left(&self) {
        while self.connections().await > 0 {
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// Returns how many connections it holds, by its own figures.
    async fn connections(&self) -> usize {
        let figures = client::get(self.inner.as_ref().expect("an inner listener"), "/metrics").await;
        let figure = figures.lines().find_map(|line| line.strip_prefix("throughline_connections "));
        figure.and_then(|figure| figure.parse().ok()).expect("the figure of connections")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
