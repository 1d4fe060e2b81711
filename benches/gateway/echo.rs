//! A client that listens to itself: it measures how long a publication takes until it is received.
//!
//! It blocks, so it belongs in a thread of its own: the measurement must not wait for the other work of its process.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::client::{frame, open_socket};

/// An echo that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often an echo is due.
const EVERY: Duration = Duration::from_millis(5);

/// A client that listens to itself.
pub(crate) struct Echo {
    socket: TcpStream,
    count: usize,
    due: Instant,
}

impl Echo {
    /// Opens a session by WebSocket that is subscribed to the channel `echo`.
    pub(crate) async fn open(address: &str, number: usize) -> Self {
        let socket = open_socket(address, number, "echo").await.into_std().expect("a socket");
        socket.set_nonblocking(false).expect("an option");
        socket.set_read_timeout(Some(PATIENCE)).expect("an option");
        Self { socket, count: 0, due: Instant::now() }
    }

    /// Makes the first of the next echoes due soon, whatever was before.
    pub(crate) fn begin(&mut self) {
        self.due = Instant::now();
    }

    /// Waits for the next echo. Returns how long after its due time it came: a delay before the sending counts too.
    pub(crate) fn next(&mut self) -> Duration {
        self.due += EVERY;
        #[expect(clippy::disallowed_methods, reason = "a schedule is what this keeps")]
        std::thread::sleep(self.due.saturating_duration_since(Instant::now()));
        let data = format!("n{:06}", self.count);
        let text = format!(r#"{{"pub":"echo","data":"{data}"}}"#);
        self.socket.write_all(&frame(&text)).expect("writes");
        let (mut seen, mut piece) = (Vec::new(), [0; 256]);
        while !String::from_utf8_lossy(&seen).contains(&data) {
            let length = self.socket.read(&mut piece).expect("an echo within its patience");
            assert!(length > 0, "closed before {data}: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&piece[..length]);
        }
        let late = self.due.elapsed();
        self.count += 1;
        if self.count.is_multiple_of(64) {
            // The first numbered line was the answer to the subscription.
            self.socket.write_all(&frame(&format!(r#"{{"ack":{}}}"#, self.count + 1))).expect("writes");
        }
        late
    }
}

pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}
