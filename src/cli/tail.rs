//! `throughline tail`: prints the publications of a channel as they come, each once and in order.
//!
//! It asks for what it missed after each failure. It says on standard error what it could not get.

use std::future::pending;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio::time::sleep_until;

use super::answer::{Answer, Happening, Outcome, for_people, for_programs};
use super::link::Words;
use super::online::{News, Online, Reach};
use super::{channel, complain, failed, usage};
use crate::protocol::frame::RawFrame;
use crate::protocol::{ChannelName, Line, Position};

/// The pause before a subscription is tried again, if the gateway names none.
const PAUSE_MS: u64 = 1000;
/// Refusals that may pass: the gateway is busy, or has no room.
const MAY_PASS: [&str; 3] = ["rate_limited", "full", "unavailable"];

#[derive(Args)]
pub(super) struct Tail {
    /// The channel.
    #[arg(value_parser = channel)]
    channel: ChannelName,
    /// Print what came after this position first, if the gateway still has it. Standard error shows positions.
    #[arg(long, value_name = "EPOCH:AT", value_parser = position)]
    since: Option<Position>,
    /// Print one JSON object for each publication.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

pub(super) fn run(options: &Tail) -> ExitCode {
    let target = match options.reach.target() {
        Ok(target) => target,
        Err(why) => return usage(&why),
    };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let outcome = runtime.block_on(Box::pin(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut follower = Follower::new(options, Online::new(&options.reach, target));
        let stopped = tokio::select! {
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
            stopped = follower.follow() => stopped,
        };
        follower.online.leave().await;
        Ok::<_, io::Error>(stopped)
    }));
    runtime.shutdown_background();
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(why)) => failed(&why),
        Err(error) => failed(&error.to_string()),
    }
}

/// A subscription that outlives its session.
struct Follower<'a> {
    options: &'a Tail,
    online: Online<'a>,
    /// The position of the last publication that is printed, or where the subscription began.
    position: Option<Position>,
    /// The id of the last subscription, and whether its answer has come.
    asked: u64,
    is_subscribed: bool,
    was_subscribed: bool,
    /// When to subscribe again.
    again: Option<Instant>,
}

/// Why nothing more is printed: `None` if its reader has left.
type Stop = Option<String>;

impl<'a> Follower<'a> {
    fn new(options: &'a Tail, online: Online<'a>) -> Self {
        let position = options.since.clone();
        Self { options, online, position, asked: 0, is_subscribed: false, was_subscribed: false, again: None }
    }

