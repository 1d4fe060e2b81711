//! `throughline bench [URL]` compares WebSocket, SSE and poll through the real protocol, on any network and server.
//!
//! It drives the client of `cli/link`, so it measures the gateway, the network and the protocol. It must never reach
//! into the gateway: its knowledge of the gateway comes over sockets, and from the system.
//!
//! # Layout
//! - `options`: the command line, and the plan it makes
//! - `plan`: the measurements to make, as data
//! - `gateway`, `process`: the gateway under measurement, and the system's figures of it
//! - `pace`, `message`, `ledger`: when a message is due, its content, and the count of those that came
//! - `run`: each kind of measurement
//! - `figures`, `results`: the measured figures, as data
//! - `report`: the figures for people and programs

mod doubt;
mod figures;
mod gateway;
mod ledger;
mod message;
mod options;
mod pace;
mod plan;
mod process;
mod report;
mod results;
mod run;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};

use self::figures::Figures;
use self::gateway::Gateway;
pub(super) use self::options::Bench;
use self::plan::{Plan, Scenario};
use self::report::progress::Bar;
use self::report::{baseline, html, json, table};
use self::results::{FORMAT, Results};
use super::{failed, networks, say, target, usage};
use crate::protocol::Transport;

/// A gateway that has not answered after this time is not there.
const REACHED: Duration = Duration::from_millis(1500);

pub(super) fn run(options: &Bench) -> ExitCode {
    if options.network.as_deref() == Some(networks::LIST) {
        say(&networks::list());
        return ExitCode::SUCCESS;
    }
    let (plan, baseline) = match prepare(options) {
        Ok(prepared) => prepared,
        Err(why) => return usage(&why),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let measured = runtime.block_on(async {
        // If this stops early, it drops the measurement, and with it the gateway of our own.
        tokio::select! {
            measured = measure(options, plan) => measured,
            () = stopped() => Err("stopped before the end".to_owned()),
        }
    });
    let done = measured.and_then(|results| {
        tell(options, &results, baseline.as_ref())?;
        Ok(results)
    });
    match done {
        Err(why) => failed(&why),
        Ok(results) => verdict(&results, baseline.as_ref()).map_or(ExitCode::SUCCESS, failed),
    }
}

/// Ends at SIGTERM or Ctrl-C. If it cannot listen for them it never ends: then they end the process.
async fn stopped() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Finds everything that can be wrong with a call before anything is measured.
fn prepare(options: &Bench) -> Result<(Plan, Option<Results>), String> {
    let plan = options.plan()?;
    if let Some(url) = &options.url {
        let target = target::Target::parse(url)?.with_token_of(options.token_file.as_deref())?;
        if plan.network.is_some() && target.loopback().is_none() {
            return Err("--network is made on this machine only: give no URL, or a loopback one".to_owned());
        }
    }
    for file in [&options.json, &options.html].into_iter().flatten() {
        writable(file)?;
    }
    let Some(path) = &options.baseline else { return Ok((plan, None)) };
    if matches!(plan.scenario, Scenario::Switch | Scenario::Cut) {
        return Err(
            "--baseline compares figures of transports; the scenarios switch and cut are held to bounds instead"
                .to_owned(),
        );
    }
    let baseline = json::read(path)?;
    match baseline::differs(&plan, &baseline.plan) {
        Some(why) => Err(why),
        None => Ok((plan, Some(baseline))),
    }
}

/// Reports a place that does not exist before the measuring and not after it.
fn writable(file: &Path) -> Result<(), String> {
    let above = file.parent().filter(|above| !above.as_os_str().is_empty());
    match above {
        Some(above) if !above.is_dir() => Err(format!("{}: there is no directory {}", file.display(), above.display())),
        _ if file.is_dir() => Err(format!("{}: it is a directory", file.display())),
        _ => Ok(()),
    }
}

/// Checks that a gateway listens at the URL. Otherwise half a minute would end in a table without a figure.
async fn reach(url: &str) -> Result<(), String> {
    let target = target::Target::parse(url)?;
    let why = match tokio::time::timeout(REACHED, target.connect()).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(none)) => none.why(),
        Err(_) => format!("no connection came within {REACHED:?}"),
    };
    Err(format!("{}: {why}", target.shown()))
}

