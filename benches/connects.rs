//! The gateway's CPU time for a first connect and for a resume, on each transport. Linux only: it reads /proc.
//!
//!     cargo bench --bench connects
//!
//! A first connect ends with the answer to the client's subscription; a poll then waits for publications. A resume is a
//! new leg of that session after its connections were cut, and ends with its welcome. Each transport of each round has
//! a gateway of its own in a separate process. The clients live in this process, whose time does not count. The bench
//! fails if a median is above its bound.

// Its figures are its output.
#![allow(clippy::print_stdout)]

mod gateway;

use std::ops::Range;
use std::process::ExitCode;

use futures::future::join_all;
use gateway::Gateway;
use gateway::client::{self, Session};
use throughline::protocol::Transport;
use tokio::net::TcpStream;

/// The connects of each round: enough that one tick of the kernel's CPU clock, 10 ms, is a small part.
const CONNECTS: usize = 3_000;
/// Handshakes under way at once.
const AT_ONCE: usize = 64;
/// The transports take turns, so each meets the same moods of the machine.
const ROUNDS: usize = 9;
/// Connects before the first that counts, so that the gateway's threads and tables exist.
const WARM_UP: usize = 200;

/// A transport, and the cost that a first connect and a resume may have on it: microseconds, twice the medians on a
/// quiet machine.
const BOUNDS: [(Transport, [f64; 2]); 3] =
    [(Transport::WebSocket, [155.0, 115.0]), (Transport::Sse, [225.0, 95.0]), (Transport::Poll, [285.0, 95.0])];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut figures = BOUNDS.map(|_| [Vec::new(), Vec::new()]);
    // Each turn has numbers of its own. The ports of closed connections stay in use for a minute, at the address of
    // their number.
    let mut numbers = (0..).step_by(WARM_UP + CONNECTS);
    for _ in 0..ROUNDS {
        for (((transport, _), figures), first) in BOUNDS.into_iter().zip(&mut figures).zip(&mut numbers) {
            for (figures, figure) in figures.iter_mut().zip(round(transport, first).await) {
                figures.push(figure);
            }
        }
    }
    let mut within = true;
    for ((transport, bounds), mut figures) in BOUNDS.into_iter().zip(figures) {
        for ((name, bound), figures) in ["first connect", "resume"].into_iter().zip(bounds).zip(&mut figures) {
            figures.sort_by(f64::total_cmp);
            let (least, median, most) = (figures[0], figures[ROUNDS / 2], figures[ROUNDS - 1]);
            println!("{transport}, {name}: {median:.0} us of CPU ({least:.0} to {most:.0}; bound {bound:.0})");
            within &= median <= bound;
        }
    }
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the microseconds for one first connect, and for one resume. The clients have numbers from this one on.
async fn round(transport: Transport, number: usize) -> [f64; 2] {
    let gateway = Gateway::start();
    let warm_up = connect(&gateway, transport, number..number + WARM_UP).await;
    let numbers = number + WARM_UP..number + WARM_UP + CONNECTS;
    let before = gateway.cpu();
    let sessions = connect(&gateway, transport, numbers.clone()).await;
    let first = gateway.cpu() - before;
    let ids: Vec<String> = sessions.into_iter().map(Session::cut).collect();
    drop(warm_up);
    gateway.until_all_left().await;
    let before = gateway.cpu();
    let resumed = resume(&gateway, transport, numbers.zip(&ids).collect()).await;
    let again = gateway.cpu() - before;
    drop(resumed);
    [first, again].map(|seconds| seconds * 1e6 / CONNECTS as f64)
}

async fn connect(gateway: &Gateway, transport: Transport, numbers: Range<usize>) -> Vec<Session> {
    let mut sessions = Vec::with_capacity(numbers.len());
    let numbers: Vec<usize> = numbers.collect();
    for batch in numbers.chunks(AT_ONCE) {
        let connects = batch.iter().map(|number| client::subscribed(transport, &gateway.address, *number, "news"));
        sessions.extend(join_all(connects).await);
    }
    sessions
}

/// Gives each session a second leg. The client has received one line: the answer to its subscription.
async fn resume(gateway: &Gateway, transport: Transport, sessions: Vec<(usize, &String)>) -> Vec<TcpStream> {
    let mut connections = Vec::with_capacity(sessions.len());
    for batch in sessions.chunks(AT_ONCE) {
        let resumes = batch.iter().map(|(number, id)| client::resume(transport, &gateway.address, *number, id, 2, 1));
        connections.extend(join_all(resumes).await);
    }
    connections
}
