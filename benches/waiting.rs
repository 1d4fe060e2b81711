//! The cost of 1,000 legs that wait in a join, for the gateway and for other clients. Linux only: it reads /proc.
//!
//!     cargo bench --bench waiting
//!
//! The application never says whether those legs may come in. Each waits as long as `HELLO_DEADLINE` lets it, so each
//! measurement opens its own. The gateway is this program in a second process, since `throughline serve` has no such
//! application.
//!
//! - Memory: the slope between two numbers of legs on one transport. It is everything that the gateway keeps for such a
//!   leg: its connection, its link and its place at a judgement. The application's own part is empty here.
//! - Tasks: the number that 1,000 legs add, a third on each transport, and the number that as many sessions add. The
//!   bound is one for each connection.
//! - Locks: others join meanwhile, some by a verdict that comes later. A waiting leg that held a lock would hold them
//!   up.
//! - Delays: another client's publications, until they are received, with and without the 1,000, in turns.

// Its figures are its output.
#![allow(clippy::print_stdout)]

mod gateway;

use std::ops::RangeFrom;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures::future::join_all;
use gateway::client::{greet, knock, let_in, open_poll, open_socket, open_stream, subscribed};
use gateway::echo::{Echo, percentile};
use gateway::judging::{Figures, Judging, NEVER, SERVE, SOON, serve};
use throughline::protocol::Transport;
use throughline::protocol::limits::HELLO_DEADLINE;
use tokio::net::TcpStream;
use tokio::runtime::Builder;

/// The allocator of the gateway's own program, since the memory of this one is measured.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Legs that wait beside others, a third on each transport.
const LEGS: usize = 1_000;
/// Handshakes under way at once.
const AT_ONCE: usize = 64;
/// Legs on one transport at the first and at the second look at memory, and how many looks there are.
const SIZES: [usize; 2] = [1_000, 4_000];
const LOOKS: usize = 3;
/// The work that the handshakes left behind is over after this time.
const SETTLE: Duration = Duration::from_secs(1);
/// Kilobytes for a leg that waits.
const KILOBYTES: f64 = 4.0;
/// Turns with and without the legs, echoes in each, and the greatest ratio of the medians of their 99th percentiles.
const ROUNDS: usize = 21;
const ECHOES: usize = 400;
const RATIO: f64 = 2.0;
/// A client that joins beside them is in after this time.
const PATIENCE: Duration = Duration::from_secs(3);

/// Numbers of clients, each given once.
type Numbers = RangeFrom<usize>;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == SERVE) {
        serve();
        return ExitCode::SUCCESS;
    }
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let within = runtime.block_on(async {
        let mut numbers = 0..;
        let (memory, others) = (Box::pin(memory(&mut numbers)).await, Box::pin(others(&mut numbers)).await);
        memory && others
    });
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns whether a leg is small enough on each transport. The transports take turns.
async fn memory(numbers: &mut Numbers) -> bool {
    let mut figures = Transport::ALL.map(|_| Vec::new());
    for _ in 0..LOOKS {
        for (transport, figures) in Transport::ALL.into_iter().zip(&mut figures) {
            figures.push(look(transport, numbers).await);
        }
    }
    let mut within = true;
    for (transport, figures) in Transport::ALL.into_iter().zip(figures) {
        let [least, median, most] = spread(figures, f64::total_cmp);
        println!("{transport}: {median:.2} KB for a leg that waits ({least:.2} to {most:.2}; bound {KILOBYTES:.0} KB)");
        within &= median <= KILOBYTES;
    }
    within
}

/// Returns the kilobytes for each leg that waits.
async fn look(transport: Transport, numbers: &mut Numbers) -> f64 {
    let mut judging = Judging::start();
    let mut legs = Vec::new();
    let mut looks = Vec::new();
    for size in SIZES {
        legs.extend(wait(&judging, &[transport], size - legs.len(), numbers).await);
        judging.until(PATIENCE, |now| now.waiting == size).await;
        tokio::time::sleep(SETTLE).await;
        looks.push(judging.gateway.memory());
        all_wait(judging.figures(), size);
    }
    (looks[1] - looks[0]) / (SIZES[1] - SIZES[0]) as f64 / 1024.0
}

/// Opens legs that wait from now on, the same share of them on each of these transports.
async fn wait(judging: &Judging, transports: &[Transport], count: usize, numbers: &mut Numbers) -> Vec<TcpStream> {
    let address = &judging.gateway.address;
    let numbers: Vec<usize> = numbers.take(count).collect();
    let mut legs = Vec::with_capacity(count);
    for batch in numbers.chunks(AT_ONCE) {
        let knocks = batch.iter().map(|number| {
            let transport = transports[number % transports.len()];
            knock(transport, address, *number, NEVER)
        });
        legs.extend(join_all(knocks).await);
    }
    legs
}