    /// Prints publications until the gateway refuses, or until the reader of this output leaves.
    async fn follow(&mut self) -> Result<(), String> {
        self.subscribe();
        loop {
            let due = self.again;
            let again = async move {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => pending().await,
                }
            };
            let heard = tokio::select! {
                news = self.online.next() => self.hear(news).await,
                () = again => {
                    self.subscribe();
                    Ok(())
                }
            };
            match heard {
                Ok(()) => {}
                Err(None) => return Ok(()),
                Err(Some(why)) => return Err(why),
            }
        }
    }

    /// Asks for the channel, and for all that came after what is printed.
    fn subscribe(&mut self) {
        self.asked += 1;
        (self.is_subscribed, self.again) = (false, None);
        let channel = serde_json::Value::from(self.options.channel.as_str());
        let since = self.position.as_ref().map_or_else(String::new, |Position { epoch, at }| {
            format!(",\"since\":{{\"epoch\":{},\"at\":{at}}}", serde_json::Value::from(epoch.as_str()))
        });
        let frame = format!("{{\"sub\":{channel},\"id\":{}{since}}}", self.asked);
        self.online.push(Line::compose(|buffer| buffer.extend_from_slice(frame.as_bytes())));
    }

    async fn hear(&mut self, news: News) -> Result<(), Stop> {
        match news {
            News::Frame(frame) => return self.read(&frame).await,
            News::Online(transport) if self.was_subscribed => complain(&format!("connected again by {transport}")),
            News::Online(transport) => complain(&format!("connected by {transport}")),
            News::Offline(why) => complain(&format!("the connection is lost ({why}); trying again")),
            // The session is new, or has dropped frames.
            News::Reset(_) => self.subscribe(),
            News::GaveUp(why) => return Err(Some(why)),
        }
        Ok(())
    }

    async fn read(&mut self, frame: &RawFrame) -> Result<(), Stop> {
        match Answer::read(frame) {
            Some((id, _)) if id != self.asked => return Ok(()),
            Some((_, Answer::Ok(outcome))) => return self.subscribed(outcome),
            Some((_, Answer::Refused(words, after))) => return self.refused(&words, after),
            None => {}
        }
        match Happening::read(frame) {
            // Until the answer comes, publications belong to the subscription before.
            Some(_) if !self.is_subscribed => Ok(()),
            Some(Happening::Publication(at)) => self.publication(frame, at).await,
            Some(Happening::Moved(position, recovered)) => {
                if !recovered {
                    self.tell_missed(&position);
                }
                self.position = Some(position);
                Ok(())
            }
            Some(Happening::Ended(words)) => Err(Some(format!("the subscription has ended: {words}"))),
            None => Ok(()),
        }
    }

    fn subscribed(&mut self, Outcome { at, epoch, recovered }: Outcome) -> Result<(), Stop> {
        let (Some(at), Some(epoch)) = (at, epoch) else {
            return Err(Some("the answer to the subscription has no position".to_owned()));
        };
        let now = Position { epoch, at };
        if !recovered && self.position.is_some() {
            self.tell_missed(&now);
        }
        complain(&format!("{} goes on after {}", self.options.channel, shown(&now)));
        (self.is_subscribed, self.was_subscribed, self.position) = (true, true, Some(now));
        Ok(())
    }

    fn refused(&mut self, words: &Words, after: Option<u64>) -> Result<(), Stop> {
        if !self.was_subscribed || !MAY_PASS.contains(&&*words.code) {
            return Err(Some(words.to_string()));
        }
        complain(&format!("{words}; trying again"));
        self.again = Some(Instant::now() + Duration::from_millis(after.unwrap_or(PAUSE_MS)));
        Ok(())
    }

    async fn publication(&mut self, frame: &RawFrame, at: u64) -> Result<(), Stop> {
        let Some(position) = &mut self.position else { return Ok(()) };
        let line = if self.options.json { for_programs(frame, &position.epoch) } else { for_people(frame) };
        position.at = at;
        let Some(line) = line else { return Err(Some(format!("publication {at} is not readable"))) };
        // A reader that has stopped reading must not keep a signal from ending this command.
        match spawn_blocking(move || print(&line)).await.unwrap_or_else(|died| Err(io::Error::other(died))) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(None),
            Err(error) => Err(Some(format!("standard output: {error}"))),
        }
    }

    /// Says that publications are missing between the last one printed and this position.
    fn tell_missed(&self, now: &Position) {
        let Some(last) = &self.position else { return };
        let missed = match now.at.checked_sub(last.at) {
            Some(missed) if last.epoch == now.epoch => {
                format!("{missed} publications after {} are missing", shown(last))
            }
            _ => format!("publications after {} may be missing, because the channel has begun anew", shown(last)),
        };
        complain(&missed);
    }
}

/// Prints a line, which waits until its reader has room for it.
fn print(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Writes a position. Its epoch comes from the gateway, and must not command the terminal.
fn shown(Position { epoch, at }: &Position) -> String {
    let epoch: String = epoch.chars().filter(|letter| !letter.is_control()).collect();
    format!("{epoch}:{at}")
}

/// Reads a position.
fn position(text: &str) -> Result<Position, String> {
    let form = || format!("{text:?} is not a position, like 0c7f2a91:42");
    let (epoch, at) = text.rsplit_once(':').filter(|(epoch, _)| !epoch.is_empty()).ok_or_else(form)?;
    Ok(Position { epoch: epoch.to_owned(), at: at.parse().map_err(|_| form())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_an_epoch_and_an_offset() {
        for text in ["e:0", "0c7f2a91:42", "a:b:7"] {
            assert_eq!(shown(&position(text).unwrap()), text);
        }
        for bad in ["", ":1", "e", "e:", "e:-1", "e:x"] {
            assert!(position(bad).is_err(), "{bad:?}");
        }
    }
}
