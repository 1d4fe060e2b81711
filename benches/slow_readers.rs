//! Readers that stop reading, and their cost for the gateway and for all other readers. Linux only: it reads /proc.
//!
//!     cargo bench --bench slow_readers
//!
//! Two thousand sessions, half of them on WebSocket and half on SSE, share a channel with two hundred that are
//! measured. The two hundred are measured three times: alone, while the two thousand read, and after those stopped with
//! their connections open. The bench prints the delays of the two hundred each time. It also prints the growth of the
//! gateway's memory, once each stopped session has missed more than the gateway keeps for it. The bench fails above a
//! bound.

// Its figures are its output.
#![allow(clippy::print_stdout)]

mod gateway;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gateway::Gateway;
use gateway::client::{frame, open_socket, open_stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Sessions that stop reading.
const SLOW: usize = 2_000;
/// Sessions that are measured.
const OTHERS: usize = 200;
/// Handshakes under way at once.
const AT_ONCE: usize = 64;
/// How long all are measured, how often something is published, and how long it is.
const MEASURED: Duration = Duration::from_secs(10);
const EVERY: Duration = Duration::from_millis(50);
const BYTES: usize = 1_024;
/// Publications that fill what the gateway keeps for each session, and their pace.
const FLOOD: u32 = 2_000;
const FLOOD_EVERY: Duration = Duration::from_millis(8);
/// The highest ratio of two 99th percentiles: beside the sessions that stopped, and alone.
const RATIO: f64 = 1.5;
/// The most bytes that the gateway may grow by for each session that stopped. Its queue holds pointers to lines that
/// all share.
const GROWTH: f64 = 64.0 * 1024.0;

#[tokio::main]
async fn main() -> ExitCode {
    let gateway = Gateway::start();
    let stopped = Arc::new(AtomicBool::new(false));
    let (times, mut delays) = mpsc::channel(1 << 16);
    let start = Instant::now();
    for number in SLOW..SLOW + OTHERS {
        tokio::spawn(other(open_socket(&gateway.address, number, "news").await, start, times.clone()));
    }
    let mut publisher = open_socket(&gateway.address, SLOW + OTHERS, "own").await;

    let warm = Duration::from_secs(2);
    publish(&mut publisher, start, warm, EVERY).await;
    while delays.try_recv().is_ok() {}
    let alone = measure(&mut publisher, start, &mut delays).await;
    for first in (0..SLOW).step_by(AT_ONCE) {
        let batch = first..SLOW.min(first + AT_ONCE);
        let opened = batch.map(|number| open(&gateway.address, number));
        for connection in futures::future::join_all(opened).await {
            tokio::spawn(slow(connection, Arc::clone(&stopped)));
        }
    }
    publish(&mut publisher, start, warm, EVERY).await;
    while delays.try_recv().is_ok() {}
    let before = measure(&mut publisher, start, &mut delays).await;
    let memory_before = gateway.memory();
    stopped.store(true, Ordering::Relaxed);
    // Their sockets fill, and the gateway finds that they accept nothing more.
    let flooded = async {
        publish(&mut publisher, start, FLOOD_EVERY * FLOOD, FLOOD_EVERY).await;
        start.elapsed()
    };
    let (flooded, caught_up) = tokio::join!(flooded, quiet(start, &mut delays));
    println!(
        "{FLOOD} publications of {BYTES} B to {}: caught up {:?} after",
        SLOW + OTHERS,
        caught_up.saturating_sub(flooded)
    );
    let grown = (gateway.memory() - memory_before) / SLOW as f64;
    let after = measure(&mut publisher, start, &mut delays).await;

    let ratio = after[1].as_secs_f64() / alone[1].as_secs_f64();
    println!("{OTHERS} readers alone: p50 {:?}, p99 {:?}", alone[0], alone[1]);
    println!("{OTHERS} readers beside {SLOW} that read: p50 {:?}, p99 {:?}", before[0], before[1]);
    println!(
        "beside {SLOW} that stopped: p50 {:?}, p99 {:?}: {ratio:.2} of that alone (bound {RATIO})",
        after[0], after[1]
    );
    println!("resident memory for each that stopped: {:.1} KB (bound {:.0} KB)", grown / 1024.0, GROWTH / 1024.0);
    if ratio <= RATIO && grown <= GROWTH { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn open(address: &str, number: usize) -> TcpStream {
    if number.is_multiple_of(2) {
        open_socket(address, number, "news").await
    } else {
        open_stream(address, number, "news").await
    }
}

/// Publishes for a while. Each publication holds its due time, so a delay before the sending counts too.
async fn publish(publisher: &mut TcpStream, start: Instant, lasting: Duration, every: Duration) {
    let first = start.elapsed();
    let mut due = first;
    while due < first + lasting {
        tokio::time::sleep_until((start + due).into()).await;
        let data = format!("{:020}{}", due.as_nanos(), "x".repeat(BYTES - 20));
        publisher.write_all(&frame(&format!(r#"{{"pub":"news","data":"{data}"}}"#))).await.expect("writes");
        due += every;
    }
}

/// Returns when the last one came, once none has come for a while.
async fn quiet(start: Instant, delays: &mut mpsc::Receiver<Duration>) -> Duration {
    let mut last = start.elapsed();
    while let Ok(Some(_)) = tokio::time::timeout(Duration::from_secs(3), delays.recv()).await {
        last = start.elapsed();
    }
    last
}

/// Returns the median and the 99th percentile of the delays of all measured sessions.
async fn measure(publisher: &mut TcpStream, start: Instant, delays: &mut mpsc::Receiver<Duration>) -> [Duration; 2] {
    let expected = OTHERS * (MEASURED.as_millis() / EVERY.as_millis()) as usize;
    let mut all = Vec::with_capacity(expected);
    let gather = async {
        while let Ok(Some(delay)) = tokio::time::timeout(Duration::from_secs(1), delays.recv()).await {
            all.push(delay);
        }
    };
    tokio::join!(publish(publisher, start, MEASURED, EVERY), gather);
    assert!(all.len() * 100 >= expected * 99, "{} of {expected} came", all.len());
    all.sort_unstable();
    [50, 99].map(|percent| all[(all.len() - 1) * percent / 100])
}

/// Reads until it is time to stop, and stays.
async fn slow(mut connection: TcpStream, stopped: Arc<AtomicBool>) {
    let mut piece = vec![0; 4_096];
    while !stopped.load(Ordering::Relaxed) {
        let length = connection.read(&mut piece).await.expect("reads");
        assert!(length > 0, "the gateway ended a connection that reads");
    }
    // The connection must not be dropped: that would close it.
    std::future::pending::<()>().await;
}

/// Reads, acknowledges and reports every delay.
async fn other(mut socket: TcpStream, start: Instant, times: mpsc::Sender<Duration>) {
    const MARK: &[u8] = b"\"data\":\"";
    let (mut seen, mut piece, mut count) = (Vec::new(), vec![0; 4_096], 0_u64);
    loop {
        let length = socket.read(&mut piece).await.unwrap_or_default();
        if length == 0 {
            // This is the end of the bench. An earlier end would show in the missing delays.
            return;
        }
        let now = start.elapsed();
        seen.extend_from_slice(&piece[..length]);
        while let Some(place) = seen.windows(MARK.len()).position(|bytes| bytes == MARK) {
            let Some(digits) = seen.get(place + MARK.len()..place + MARK.len() + 20) else { break };
            let due: u64 = std::str::from_utf8(digits).expect("digits").parse().expect("a number");
            seen.drain(..place + MARK.len() + 20);
            let _ = times.send(now.saturating_sub(Duration::from_nanos(due))).await;
            count += 1;
            if count.is_multiple_of(64) {
                // The first numbered line was the answer to the subscription.
                let _ = socket.write_all(&frame(&format!(r#"{{"ack":{}}}"#, count + 1))).await;
            }
        }
        // The bytes before the next mark are filler.
        let keep = seen.len().saturating_sub(MARK.len() + 20);
        seen.drain(..keep);
    }
}
