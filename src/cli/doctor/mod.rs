//! `throughline doctor URL` says in plain words what the network between here and a gateway lets through, for each
//! transport.
//!
//! It asks the same questions in the same order, and gives the same answers, as the page that the gateway serves at
//! `/doctor` (`src/pages/doctor`). Only the last question is missing: there is no whole client on the command line. It
//! speaks the protocol by itself, with the rawest means there are. It must end within its time, whatever the network
//! does.
//!
//! # Layout
//! - `http`: one request on a connection of its own
//! - `speak`: a session of a probe's own, its frames, and what can be wrong
//! - `leg`: the questions for every transport: a proof, round trips, a silence
//! - `websocket`, `sse`, `poll`: each transport by itself
//! - `control`, `size`: does the gateway answer; how much passes at once
//! - `repeat`: from three tries to one finding
//! - `verdict`: the words

mod control;
mod http;
mod leg;
mod poll;
mod repeat;
mod size;
mod speak;
mod sse;
mod verdict;
mod websocket;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures::future::join_all;

use self::leg::Leg;
use self::repeat::{TIMES, Try, together};
use self::speak::Stop;
use self::target::Target;
use self::verdict::{About, Finding, PROBES, Words};
use super::{failed, say, target, usage, whole};

/// The limit for everything but the watch.
const PATIENCE: Duration = Duration::from_secs(40);
/// The time that the questions take on a network without faults.
const ASKING_S: u32 = 2;

/// The arguments of the command.
#[derive(clap::Args)]
#[command(override_usage = "throughline doctor [OPTIONS] <URL>")]
pub(super) struct Doctor {
    /// The gateway, such as `https://example.org`.
    url: String,
    /// Print one JSON object, with the report in it.
    #[arg(long)]
    json: bool,
    /// A file whose first line is the token of a user to sign in.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How long a silent connection is watched.
    #[arg(long, default_value_t = 20, value_name = "SECONDS", value_parser = |text: &str| whole(text, " of seconds", &(1..=120)), allow_negative_numbers = true)]
    watch: u32,
}

