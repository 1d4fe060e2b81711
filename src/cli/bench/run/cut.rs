//! Many sessions whose connections are all reset at one instant. It measures the time until each is resumed, and the
//! time that the same number of bare handshakes takes.
//!
//! Nothing may be lost. When a session is cut, it has two messages on their way, and its client has not read their
//! echo. It publishes one more while it has no connection. It counts as resumed when all three have come.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Barrier, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};
use uuid::Uuid;

use super::load::DIALS_APART;
use super::member::CONNECTING;
use super::probe::{channel, subscribe};
use crate::cli::bench::gateway::Gateway;
use crate::cli::bench::ledger::{Ledger, Sums};
use crate::cli::bench::message::Message;
use crate::cli::bench::plan::Plan;
use crate::cli::bench::report::progress::Bar;
use crate::cli::link::{Client, Event, Traffic, dial, open};
use crate::cli::target::Target;
use crate::protocol::{ChannelName, Transport};

/// Handshakes under way at once, of both kinds. A listener keeps more than this waiting: otherwise a lost SYN would be
/// measured.
const AT_ONCE: usize = 512;
/// An attempt that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// The time in which the gateway accepts what is under way, before the cut.
const REST: Duration = Duration::from_secs(1);
/// Messages of each session: before and after the cut.
const BEFORE: u64 = 2;
const ALL: u64 = 3;

/// The result on one transport.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(in crate::cli::bench) struct Cut {
    pub(in crate::cli::bench) transport: String,
    /// From 1.
    pub(in crate::cli::bench) repeat: u32,
    pub(in crate::cli::bench) sessions: u64,
    /// Sessions that got all their messages.
    pub(in crate::cli::bench) resumed: u64,
    /// The time until the last bare handshake, in seconds.
    pub(in crate::cli::bench) handshakes_s: f64,
    /// The time until the last session was resumed, in seconds, from when the last was cut.
    pub(in crate::cli::bench) resumed_s: f64,
    pub(in crate::cli::bench) lost: u64,
    pub(in crate::cli::bench) duplicated: u64,
    pub(in crate::cli::bench) reordered: u64,
}

impl Cut {
    /// Returns how much longer resuming all took than bare handshakes.
    pub(in crate::cli::bench) fn ratio(&self) -> Option<f64> {
        (self.handshakes_s > 0.0).then(|| self.resumed_s / self.handshakes_s)
    }
}

/// Runs the plan on one transport.
///
/// # Errors
/// A sentence, if sessions or handshakes could not be made in the first place.
pub(in crate::cli::bench) async fn measure(
    gateway: &Gateway,
    plan: &Plan,
    transport: Transport,
    bar: &Bar,
) -> Result<Cut, String> {
    bar.begin("handshakes", 1);
    let handshakes = handshakes(&gateway.target, plan.connections, transport).await?;
    sleep(REST).await;
    bar.begin("connecting", 1);
    let begun = Instant::now();
    // All sessions and this task meet three times: at rest, with messages under way, and cut.
    let together = Arc::new(Barrier::new(plan.connections as usize + 1));
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let cutting = watch::Sender::new(());
    let mut sessions = JoinSet::new();
    for number in 0..plan.connections {
        let (target, together, permits) = (Arc::clone(&gateway.target), Arc::clone(&together), Arc::clone(&permits));
        let session = Session::new(number, transport, plan.size);
        let cutting = cutting.subscribe();
        sessions.spawn(async move {
            sleep_until((begun + DIALS_APART * number).into()).await;
            session.run(&target, &together, &permits, cutting).await
        });
    }
    together.wait().await;
    bar.begin("cut", 1);
    together.wait().await;
    sleep(REST).await;
    cutting.send_replace(());
    together.wait().await;
    let ends = sessions.join_all().await;
    let mut result =
        Cut { transport: transport.name().to_owned(), sessions: plan.connections.into(), ..Cut::default() };
    let mut sums = Sums::default();
    let (mut cut, mut last) = (begun, begun);
    for end in &ends {
        sums += end.sums;
        result.resumed += u64::from(end.resumed.is_some());
        cut = cut.max(end.cut);
        last = last.max(end.resumed.unwrap_or(end.cut + PATIENCE));
    }
    drop(ends);
    // On a gateway that was there before, closing them must not overlap the next handshakes.
    sleep(REST).await;
    Ok(Cut {
        handshakes_s: handshakes.as_secs_f64(),
        resumed_s: (last - cut).as_secs_f64(),
        lost: sums.lost,
        duplicated: sums.duplicated,
        reordered: sums.reordered,
        ..result
    })
}

/// One session. It owns nothing before it begins, so all sessions begin alike.
struct Session {
    number: u32,
    channel: ChannelName,
    transport: Transport,
    size: usize,
}

