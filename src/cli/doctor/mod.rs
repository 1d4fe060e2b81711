//! `throughline doctor URL`: what the network between here and a gateway lets through, transport by transport, in plain words.
//!
//! The same questions, in the same order and with the same answers, as the page that the gateway serves at `/doctor`
//! (`src/server/doctor`), but for the last: there is no whole client on the command line. It speaks the protocol by itself,
//! with the rawest means there are, and must end within its time whatever the network does.
//!
//! # Layout
//! - `http`: one request on a connection of its own
//! - `speak`: a session of a probe's own, its frames, and what can be wrong
//! - `leg`: what is asked of any transport: a proof, round trips, a silence
//! - `websocket`, `sse`, `poll`: each transport by itself
//! - `control`, `size`: is anybody there; how much passes at once
//! - `verdict`: the words

mod control;
mod http;
mod leg;
mod poll;
mod size;
mod speak;
mod sse;
mod verdict;
mod websocket;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use self::leg::Leg;
use self::speak::{Outcome, Stop};
use self::target::Target;
use self::verdict::{About, Finding, Words};
use super::{failed, say, target, usage, whole};

/// What everything but the watch takes at most.
const PATIENCE: Duration = Duration::from_secs(40);

/// How the command is called.
#[derive(clap::Args)]
#[command(override_usage = "throughline doctor [OPTIONS] <URL>")]
pub(super) struct Doctor {
    /// The gateway, e.g. https://example.org.
    url: String,
    /// Print one JSON object, with the report in it.
    #[arg(long)]
    json: bool,
    /// How long a silent connection is watched.
    #[arg(long, default_value_t = 20, value_name = "SECONDS", value_parser = |text: &str| whole(text, " of seconds", &(1..=120)), allow_negative_numbers = true)]
    watch: u32,
}

pub(super) fn run(options: &Doctor) -> ExitCode {
    let target = match Target::parse(&options.url) {
        Ok(target) => Arc::new(target),
        Err(why) => return usage(&why),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let words = Words::load();
    let findings = Findings { words: &words, told: !options.json, all: Mutex::default() };
    if findings.told {
        say(&format!("Examining {} …\n", target.shown()));
    }
    let watch = Duration::from_secs(options.watch.into());
    // What was not found by then is not told; every step has a limit of its own that ends it sooner.
    let _ = runtime.block_on(async {
        let examined = Box::pin(findings.examine(&target, watch));
        tokio::time::timeout(PATIENCE + watch, examined).await
    });
    runtime.shutdown_background();
    let about = About {
        date: httpdate::fmt_http_date(SystemTime::now()),
        url: target.shown().to_owned(),
        by: concat!("throughline doctor ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let all = findings.all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let result = words.summary(&all);
    if options.json {
        say(&words.json(&all, &about).to_string());
    } else {
        say(&format!("\nResult: {}\n  {}", result.says, result.means));
        say(&format!("\nThe whole client is tried by the page: open {}doctor in a browser.", target.shown()));
    }
    if result.works { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

struct Findings<'a> {
    words: &'a Words,
    told: bool,
    all: Mutex<Vec<Finding>>,
}

impl Findings<'_> {
    /// The order of the questions. All transports are asked at the same time, and watched at the same time.
    async fn examine(&self, target: &Arc<Target>, watch: Duration) {
        if self.found("control", control::ask(target).await) == "gate" {
            return; // it would turn away all that follows, too
        }
        let (websocket, sse, poll, ()) = tokio::join!(
            self.prove("websocket", websocket::open(target)),
            self.prove("sse", sse::open(target)),
            self.prove("poll", poll::open(target)),
            async {
                self.found("send", control::send(target).await);
            },
        );
        let polls = poll.is_some();
        tokio::join!(
            self.watch("idle-websocket", websocket, watch),
            self.watch("idle-sse", sse, watch),
            self.watch("idle-poll", poll, watch),
            async {
                // Where not even short requests pass, sizes say nothing.
                if polls {
                    self.found("size", size::find(target).await);
                }
            },
        );
    }

    async fn prove(&self, transport: &'static str, opening: impl Future<Output = Result<Leg, Stop>>) -> Option<Leg> {
        let proven = async {
            let mut leg = opening.await?;
            let outcome = leg.prove().await?;
            Ok((leg, outcome))
        };
        match proven.await {
            Ok((leg, outcome)) => {
                self.found(transport, Ok(outcome));
                Some(leg)
            }
            Err(stop) => {
                self.found(transport, Err(stop));
                None
            }
        }
    }

    async fn watch(&self, probe: &'static str, leg: Option<Leg>, watch: Duration) {
        if let Some(mut leg) = leg {
            self.found(probe, Ok(leg.watch(watch).await));
        }
    }

    fn found(&self, probe: &'static str, outcome: Result<Outcome, Stop>) -> &'static str {
        let code = outcome.as_ref().map_or_else(|stop| stop.code, |outcome| outcome.code);
        let finding = Finding::new(probe, outcome);
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if self.told {
            say(&self.words.told(&finding, &all));
        }
        all.push(finding);
        code
    }
}
