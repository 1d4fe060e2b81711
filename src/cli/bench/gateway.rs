//! The gateway under measurement, and the network before it. It is one of our own in a process of its own, or any
//! gateway at a URL.

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::process;
use crate::cli::target::Target;
use crate::netlab::{Front, Network};

/// The variables that switch the limits of one address off.
const UNLIMITED: [(&str, &str); 3] = [
    ("THROUGHLINE_LIMITS__CONNECTIONS_PER_ADDRESS", "0"),
    ("THROUGHLINE_LIMITS__SESSIONS_PER_ADDRESS", "0"),
    ("THROUGHLINE_LIMITS__ATTACHES_PER_ADDRESS", "0"),
];

/// A gateway of this executable, on a free port of this machine. Dropping it ends the process.
struct Own {
    child: Child,
}

/// The gateway under measurement, and the network before it.
pub(super) struct Gateway {
    own: Option<Own>,
    _front: Option<Front>,
    pub(super) target: Arc<Target>,
}

impl Gateway {
    /// Opens the gateway at `url` with the token of the file, or a fresh one of our own; behind this network, if any.
    ///
    /// # Errors
    /// A sentence: what could not be started or is not understood.
    pub(super) async fn open(
        url: Option<&str>,
        token_file: Option<&Path>,
        network: Option<Network>,
    ) -> Result<Self, String> {
        let (own, url) = match url {
            Some(url) => (None, url.to_owned()),
            None => {
                let started = tokio::task::spawn_blocking(Own::start).await.map_err(|error| error.to_string())?;
                let (own, url) = started.map_err(|error| format!("the gateway did not start: {error}"))?;
                (Some(own), url)
            }
        };
        let mut target = Target::parse(&url)?;
        let mut front = None;
        if let Some(network) = network {
            let upstream =
                target.loopback().ok_or("a network is made on this machine only: give no URL, or a loopback one")?;
            let opened = Front::bind("bench", SocketAddr::new(upstream.ip(), 0), upstream).await;
            let opened = opened.map_err(|error| format!("no port for the network: {error}"))?;
            opened.set_network(network);
            target = Target::parse(&format!("http://{}", opened.addr()))?;
            front = Some(opened);
        }
        let target = target.with_token_of(token_file)?;
        Ok(Self { own, _front: front, target: Arc::new(target) })
    }

    /// Returns the CPU that it has used, if it is ours.
    pub(super) fn cpu(&self) -> Option<Duration> {
        process::cpu(self.own.as_ref()?.child.id())
    }

    /// Returns its resident memory in bytes, if it is ours.
    pub(super) fn memory(&self) -> Option<u64> {
        process::memory(self.own.as_ref()?.child.id())
    }
}

impl Own {
    fn start() -> io::Result<(Self, String)> {
        let child = Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--drain", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .env("RUST_LOG", "warn")
            // All clients of a measurement have the address of this machine.
            .envs(UNLIMITED)
            .spawn()?;
        let mut own = Self { child };
        let output = own.child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut first = String::new();
        BufReader::new(output).read_line(&mut first)?;
        match first.trim_end().strip_prefix("listening on ") {
            Some(url) => Ok((own, url.to_owned())),
            None => Err(io::Error::other(format!("its first line was {first:?}"))),
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // A gateway that has ended by itself needs no ending.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
