//! The resident memory that an idle session costs the gateway, on each transport. Linux only: it reads /proc.
//!
//!     cargo bench --bench idle_memory
//!
//! It starts the optimised binary, opens sessions that are subscribed to a channel and resumable, and lets them rest.
//! It prints the slope between two numbers of sessions, which leaves the cost of the process itself out. It fails above
//! a bound.

// Its figures are its output.
#![allow(clippy::print_stdout)]

mod gateway;

use std::process::ExitCode;
use std::time::Duration;

use gateway::Gateway;
use gateway::client::{open_compressed, open_poll, open_socket, open_stream};
use tokio::net::TcpStream;

/// Handshakes under way at once.
const AT_ONCE: usize = 64;
/// Idle means idle: the gateway first gives back the memory of the handshakes, kept-alive connections included.
const SETTLE: Duration = Duration::from_secs(17);

#[derive(Clone, Copy)]
enum Transport {
    WebSocket,
    Compressed,
    Sse,
    Poll,
}

/// A transport, the sessions at the first and at the second look, and the kilobytes that one may cost.
const LOOKS: [(Transport, &str, [usize; 2], f64); 4] = [
    (Transport::WebSocket, "WebSocket", [2_000, 12_000], 2.5),
    (Transport::Compressed, "WebSocket, compressed", [2_000, 12_000], 2.5),
    (Transport::Sse, "SSE", [2_000, 9_000], 8.5),
    (Transport::Poll, "poll", [2_000, 9_000], 4.5),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut within = true;
    for (transport, name, sizes, bound) in LOOKS {
        let slope = look(transport, name, sizes).await;
        println!("{name}: {slope:.2} KB per session (bound {bound} KB)");
        within &= slope <= bound;
    }
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the kilobytes per session.
async fn look(transport: Transport, name: &str, sizes: [usize; 2]) -> f64 {
    let gateway = match transport {
        Transport::Compressed => Gateway::compressing(),
        _ => Gateway::start(),
    };
    let mut sessions = Vec::new();
    let mut looks = Vec::new();
    for size in sizes {
        while sessions.len() < size {
            let first = sessions.len();
            let batch = first..size.min(first + AT_ONCE);
            let opened = batch.map(|number| open(transport, gateway.address.clone(), number));
            sessions.extend(futures::future::join_all(opened).await);
        }
        tokio::time::sleep(SETTLE).await;
        looks.push(gateway.memory());
        println!("{size} idle sessions on {name}: {:.1} MB resident", gateway.memory() / 1e6);
    }
    (looks[1] - looks[0]) / (sizes[1] - sizes[0]) as f64 / 1024.0
}

/// Opens a complete session, which lives until the returned value is dropped.
async fn open(transport: Transport, address: String, number: usize) -> TcpStream {
    match transport {
        Transport::WebSocket => open_socket(&address, number, "news").await,
        Transport::Compressed => open_compressed(&address, number, "news").await,
        Transport::Sse => open_stream(&address, number, "news").await,
        Transport::Poll => open_poll(&address, number, "news").await,
    }
}
