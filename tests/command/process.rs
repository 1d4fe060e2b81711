//! The built binary as a child that never outlives its test.

use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

/// A limit that a test exceeds only if the code is broken.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn within_patience<T>(work: impl Future<Output = T>) -> T {
    waited_for("it", work).await
}

/// Waits for something with a name, which the panic after `PATIENCE` shows.
async fn waited_for<T>(what: &str, work: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(PATIENCE, work).await;
    came.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

/// Options of `env`. A child inherits ignored signals, and `nohup make test` ignores hangups. A test that depends on
/// either sets it by `env`.
pub(crate) const HANGUPS_END: &str = "--default-signal=HUP";
pub(crate) const HANGUPS_IGNORED: &str = "--ignore-signal=HUP";

fn command(arguments: &[&str]) -> Command {
    with_options(Command::new(env!("CARGO_BIN_EXE_throughline")), arguments)
}

fn with_options(mut command: Command, arguments: &[&str]) -> Command {
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("RUST_LOG").kill_on_drop(true);
    command
}

/// An example of this build, with these arguments. The test command builds all of them.
pub(crate) fn example(name: &str, arguments: &[&str]) -> std::process::Command {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_throughline")).with_file_name("examples").join(name);
    assert!(program.is_file(), "{} is missing: cargo build --example {name}", program.display());
    let mut command = std::process::Command::new(program);
    command.args(arguments);
    command
}

/// Runs the command to its own end.
pub(crate) async fn run(arguments: &[&str]) -> Output {
    within_patience(command(arguments).output()).await.unwrap()
}

/// Returns the command with these arguments and variables of the environment, for [`Running::of`].
pub(crate) fn with_variables(variables: &[(&str, &str)], arguments: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_throughline"));
    command.args(arguments).envs(variables.iter().copied());
    command
}

/// Runs the command with a variable of the environment.
pub(crate) async fn run_with(name: &str, value: &std::ffi::OsStr, arguments: &[&str]) -> Output {
    within_patience(command(arguments).env(name, value).output()).await.unwrap()
}

/// Runs the command with outputs that are pipes without a reader.
pub(crate) async fn run_unread(arguments: &[&str]) -> std::process::ExitStatus {
    let mut child = command(arguments).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    waited_for("the end of the process", child.wait()).await.unwrap()
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
        Self::spawn(command(arguments).env("RUST_LOG", level)).await
    }

    /// Starts the command by `env` of coreutils, with this option about signals.
    pub(crate) async fn with_signals(signals: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("env");
        command.args([signals, env!("CARGO_BIN_EXE_throughline")]);
        Self::spawn(&mut with_options(command, arguments)).await
    }

    /// Starts another command, which becomes the binary.
    pub(crate) async fn of(command: std::process::Command) -> Self {
        Self::spawn(&mut with_options(command.into(), &[])).await
    }

    async fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
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

    /// Sends a request on a new connection. Returns the status and the text behind the head.
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

    /// Sends a signal, as a supervisor does.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Reads the log up to a line with this text.
    pub(crate) async fn logs(&mut self, text: &str) -> String {
        let log = self.child.stderr.as_mut().unwrap();
        let (mut line, mut byte) = (Vec::new(), [0]);
        waited_for(&format!("{text:?} in the log"), async {
            loop {
                log.read_exact(&mut byte).await.unwrap();
                line.push(byte[0]);
                if byte[0] == b'\n' {
                    let said = String::from_utf8_lossy(&line).into_owned();
                    if said.contains(text) {
                        return said;
                    }
                    line.clear();
                }
            }
        })
        .await
    }

    /// Returns the exit code and the whole log.
    pub(crate) async fn ended(self) -> (Option<i32>, String) {
        // The test reads both pipes, or the child could wait for it.
        drop(self.output);
        let output = waited_for("the end of the process", self.child.wait_with_output()).await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}
