//! The most small publications that one connection carries: it publishes to itself, and keeps a fixed number under way.
//!
//! This is a closed loop: it finds the most that goes through, and its latencies are those of a full pipe.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{timeout, timeout_at};
use uuid::Uuid;

use super::GRACE;
use super::member::CONNECTING;
use super::probe::{channel, subscribe};
use crate::cli::bench::figures::{Figures, Times};
use crate::cli::bench::gateway::Gateway;
use crate::cli::bench::ledger::Ledger;
use crate::cli::bench::message::Message;
use crate::cli::bench::plan::Plan;
use crate::cli::bench::report::progress::Bar;
use crate::cli::link::{Client, Event, Traffic};
use crate::protocol::limits::REPLAY_FRAMES;
use crate::protocol::{ChannelName, Transport};

/// Messages under way: half of what the gateway keeps for a client that does not acknowledge. The whole must never be
/// exceeded.
const WINDOW: u64 = REPLAY_FRAMES as u64 / 2;

/// Runs the plan on one transport.
///
/// # Errors
/// A sentence, if the connection could not be made.
pub(in crate::cli::bench) async fn measure(
    gateway: &Gateway,
    plan: &Plan,
    transport: Transport,
    bar: &Bar,
) -> Result<Figures, String> {
    let traffic = Arc::new(Traffic::default());
    let mut client = Client::new(&gateway.target, Arc::clone(&traffic), transport);
    let channel = channel(&Uuid::new_v4().simple().to_string());
    let mut figures = Figures { transport: transport.name().to_owned(), connections: 1, ..Figures::default() };
    if let Err(refused) = subscribed(&mut client, &channel).await {
        figures.failures.insert(refused, 1);
        return Ok(figures);
    }
    figures.connected = 1;
    bar.begin("running", u64::from(plan.duration_s) * 10);
    let (cpu, bytes, origin) = (gateway.cpu(), traffic.bytes(), Instant::now());
    let end = origin + plan.duration();
    let (mut ledger, mut latency, mut last) = (Ledger::default(), Times::new(), origin);
    loop {
        let running = Instant::now() < end;
        let waiting = figures.sent - ledger.delivered();
        if running && waiting <= WINDOW / 2 {
            for _ in waiting..WINDOW {
                figures.sent += 1;
                let message = Message { sender: 0, number: figures.sent, due: origin.elapsed() };
                client.push(message.publish(&channel, plan.size));
            }
        } else if !running && waiting == 0 {
            break;
        }
        let Ok(event) = timeout_at((end + GRACE).into(), client.next()).await else { break };
        match event {
            Event::Frame(frame) => {
                let Some(message) = Message::read(&frame) else { continue };
                last = Instant::now();
                if ledger.enter(message.number) {
                    latency.record((last - origin).saturating_sub(message.due));
                    enter(&mut figures.per_second, last - origin);
                    if message.number.is_multiple_of(WINDOW) {
                        bar.at(u64::try_from((last - origin).as_millis() / 100).unwrap_or(0));
                    }
                }
            }
            Event::Lost(count) => {
                figures.told_lost += count;
                break;
            }
            Event::Closed(why) => *figures.failures.entry(why).or_default() += 1,
            Event::Usable(_) | Event::Active(_) => {}
        }
    }
    let cpu = gateway.cpu().zip(cpu).map(|(now, before)| now.saturating_sub(before));
    enter_sums(&mut figures, &ledger);
    figures.enter_cost(plan.size, bytes, traffic.bytes(), cpu);
    figures.window_s = (last - origin).max(plan.duration()).as_secs_f64();
    figures.latency = latency.spread();
    Ok(figures)
}

/// Subscribes, or says why not.
async fn subscribed(client: &mut Client, channel: &ChannelName) -> Result<(), String> {
    let mut refused = String::new();
    let subscribed = timeout(CONNECTING, subscribe(client, Some(channel), |why| refused = why)).await;
    if subscribed == Ok(true) { Ok(()) } else { Err(refused) }
}

/// Enters the fate of the messages that were sent.
fn enter_sums(figures: &mut Figures, ledger: &Ledger) {
    let sums = ledger.sums(figures.sent);
    figures.expected = figures.sent;
    (figures.delivered, figures.lost, figures.duplicated, figures.reordered) =
        (sums.delivered, sums.lost, sums.duplicated, sums.reordered);
}

fn enter(per_second: &mut Vec<u64>, after: Duration) {
    let second = usize::try_from(after.as_secs()).unwrap_or(0);
    if per_second.len() <= second {
        per_second.resize(second + 1, 0);
    }
    per_second[second] += 1;
}
