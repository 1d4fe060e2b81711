//! A gateway for one test: the real binary, on a free port.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A limit that a test exceeds only if the code is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the command.
pub(crate) fn throughline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throughline"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// A running gateway. A drop kills it.
pub(crate) struct Gateway {
    process: Child,
    pub(crate) address: SocketAddr,
    pub(crate) inner: SocketAddr,
}

impl Gateway {
    /// Starts `throughline serve` with these additional arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = throughline()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("THROUGHLINE_INNER__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let mut output = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut address_behind = |words: &str| {
            let mut line = String::new();
            output.read_line(&mut line).expect("a line");
            let address = line.trim().strip_prefix(words).and_then(|address| address.parse().ok());
            address.unwrap_or_else(|| panic!("the line is {line:?}"))
        };
        let address = address_behind("listening on http://");
        let inner = address_behind("the inner listener is on http://");
        Self { process, address, inner }
    }

    /// Opens a connection to the gateway, on which no read waits for ever.
    pub(crate) fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).expect("it listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time-out that is not zero");
        socket
    }

    /// Returns the metrics.
    pub(crate) fn metrics(&self) -> String {
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        ask(TcpStream::connect(self.inner).expect("it listens"), request)
    }

    /// Returns the body of the answer to a GET.
    pub(crate) fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }

    /// Returns the status line and the headers of the answer to a GET. The answer need not end.
    pub(crate) fn head(&self, path: &str) -> String {
        let mut socket = self.connect();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("the gateway reads");
        let lines = BufReader::new(socket).lines().map(|line| line.expect("the gateway answers"));
        lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// Returns the body of the answer to a POST.
    pub(crate) fn post(&self, path: &str, body: &str) -> String {
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn ask(&self, request: &str) -> String {
        ask(self.connect(), request)
    }
}

/// Returns the body of the answer to a request.
fn ask(mut socket: TcpStream, request: &str) -> String {
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out that is not zero");
    socket.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("it answers");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {request}: {answer}"));
    body.to_owned()
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // The gateway may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