pub(super) fn run(options: &Doctor) -> ExitCode {
    let target = Target::parse(&options.url).and_then(|target| target.with_token_of(options.token_file.as_deref()));
    let target = match target {
        Ok(target) => Arc::new(target),
        Err(why) => return usage(&why),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let words = Words::load();
    let findings = Findings { words: &words, told: !options.json, found: Mutex::default() };
    if findings.told {
        say(&format!("Examining {} …\nA whole run takes about {} s.\n", target.shown(), options.watch + ASKING_S));
    }
    let watch = Duration::from_secs(options.watch.into());
    // Findings that come later than this are not shown. Every step has its own limit, which ends it sooner.
    let _ = runtime.block_on(async {
        let examined = Box::pin(findings.examine(&target, watch));
        tokio::time::timeout(PATIENCE + watch, examined).await
    });
    runtime.shutdown_background();
    let (all, user) = findings.finish();
    let about = About {
        date: httpdate::fmt_http_date(SystemTime::now()),
        url: target.shown().to_owned(),
        by: concat!("throughline doctor ", env!("CARGO_PKG_VERSION")).to_owned(),
        user,
    };
    let result = words.summary(&all);
    if options.json {
        say(&words.json(&all, &about).to_string());
    } else {
        let sign_in = words.sign_in(&all, about.user.as_deref());
        say(&format!("\nResult: {}\n  {}\n  {sign_in}", result.says, result.means));
        say(&format!("\nThe page also tries the whole client: open {}doctor in a browser.", target.shown()));
    }
    if result.works { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

struct Findings<'a> {
    words: &'a Words,
    told: bool,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    all: Vec<Finding>,
    /// The questions that have their finding, or will have none.
    settled: Vec<&'static str>,
    /// How many of `PROBES` are shown. A finding waits for those before it.
    told: usize,
    /// The user whom the gateway welcomed.
    user: Option<String>,
}

impl Findings<'_> {
    /// Asks the questions in order. The transports are asked at the same time, and watched at the same time. The tries
    /// of one question run side by side: each has a session and connections of its own.
    async fn examine(&self, target: &Arc<Target>, watch: Duration) {
        let tries = tries(TIMES, || async { control::ask(target).await.into() }).await;
        let code = self.found("control", &tries);
        if ["gate", "full", "closed", "no_name", "certificate"].contains(&code) {
            return; // all that follows would end in the same way
        }
        let reached = ["ours", "slow", "unreliable"].contains(&code);
        let times = if reached { TIMES } else { 1 };
        tokio::join!(
            self.transport(["websocket", "idle-websocket"], watch, times, || websocket::open(target)),
            self.transport(["sse", "idle-sse"], watch, times, || sse::open(target)),
            async {
                let legs = self.prove("poll", times, || poll::open(target)).await;
                tokio::join!(self.size(target, !legs.is_empty()), self.watch("idle-poll", legs, watch));
            },
            async {
                self.found("send", &self::tries(times, || async { control::send(target).await.into() }).await);
            },
        );
    }

    async fn transport<O: Future<Output = Result<Leg, Stop>>>(
        &self,
        [probe, idle]: [&'static str; 2],
        watch: Duration,
        times: usize,
        open: impl Fn() -> O,
    ) {
        let legs = self.prove(probe, times, open).await;
        self.watch(idle, legs, watch).await;
    }

    /// Returns the legs, if every try passed.
    async fn prove<O: Future<Output = Result<Leg, Stop>>>(
        &self,
        transport: &'static str,
        times: usize,
        open: impl Fn() -> O,
    ) -> Vec<Leg> {
        let proven = tries(times, || async {
            let mut leg = open().await?;
            self.signed_in(leg.user.as_deref());
            let outcome = leg.prove().await?;
            Ok((leg, outcome))
        })
        .await;
        let mut legs = Vec::new();
        let tries: Vec<Try> = proven
            .into_iter()
            .map(|one| {
                one.map(|(leg, outcome)| {
                    legs.push(leg);
                    outcome
                })
                .into()
            })
            .collect();
        if !["works", "slow"].contains(&self.found(transport, &tries)) {
            legs.clear();
        }
        legs
    }

    async fn watch(&self, probe: &'static str, legs: Vec<Leg>, watch: Duration) {
        if legs.is_empty() {
            return self.settle(probe, None);
        }
        let watched = legs.into_iter().map(|mut leg| async move { Try::from(Ok(leg.watch(watch).await)) });
        self.found(probe, &join_all(watched).await);
    }

    /// Finds out how much passes at once, if short requests pass at all. The tries run in turn, since they share the
    /// line's capacity.
    async fn size(&self, target: &Arc<Target>, passes: bool) {
        if !passes {
            return self.settle("size", None);
        }
        let begun = Instant::now();
        let mut tries = Vec::new();
        while tries.len() < TIMES && begun.elapsed() < size::ALL {
            tries.push(size::find(target).await.into());
        }
        self.found("size", &tries);
    }

    fn found(&self, probe: &'static str, tries: &[Try]) -> &'static str {
        let Try { code, figures } = together(tries);
        self.settle(probe, Some(Finding { probe, code, figures }));
        code
    }

    /// Notes a finding, and prints every finding that is next in the order of the report.
    fn settle(&self, probe: &'static str, finding: Option<Finding>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.all.extend(finding);
        found.settled.push(probe);
        while let Some(next) = PROBES.get(found.told).filter(|next| found.settled.contains(*next)) {
            self.tell(&found.all, next);
            found.told += 1;
        }
    }

    fn signed_in(&self, user: Option<&str>) {
        if let Some(user) = user {
            self.found.lock().unwrap_or_else(PoisonError::into_inner).user = Some(user.to_owned());
        }
    }

    fn tell(&self, all: &[Finding], probe: &str) {
        if let Some(finding) = all.iter().find(|finding| self.told && finding.probe == probe) {
            say(&self.words.told(finding, all));
        }
    }

    /// Prints the findings that waited for another one that never came. Returns all, and the user who is signed in.
    fn finish(self) -> (Vec<Finding>, Option<String>) {
        let Found { all, told, user, .. } =
            std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner));
        for probe in PROBES.iter().skip(told) {
            self.tell(&all, probe);
        }
        (all, user)
    }
}

async fn tries<T, F: Future<Output = T>>(times: usize, one: impl Fn() -> F) -> Vec<T> {
    join_all((0..times).map(|_| one())).await
}
