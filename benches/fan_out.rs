//! A channel of 18,000 subscribers, and another client's echo meanwhile. Linux only, where a process may open 20,000
//! files.
//!
//!     cargo bench --bench fan_out
//!
//! Every subscriber gets each publication; the figure is the time from the first of them to the last. Beside them a
//! session that listens to itself measures its round trip: alone, and while the channel is published to. The bench
//! fails above a bound.

// Its figures are its output.
#![allow(clippy::print_stdout)]

mod gateway;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gateway::Gateway;
use gateway::client::{frame, open_socket};
use gateway::echo::{Echo, percentile};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

const SUBSCRIBERS: usize = 18_000;
/// Handshakes under way at once.
const AT_ONCE: usize = 64;
/// Publications to all, and the pause between them.
const PUBLICATIONS: usize = 20;
const PAUSE: Duration = Duration::from_millis(500);
/// Echoes alone.
const ALONE: usize = 1_000;
/// The time from the first subscriber to the last: twice what 18,000 writes of about 4 us take.
const SPREAD: Duration = Duration::from_millis(300);
/// An echo's 99th percentile meanwhile. It may have to wait for one fan-out, which takes as long as the kernel needs
/// for the writes.
const ECHO: Duration = Duration::from_millis(250);

#[tokio::main]
async fn main() -> ExitCode {
    let gateway = Gateway::start();
    let (arrivals, mut arrived) = mpsc::channel(SUBSCRIBERS);
    for first in (0..SUBSCRIBERS).step_by(AT_ONCE) {
        let batch = first..SUBSCRIBERS.min(first + AT_ONCE);
        let opened = batch.map(|number| open_socket(&gateway.address, number, "everybody"));
        for socket in futures::future::join_all(opened).await {
            tokio::spawn(subscriber(socket, arrivals.clone()));
        }
    }
    let mut echo = Echo::open(&gateway.address, SUBSCRIBERS).await;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let (quiet, mut is_quiet) = tokio::sync::oneshot::channel();
    let echoes = std::thread::spawn(move || {
        echo.begin();
        let alone: Vec<Duration> = (0..ALONE).map(|_| echo.next()).collect();
        let _ = quiet.send(());
        let meanwhile: Vec<Duration> =
            std::iter::from_fn(|| (!stopped.load(Ordering::Relaxed)).then(|| echo.next())).collect();
        (alone, meanwhile)
    });
    let _ = (&mut is_quiet).await;
    let mut publisher = open_socket(&gateway.address, SUBSCRIBERS + 1, "publisher").await;
    let mut spreads: Vec<Duration> = Vec::new();
    for _ in 0..PUBLICATIONS {
        publisher.write_all(&frame(r#"{"pub":"everybody","data":"hello"}"#)).await.expect("writes");
        let mut times = Vec::with_capacity(SUBSCRIBERS);
        while times.len() < SUBSCRIBERS {
            times.push(arrived.recv().await.expect("subscribers live"));
        }
        times.sort_unstable();
        spreads.push(times[SUBSCRIBERS - 1] - times[0]);
        tokio::time::sleep(PAUSE).await;
    }
    stop.store(true, Ordering::Relaxed);
    let (mut alone, mut meanwhile) = echoes.join().expect("the echo lives");
    let spread = percentile(&mut spreads, 50);
    println!("{SUBSCRIBERS} subscribers, first to last: {spread:?} (median of {PUBLICATIONS}; bound {SPREAD:?})");
    println!("an echo alone: p50 {:?}, p99 {:?}", percentile(&mut alone, 50), percentile(&mut alone, 99));
    let p99 = percentile(&mut meanwhile, 99);
    println!("an echo meanwhile: p50 {:?}, p99 {p99:?} (bound {ECHO:?})", percentile(&mut meanwhile, 50));
    if spread <= SPREAD && p99 <= ECHO { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reports when a publication arrived.
async fn subscriber(mut socket: TcpStream, arrivals: mpsc::Sender<Instant>) {
    let mut piece = [0; 256];
    while let Ok(length @ 1..) = socket.read(&mut piece).await {
        if piece[..length].windows(6).any(|bytes| bytes == b"{\"pub\"") {
            let _ = arrivals.send(Instant::now()).await;
        }
    }
}
