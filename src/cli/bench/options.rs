//! The options of the command, and the plan they make. Every number has its bounds here.

use std::path::PathBuf;

use super::message;
use super::plan::{Pattern, Plan, Scenario};
use super::process;
use crate::cli::{networks, whole};
use crate::protocol::Transport;
use crate::protocol::limits::LINE_BYTES;

/// The maximum number of bytes around the content of a publication.
const AROUND: usize = 256;

/// The arguments of the command.
#[derive(clap::Args)]
#[command(after_long_help = METHOD)]
pub(in crate::cli) struct Bench {
    /// The gateway, e.g. http://127.0.0.1:8080. Without it one is started, in a process of its own.
    pub(super) url: Option<String>,
    /// A file whose first line is the token of a user to sign in at the gateway of the URL.
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(super) token_file: Option<PathBuf>,
    /// The measurement.
    #[arg(long, value_enum, default_value_t = Scenario::Compare)]
    scenario: Scenario,
    /// The transports, measured one after the other: websocket, sse, poll [default: all].
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    transports: Vec<Transport>,
    /// Connections at once [default: 100].
    #[arg(long, value_name = "N", value_parser = |text: &str| whole(text, "", &(1..=50_000)), allow_negative_numbers = true)]
    connections: Option<u32>,
    /// Messages a second, of each connection or of the one publisher [default: 10].
    #[arg(long, value_name = "N", value_parser = |text: &str| whole(text, "", &(1..=10_000)), allow_negative_numbers = true)]
    rate: Option<u32>,
    /// Bytes of a message's content [default: 1024].
    #[arg(long, value_name = "BYTES", value_parser = |text: &str| whole(text, " of bytes", &(0..=u32::MAX)), allow_negative_numbers = true)]
    size: Option<u32>,
    /// How long messages are sent, on each transport [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = |text: &str| whole(text, " of seconds", &(1..=3600)), allow_negative_numbers = true)]
    duration: Option<u32>,
    /// Senders and receivers [default: echo].
    #[arg(long, value_enum)]
    pattern: Option<Pattern>,
    /// A network to stand behind, made on this machine; `list` names them.
    #[arg(long, value_name = "NAME")]
    pub(super) network: Option<String>,
    /// How often everything is repeated; medians are shown.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = |text: &str| whole(text, "", &(1..=100)), allow_negative_numbers = true)]
    repeats: u32,
    /// The seed of all that is left to chance.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Write all figures as JSON; - is standard output, without the table.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write a page with charts.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Compare with an earlier --json of the same plan; exits 1 if a figure has got worse by half or more.
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
}

/// The method, for `--help`.
pub(super) const METHOD: &str = "\
How it measures: the time at which each message is due is fixed before the start (an open loop). Its latency is \
counted from then, even if it was sent later. So a stall shows in every message that it held up (no coordinated omission). The \
scenario `throughput` is a closed loop. Each connection is a whole session of the protocol: acknowledged, resumed, replayed. \
Bytes are counted at the sockets of this program, whose requests carry about 500 bytes less of headers than a browser's. CPU and memory \
are those of the gateway's process, if this program started it. This program and the gateway share this machine's cores: `this program late` says \
whether it kept up.

Exit status: 0 done, 1 failed, lost something, missed a bound or got worse than the baseline, 2 wrong usage.";

impl Bench {
    /// Makes the plan from the options.
    ///
    /// # Errors
    /// A sentence: the option that is wrong, and its allowed values.
    pub(super) fn plan(&self) -> Result<Plan, String> {
        let standard = self.scenario.plan();
        let loads = matches!(self.scenario, Scenario::Compare | Scenario::Standard);
        if self.pattern.is_some() && !loads {
            return Err("--pattern is for the scenarios compare and standard".to_owned());
        }
        let transports = match &self.transports[..] {
            [] => standard.transports,
            some => Transport::offer(some)
                .map_err(|why| why.to_string())?
                .iter()
                .map(|transport| transport.name().to_owned())
                .collect(),
        };
        let plan = Plan {
            scenario: self.scenario,
            pattern: self.pattern.unwrap_or(standard.pattern),
            transports,
            connections: self.connections.unwrap_or(standard.connections),
            rate: self.rate.unwrap_or(standard.rate),
            size: self.size.map_or(standard.size, |size| size as usize),
            duration_s: self.duration.unwrap_or(standard.duration_s),
            network: self.network.clone(),
            repeats: self.repeats,
            seed: self.seed,
        };
        check(&plan)?;
        Ok(plan)
    }
}

fn check(plan: &Plan) -> Result<(), String> {
    let (least, most) = (message::SHORTEST, LINE_BYTES - AROUND);
    if !(least..=most).contains(&plan.size) {
        return Err(format!("--size {}: it must be {least} to {most}", plan.size));
    }
    if let Some(name) = &plan.network
        && networks::named(name, 0).is_none()
    {
        return Err(format!("--network {name}: not known. There are:\n{}", networks::list()));
    }
    if plan.scenario == Scenario::Switch && plan.transports.len() < 2 {
        return Err("--scenario switch needs two transports at least".to_owned());
    }
    let (needed, allowed) = (plan.files(), process::open_files());
    if let Some(allowed) = allowed.filter(|allowed| *allowed < needed) {
        return Err(format!(
            "this needs up to {needed} open files, and a process here may have {allowed}: raise the limit (`ulimit -n {needed}`) or ask for fewer --connections"
        ));
    }
    Ok(())
}
