//! A subscribed client to try things with, on a gateway that has nothing else to do. It measures how long a killed
//! connection takes to be resumed, and how long a change of transport takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::timeout;
use uuid::Uuid;

use crate::cli::bench::figures::{Spread, Times};
use crate::cli::bench::message::{Message, SHORTEST};
use crate::cli::link::{Client, Event, is_refusal};
use crate::cli::target::Target;
use crate::protocol::{ChannelName, Line, Transport};

/// How often each thing is tried.
const TRIES: u32 = 20;
/// An attempt that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(15);
/// A client that is refused so often in a row gives up for good.
const REFUSALS: u32 = 3;
/// How long a client is left alone before something is done to it.
const REST: Duration = Duration::from_millis(100);

/// Subscribes to the channel, if any, and waits for the answer. Returns false if the transport was refused again and
/// again, true otherwise. Failures are reported as they come. Cancel-safe.
pub(super) async fn subscribe(
    client: &mut Client,
    channel: Option<&ChannelName>,
    mut failed: impl FnMut(String),
) -> bool {
    let mut refusals = 0;
    if let Some(channel) = channel {
        client.push(Line::compose(|buffer| {
            buffer.extend_from_slice(format!("{{\"sub\":\"{channel}\",\"id\":1}}").as_bytes());
        }));
    }
    loop {
        match client.next().await {
            Event::Active(_) if channel.is_none() => return true,
            Event::Frame(frame) if frame.text.starts_with(b"{\"ok\":1") => return true,
            Event::Frame(frame) => failed(String::from_utf8_lossy(&frame.text).chars().take(80).collect()),
            Event::Closed(why) => {
                refusals = if is_refusal(&why) { refusals + 1 } else { 0 };
                failed(why);
                if refusals == REFUSALS {
                    return false;
                }
            }
            Event::Usable(_) | Event::Active(_) | Event::Lost(_) => {}
        }
    }
}

/// Returns a channel that no other client has.
pub(super) fn channel(name: &str) -> ChannelName {
    match ChannelName::try_from(&*format!("bench/{name}")) {
        Ok(channel) => channel,
        Err(why) => unreachable!("{name}: {why}"),
    }
}

/// A subscribed client to try things with.
pub(super) struct Probe {
    pub(super) client: Client,
    transport: Transport,
    channel: ChannelName,
    origin: Instant,
    sent: u64,
}

impl Probe {
    pub(super) async fn open(target: &Arc<Target>, transport: Transport) -> Option<Self> {
        let mut client = Client::new(target, Arc::default(), transport);
        let channel = channel(&Uuid::new_v4().simple().to_string());
        let subscribed = timeout(PATIENCE, subscribe(&mut client, Some(&channel), |_| {})).await;
        if subscribed != Ok(true) {
            return None;
        }
        Some(Self { client, transport, channel, origin: Instant::now(), sent: 0 })
    }

    /// Publishes one message to itself.
    fn publish(&mut self) {
        self.sent += 1;
        let message = Message { sender: 0, number: self.sent, due: self.origin.elapsed() };
        self.client.push(message.publish(&self.channel, SHORTEST));
    }

    /// Waits for the message published last.
    async fn received(&mut self) {
        loop {
            if let Event::Frame(frame) = self.client.next().await
                && Message::read(&frame).is_some_and(|message| message.number == self.sent)
            {
                return;
            }
        }
    }

    async fn rest(&mut self) {
        // At most an acknowledgement comes meanwhile.
        let _ = timeout(REST, async {
            loop {
                self.client.next().await;
            }
        })
        .await;
    }

    async fn recovery(&mut self) -> Duration {
        self.rest().await;
        let begun = Instant::now();
        self.client.cut();
        self.publish();
        self.client.open(self.transport);
        self.received().await;
        begun.elapsed()
    }

    /// Returns none if the new leg died before it was used.
    async fn switch(&mut self, to: Transport) -> Option<Duration> {
        self.rest().await;
        let begun = Instant::now();
        let leg = self.client.open(to);
        loop {
            match self.client.next().await {
                Event::Usable(usable) if usable == leg => self.client.take(leg, to),
                Event::Active(active) if active == leg => return Some(begun.elapsed()),
                Event::Closed(_) if !self.client.holds(leg) => return None,
                _ => {}
            }
        }
    }
}

/// Measures from the reset of a connection to the first message after it. The client sees the reset at once, and
/// publishes the message meanwhile.
pub(in crate::cli::bench) async fn recovery(target: &Arc<Target>, transport: Transport) -> Option<Spread> {
    let once = || async {
        let mut probe = Probe::open(target, transport).await?;
        timeout(PATIENCE, probe.recovery()).await.ok()
    };
    spread(join_all((0..TRIES).map(|_| once())).await)
}

/// Measures from opening another transport in mid-session until it is in use.
pub(in crate::cli::bench) async fn switch(target: &Arc<Target>, from: Transport, to: &[Transport]) -> Option<Spread> {
    let once = |to: Transport| async move {
        let mut probe = Probe::open(target, from).await?;
        timeout(PATIENCE, probe.switch(to)).await.ok()?
    };
    let tries = to.iter().copied().cycle().take(TRIES as usize);
    spread(join_all(tries.map(once)).await)
}

fn spread(times: Vec<Option<Duration>>) -> Option<Spread> {
    let mut all = Times::new();
    times.into_iter().flatten().for_each(|time| all.record(time));
    all.spread()
}
