//! The savings and the cost of compression: publications of 1 KB of JSON to a thousand sockets. Linux only: it reads
//! /proc.
//!
//!     cargo bench --bench compression
//!
//! A gateway that compresses and one that does not send the same prices to a thousand subscribers, in turns. The bench
//! prints the bytes that reach the subscribers, the gateway's CPU, and the time until all have a publication. Each is a
//! median. The bench fails above a bound.

// Its figures are its output.
#![allow(clippy::print_stdout)]

mod gateway;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gateway::Gateway;
use gateway::client::{frame, open_compressed, open_socket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

const SUBSCRIBERS: usize = 1_000;
/// Handshakes under way at once.
const AT_ONCE: usize = 64;
/// Rounds of each gateway, in turns.
const ROUNDS: usize = 5;
/// Publications in a round, one after the other: each goes when all have the one before.
const PUBLICATIONS: u64 = 400;
/// The length of a publication, in bytes.
const LENGTH: usize = 1_024;
/// The most bytes and CPU, as parts of those without compression.
const BYTES: f64 = 0.35;
const CPU: f64 = 1.3;

struct Side {
    gateway: Gateway,
    publisher: TcpStream,
    received: Arc<Received>,
    rounds: Vec<[f64; 3]>,
}

#[derive(Default)]
struct Received {
    bytes: AtomicU64,
    publications: AtomicU64,
    all: Notify,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut sides = [Side::open(false).await, Side::open(true).await];
    for round in 0..=ROUNDS {
        for side in &mut sides {
            let figures = side.round().await;
            // The first round warms up.
            if round > 0 {
                side.rounds.push(figures);
            }
        }
    }
    let [plain, compressed] = sides.map(|side| side.medians());
    for (name, [bytes, cpu, delay]) in [("as it is", plain), ("compressed", compressed)] {
        let cpu = cpu * 1e6;
        println!(
            "{name}: {bytes:.0} B and {cpu:.2} us of CPU a delivery, {delay:.2} ms until all {SUBSCRIBERS} have it"
        );
    }
    let [bytes, cpu, delay] = [0, 1, 2].map(|figure| compressed[figure] / plain[figure]);
    println!("bytes {bytes:.3} (bound {BYTES}), CPU {cpu:.2} (bound {CPU}), delay {delay:.2}");
    if bytes <= BYTES && cpu <= CPU { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Side {
    async fn open(compressed: bool) -> Self {
        let gateway = if compressed { Gateway::compressing() } else { Gateway::start() };
        let received = Arc::<Received>::default();
        for first in (0..SUBSCRIBERS).step_by(AT_ONCE) {
            let batch = first..SUBSCRIBERS.min(first + AT_ONCE);
            let opened = batch.map(|number| open(&gateway.address, number, compressed));
            for socket in futures::future::join_all(opened).await {
                tokio::spawn(read(socket, Arc::clone(&received)));
            }
        }
        let publisher = open_socket(&gateway.address, SUBSCRIBERS, "own").await;
        Self { gateway, publisher, received, rounds: Vec::new() }
    }

    /// Returns bytes and seconds of CPU for one delivery, and milliseconds until all have a publication.
    async fn round(&mut self) -> [f64; 3] {
        let (bytes, cpu, start) = (self.received.bytes.load(Ordering::Relaxed), self.gateway.cpu(), Instant::now());
        for number in 0..PUBLICATIONS {
            let wanted = self.received.publications.load(Ordering::Relaxed) + SUBSCRIBERS as u64;
            let publication = format!(r#"{{"pub":"prices","data":{}}}"#, prices(number));
            self.publisher.write_all(&frame(&publication)).await.expect("writes");
            while self.received.publications.load(Ordering::Relaxed) < wanted {
                let all = tokio::time::timeout(Duration::from_millis(100), self.received.all.notified());
                let _ = all.await;
            }
        }
        let deliveries = (PUBLICATIONS * SUBSCRIBERS as u64) as f64;
        [
            (self.received.bytes.load(Ordering::Relaxed) - bytes) as f64 / deliveries,
            (self.gateway.cpu() - cpu) / deliveries,
            start.elapsed().as_secs_f64() * 1e3 / PUBLICATIONS as f64,
        ]
    }

    fn medians(&self) -> [f64; 3] {
        [0, 1, 2].map(|figure| {
            let mut all: Vec<f64> = self.rounds.iter().map(|round| round[figure]).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        })
    }
}

async fn open(address: &str, number: usize, compressed: bool) -> TcpStream {
    if compressed {
        open_compressed(address, number, "prices").await
    } else {
        open_socket(address, number, "prices").await
    }
}

/// Returns about 1 KB that looks like real messages: rows of the same keys, with other values each time.
fn prices(number: u64) -> String {
    const NAMES: [&str; 11] = ["ACME", "BOLT", "CORA", "DUNE", "ECHO", "FERN", "GALE", "HERO", "IRIS", "JADE", "KITE"];
    let mut state = number + 1;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let rows = NAMES.map(|name| {
        let (bid, spread, size) = (random(90_000) + 1_000, random(40) + 1, random(90) * 10);
        let (ask, millis) = (bid + spread, random(1_000));
        let price = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
        format!(
            r#"{{"symbol":"{name}","bid":{},"ask":{},"size":{size},"time":"2026-11-26T14:07:31.{millis:03}Z"}}"#,
            price(bid),
            price(ask)
        )
    });
    let text = format!("[{}]", rows.join(","));
    assert!(text.len().abs_diff(LENGTH) < 100, "{} bytes", text.len());
    text
}

/// Counts publications, which it knows by their length, and acknowledges them like a client that follows the protocol.
async fn read(mut socket: TcpStream, received: Arc<Received>) {
    let (mut buffer, mut rest, mut count) = (vec![0; 16 * 1024], Vec::new(), 1u64);
    loop {
        let length = socket.read(&mut buffer).await.unwrap_or(0);
        if length == 0 {
            return;
        }
        received.bytes.fetch_add(length as u64, Ordering::Relaxed);
        rest.extend_from_slice(&buffer[..length]);
        let mut at = 0;
        while let Some((end, long)) = frame_end(&rest[at..]) {
            at += end;
            if !long {
                continue;
            }
            count += 1;
            if count.is_multiple_of(256) && socket.write_all(&frame(&format!(r#"{{"ack":{count}}}"#))).await.is_err() {
                return;
            }
            let all = received.publications.fetch_add(1, Ordering::Relaxed) + 1;
            if all.is_multiple_of(SUBSCRIBERS as u64) {
                received.all.notify_one();
            }
        }
        rest.drain(..at);
    }
}

/// Returns the length of the first frame, if it is complete. Also returns whether the frame is longer than any that is
/// no publication.
fn frame_end(bytes: &[u8]) -> Option<(usize, bool)> {
    let &[_, length, ..] = bytes else { return None };
    let (end, long) = match length {
        126 => (4 + usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])), true),
        short => (2 + usize::from(short), false),
    };
    (bytes.len() >= end).then_some((end, long))
}