/// The result of a session: its messages, when it was cut, and when it had all of them.
struct End {
    /// The client stays connected until the last session has ended, as each bare handshake is held until the last is
    /// done.
    _client: Client,
    sums: Sums,
    cut: Instant,
    resumed: Option<Instant>,
}

impl Session {
    fn new(number: u32, transport: Transport, size: usize) -> Self {
        Self { number, channel: channel(&Uuid::new_v4().simple().to_string()), transport, size }
    }

    /// Runs the session. It waits for the others three times, whatever becomes of it.
    async fn run(
        self,
        target: &Arc<Target>,
        together: &Barrier,
        permits: &Semaphore,
        mut cutting: watch::Receiver<()>,
    ) -> End {
        let traffic = Arc::new(Traffic::default());
        let mut client = Client::new(target, Arc::clone(&traffic), self.transport);
        // A session that is not there after this time is not resumed either, and shows as that.
        let _ = timeout(CONNECTING, subscribe(&mut client, Some(&self.channel), |_| {})).await;
        idle(&mut client, together.wait()).await;
        for number in 1..=BEFORE {
            self.publish(&mut client, number);
        }
        let mut ledger = Ledger::default();
        // This writes them, and does not wait for answers.
        poll_fn(|cx| {
            while let Poll::Ready(event) = client.poll_next(cx) {
                enter(&mut ledger, &event);
            }
            Poll::Ready(())
        })
        .await;
        together.wait().await;
        // The sender outlives its sessions.
        let _ = cutting.changed().await;
        client.cut();
        let cut = Instant::now();
        together.wait().await;
        self.publish(&mut client, ALL);
        let permit = permits.acquire().await;
        client.open(self.transport);
        let all = async {
            while ledger.delivered() < ALL {
                enter(&mut ledger, &client.next().await);
            }
        };
        let resumed = timeout(PATIENCE, all).await.is_ok().then(Instant::now);
        drop(permit);
        End { _client: client, sums: ledger.sums(ALL), cut, resumed }
    }

    fn publish(&self, client: &mut Client, number: u64) {
        let message = Message { sender: self.number, number, due: Duration::ZERO };
        client.push(message.publish(&self.channel, self.size));
    }
}

fn enter(ledger: &mut Ledger, event: &Event) {
    if let Event::Frame(frame) = event
        && let Some(message) = Message::read(frame)
    {
        ledger.enter(message.number);
    }
}

/// Keeps the session alive until something has come.
async fn idle<T>(client: &mut Client, something: impl Future<Output = T>) -> T {
    let mut something = std::pin::pin!(something);
    loop {
        tokio::select! {
            come = &mut something => return come,
            _ = client.next() => {}
        }
    }
}

/// Returns how long so many handshakes take: TCP, and an upgrade or a request with its answer. All are held until the
/// last is done.
async fn handshakes(target: &Arc<Target>, count: u32, transport: Transport) -> Result<Duration, String> {
    let together = Arc::new(Barrier::new(count as usize + 1));
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let (done, over) = (Arc::new(Barrier::new(count as usize + 1)), watch::Sender::new(()));
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (target, together, permits, done) =
            (Arc::clone(target), Arc::clone(&together), Arc::clone(&permits), Arc::clone(&done));
        let mut over = over.subscribe();
        tasks.spawn(async move {
            together.wait().await;
            let permit = permits.acquire().await;
            let held = timeout(PATIENCE, handshake(&target, transport)).await;
            drop(permit);
            done.wait().await;
            // The sender outlives this task.
            let _ = over.changed().await;
            held.map_or_else(|_| Err("too slow".to_owned()), |held| held.map(drop))
        });
    }
    together.wait().await;
    let begun = Instant::now();
    done.wait().await;
    let took = begun.elapsed();
    over.send_replace(());
    tasks
        .join_all()
        .await
        .into_iter()
        .collect::<Result<(), String>>()
        .map_err(|why| format!("a handshake of {transport} failed: {why}"))?;
    Ok(took)
}

async fn handshake(target: &Target, transport: Transport) -> Result<Box<dyn Send>, String> {
    let traffic = Arc::new(Traffic::default());
    if transport == Transport::WebSocket {
        return open(target, traffic).await.map(|socket| Box::new(socket) as Box<dyn Send>);
    }
    let mut socket = dial(target, traffic).await?;
    let request = format!("GET {}?nonce=n HTTP/1.1\r\nHost: {}\r\n\r\n", target.route("control"), target.authority());
    socket.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut answer = [0; 1024];
    // An answer of this size comes in one piece, or its beginning is enough.
    let read = socket.read(&mut answer).await.map_err(|error| error.to_string())?;
    if answer[..read].starts_with(b"HTTP/1.1 200") { Ok(Box::new(socket)) } else { Err("no answer".to_owned()) }
}
