//! `throughline bench [URL]`: WebSocket, SSE and poll compared through the real protocol, on anyone's network and server.
//!
//! It drives the client's half of the session over the leanest speaker of each transport, so that what is measured is the gateway,
//! the network and the protocol. It must never reach into the gateway: what it knows of it comes over sockets, and from the system.
//!
//! # Layout
//! - `options`: the command line, and the plan it makes
//! - `plan`: what is to be measured, as data; `networks`: through what
//! - `gateway`, `process`: what is measured, and what the system tells of it
//! - `link`: a client of the protocol
//! - `pace`, `message`, `ledger`: when a message is due, what it holds, what came of it
//! - `run`: each thing that is measured
//! - `figures`: what was measured, as data
//! - `report`: how it is shown

mod figures;
mod gateway;
mod ledger;
mod link;
mod message;
mod networks;
mod options;
mod pace;
mod plan;
mod process;
mod report;
mod run;

use std::process::ExitCode;

use self::figures::Figures;
use self::gateway::Gateway;
pub(super) use self::options::Bench;
use self::plan::Plan;
use self::report::progress::Bar;
use super::{failed, say, target, usage};
use crate::protocol::Transport;

pub(super) fn run(options: &Bench) -> ExitCode {
    let plan = match options.plan() {
        Ok(plan) => plan,
        Err(why) => return usage(&why),
    };
    if let Some(Err(why)) = options.url.as_deref().map(target::Target::parse) {
        return usage(&why);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    match runtime.block_on(compare(options, &plan)) {
        Err(why) => failed(&why),
        Ok(runs) => {
            say(&plan.told());
            say(&report::table::of(&plan.transports, &runs));
            ExitCode::SUCCESS
        }
    }
}

/// The transports one after the other, all of them as often as was asked.
async fn compare(options: &Bench, plan: &Plan) -> Result<Vec<Figures>, String> {
    let mut runs = Vec::new();
    for repeat in 1..=plan.repeats {
        for transport in plan.transports() {
            let bar = Bar::new(transport.name());
            let network = plan.network.as_deref().and_then(|name| networks::named(name, plan.seed));
            let gateway = Gateway::open(options.url.as_deref(), network).await?;
            let mut figures = run::load::measure(&gateway, plan, transport, &bar).await?;
            figures.repeat = repeat;
            bar.begin("recovery", 1);
            figures.recovery = run::probe::recovery(&gateway.target, transport).await;
            bar.begin("switches", 1);
            let others: Vec<Transport> = plan.transports().filter(|other| *other != transport).collect();
            figures.switch = run::probe::switch(&gateway.target, transport, &others).await;
            runs.push(figures);
        }
    }
    Ok(runs)
}