/// Checks that all legs waited during the measurement.
fn all_wait(Figures { waiting, .. }: Figures, legs: usize) {
    assert_eq!(
        waiting, legs,
        "not all legs wait: the machine is too busy to open and to measure them within {HELLO_DEADLINE:?}"
    );
}

/// Returns whether the waiting legs leave others alone: tasks, joins, delays.
async fn others(numbers: &mut Numbers) -> bool {
    let mut judging = Judging::start();
    let mut echo = Echo::open(&judging.gateway.address, numbers.next().expect("a number")).await;
    // This round does not count.
    (echo, _) = delay(echo).await;
    let idle = judging.figures().tasks;
    let of_sessions = tasks_of_sessions(&mut judging, idle, numbers).await;

    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let (mut of_legs, mut slowest) = (0, Duration::ZERO);
    for round in 0..ROUNDS {
        for has_legs in [round % 2 == 1, round % 2 == 0] {
            let count = if has_legs { LEGS } else { 0 };
            let legs = wait(&judging, &Transport::ALL, count, numbers).await;
            let figures = judging.until(PATIENCE, |now| now.waiting == count && now.tasks <= idle + count).await;
            all_wait(figures, count);
            slowest = slowest.max(join(&judging, numbers).await);
            let p99;
            (echo, p99) = delay(echo).await;
            all_wait(judging.figures(), count);
            drop(legs);
            if has_legs {
                of_legs = of_legs.max(figures.tasks.saturating_sub(idle));
                beside.push(p99);
            } else {
                alone.push(p99);
            }
            judging.until(PATIENCE, |now| now.waiting == 0 && now.tasks <= idle).await;
        }
    }
    println!("{LEGS} legs that wait: {of_legs} tasks; {LEGS} sessions: {of_sessions} (bound for each {LEGS})");
    println!("joins beside them: the slowest took {slowest:?} (bound {PATIENCE:?})");
    let ([least, median, most], beside) = (spread(alone, Duration::cmp), spread(beside, Duration::cmp));
    let ratio = beside[1].as_secs_f64() / median.as_secs_f64();
    println!("an echo's p99 alone: {median:?} ({least:?} to {most:?}; median of {ROUNDS} rounds of {ECHOES})");
    let [least, median, most] = beside;
    println!("beside {LEGS} legs that wait: {median:?} ({least:?} to {most:?}): {ratio:.2} of that (bound {RATIO:.0})");
    of_legs <= LEGS && of_sessions <= LEGS && ratio <= RATIO
}

/// Returns the number of tasks that as many sessions add, a third on each transport.
async fn tasks_of_sessions(judging: &mut Judging, idle: usize, numbers: &mut Numbers) -> usize {
    let address = judging.gateway.address.clone();
    let numbers: Vec<usize> = numbers.take(LEGS).collect();
    let mut sessions = Vec::with_capacity(LEGS);
    for batch in numbers.chunks(AT_ONCE) {
        sessions.extend(join_all(batch.iter().map(|number| session(&address, *number))).await);
    }
    let tasks = judging.until(PATIENCE, |now| now.tasks <= idle + LEGS).await.tasks.saturating_sub(idle);
    drop(sessions);
    judging.until(PATIENCE, |now| now.tasks <= idle).await;
    tasks
}

/// Opens a complete session, which lives until the returned value is dropped.
async fn session(address: &str, number: usize) -> TcpStream {
    match Transport::ALL[number % Transport::ALL.len()] {
        Transport::WebSocket => open_socket(address, number, "news").await,
        Transport::Sse => open_stream(address, number, "news").await,
        Transport::Poll => open_poll(address, number, "news").await,
    }
}

/// Lets others join on each transport: let in at once, let in later, and subscribed. Returns how long the slowest took.
async fn join(judging: &Judging, numbers: &mut Numbers) -> Duration {
    let address = &judging.gateway.address;
    let mut slowest = Duration::ZERO;
    for transport in Transport::ALL {
        let [at_once, later, subscriber] = [(); 3].map(|()| numbers.next().expect("a number"));
        let start = Instant::now();
        let joins = async {
            greet(transport, address, at_once).await;
            let_in(transport, address, later, SOON).await;
            subscribed(transport, address, subscriber, "news").await;
        };
        tokio::time::timeout(PATIENCE, joins).await.expect("a join does not wait for the legs that wait");
        slowest = slowest.max(start.elapsed());
    }
    slowest
}

/// Returns the 99th percentile of the next echoes.
async fn delay(mut echo: Echo) -> (Echo, Duration) {
    let measure = move || {
        echo.begin();
        let mut delays: Vec<Duration> = (0..ECHOES).map(|_| echo.next()).collect();
        (echo, percentile(&mut delays, 99))
    };
    tokio::task::spawn_blocking(measure).await.expect("the echo lives")
}

/// Returns the least, the median and the greatest.
fn spread<T: Copy>(mut figures: Vec<T>, order: fn(&T, &T) -> std::cmp::Ordering) -> [T; 3] {
    figures.sort_by(order);
    [figures[0], figures[figures.len() / 2], figures[figures.len() - 1]]
}