async fn measure(options: &Bench, plan: Plan) -> Result<Results, String> {
    if let Some(url) = &options.url {
        reach(url).await?;
    }
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let mut results = Results {
        throughline_bench: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made: httpdate::fmt_http_date(SystemTime::now()),
        machine: format!("{cores} cores, {} {}", std::env::consts::OS, std::env::consts::ARCH),
        // The report shows only the address of a URL: the rest is private.
        url: options
            .url
            .as_deref()
            .and_then(|url| target::Target::parse(url).ok())
            .map(|target| target.shown().to_owned()),
        plan,
        runs: Vec::new(),
        switches: Vec::new(),
        cuts: Vec::new(),
        bounds: Vec::new(),
    };
    for repeat in 1..=results.plan.repeats {
        if results.plan.scenario == Scenario::Switch {
            switch(options, repeat, &mut results).await?;
        } else {
            each(options, repeat, &mut results).await?;
        }
    }
    Ok(results.bounded())
}

/// Measures the transports one after the other, each on a fresh gateway if it is ours.
async fn each(options: &Bench, repeat: u32, results: &mut Results) -> Result<(), String> {
    let plan = &results.plan;
    for transport in plan.transports().collect::<Vec<_>>() {
        let bar = Bar::new(transport.name());
        let gateway = open(options, plan).await?;
        let mut figures = match plan.scenario {
            Scenario::Cut => {
                let cut = run::cut::measure(&gateway, plan, transport, &bar).await?;
                results.cuts.push(run::cut::Cut { repeat, ..cut });
                continue;
            }
            Scenario::Throughput => run::throughput::measure(&gateway, plan, transport, &bar).await?,
            Scenario::Compare | Scenario::Standard | Scenario::Switch => {
                let mut figures = run::load::measure(&gateway, plan, transport, &bar).await?;
                if figures.connected > 0 {
                    bar.begin("recovery", 1);
                    figures.recovery = run::probe::recovery(&gateway.target, transport).await;
                    bar.begin("switches", 1);
                    let others = others(transport, &results.runs);
                    figures.switch = run::probe::switch(&gateway.target, transport, &others).await;
                }
                figures
            }
        };
        figures.repeat = repeat;
        figures.doubted = doubt::of(&figures);
        results.runs.push(figures);
    }
    Ok(())
}

/// Returns the transports to switch to: all but those that have shown that they do not get through here.
fn others(than: Transport, runs: &[Figures]) -> Vec<Transport> {
    let dead = |transport: Transport| runs.iter().any(|run| run.transport == transport.name() && run.connected == 0);
    Transport::ALL.into_iter().filter(|other| *other != than && !dead(*other)).collect()
}

/// Switches from each transport to each other.
async fn switch(options: &Bench, repeat: u32, results: &mut Results) -> Result<(), String> {
    let plan = &results.plan;
    let transports: Vec<Transport> = plan.transports().collect();
    for (place, one) in transports.iter().enumerate() {
        for other in &transports[place + 1..] {
            let bar = Bar::new(&format!("{one} ⇄ {other}"));
            let gateway = open(options, plan).await?;
            let switches = run::switch::measure(&gateway, plan, [*one, *other], &bar).await?;
            results.switches.extend(switches.map(|of| run::switch::Switch { repeat, ..of }));
        }
    }
    Ok(())
}

async fn open(options: &Bench, plan: &Plan) -> Result<Gateway, String> {
    let network = plan.network.as_deref().and_then(|name| networks::named(name, plan.seed));
    Gateway::open(options.url.as_deref(), options.token_file.as_deref(), network).await
}

fn tell(options: &Bench, results: &Results, baseline: Option<&Results>) -> Result<(), String> {
    if options.json.as_ref().is_none_or(|path| path.as_os_str() != "-") {
        say(&table::of(results, baseline));
    }
    if let Some(path) = &options.json {
        json::write(results, path)?;
    }
    if let Some(path) = &options.html {
        let page = html::of(results, baseline)?;
        std::fs::write(path, page).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Says what is wrong with the results, if anything.
fn verdict(results: &Results, baseline: Option<&Results>) -> Option<&'static str> {
    let worse = |baseline| baseline::changes(results, baseline).iter().any(|change| change.worse);
    if results.nothing_connected() {
        Some("nothing connected, by any transport")
    } else if !results.kept_the_promise() {
        Some("messages were lost, duplicated or reordered")
    } else if results.bounds.iter().any(|bound| !bound.holds) {
        Some("a bound does not hold")
    } else if baseline.is_some_and(worse) {
        Some("something has got worse than the baseline")
    } else {
        None
    }
}
