//! The built binary as a child that never outlives its test.

use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

/// Nothing in these tests takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn within_patience<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it came within its patience")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throughline"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("RUST_LOG").kill_on_drop(true);
    command
}

/// A run that is expected to end by itself.
pub(crate) async fn run(arguments: &[&str]) -> Output {
    within_patience(command(arguments).output()).await.unwrap()
}

/// The same with a variable of the environment.
#[allow(dead_code, reason = "not every test that starts the command needs it")]
pub(crate) async fn run_with(name: &str, value: &std::ffi::OsStr, arguments: &[&str]) -> Output {
    within_patience(command(arguments).env(name, value).output()).await.unwrap()
}

/// A run that listens.
pub(crate) struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Running {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        Self::logging(arguments, "off").await
    }

    pub(crate) async fn logging(arguments: &[&str], level: &str) -> Self {
        let mut child = command(arguments).env("RUST_LOG", level).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        within_patience(output.read_line(&mut first)).await.unwrap();
        let address = first.strip_prefix("listening on http://").and_then(|rest| rest.strip_suffix('\n'));
        let address = address.and_then(|address| address.parse().ok());
        Self { child, output, address: address.unwrap_or_else(|| panic!("{first:?} is the first line")) }
    }

    pub(crate) async fn next_line(&mut self) -> String {
        let mut line = String::new();
        within_patience(self.output.read_line(&mut line)).await.unwrap();
        line
    }

    /// A request on a connection of its own: the status and all that follows the head.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        self.ask_with(method, path, "text/plain", body).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &str) -> (u16, String) {
        self.ask_with("POST", path, "application/json", body).await
    }

    async fn ask_with(&self, method: &str, path: &str, kind: &str, body: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within_patience(socket.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    /// What a supervisor sends.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Reads its log up to a line that holds this.
    pub(crate) async fn logs(&mut self, text: &str) {
        let log = self.child.stderr.as_mut().unwrap();
        let (mut line, mut byte) = (Vec::new(), [0]);
        within_patience(async {
            loop {
                log.read_exact(&mut byte).await.unwrap();
                line.push(byte[0]);
                if byte[0] == b'\n' {
                    if String::from_utf8_lossy(&line).contains(text) {
                        return;
                    }
                    line.clear();
                }
            }
        })
        .await;
    }

    /// The exit, and all that was logged.
    pub(crate) async fn ended(self) -> (Option<i32>, String) {
        // Both pipes are read, or the child could wait for us.
        drop(self.output);
        let output = within_patience(self.child.wait_with_output()).await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}
