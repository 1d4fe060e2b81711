//! The number of instructions that the gateway needs for each piece of work, whatever else the machine does. It needs
//! valgrind.
//!
//!     cargo bench --bench instructions
//!
//! The program starts itself under callgrind, twice for each piece of work, and does the work more often the second
//! time. The difference is the work alone. Each figure is compared with `instructions.baseline`, and one above 1.03 of
//! its baseline fails.
//!
//! This writes the figures of a new run as the baseline:
//!
//!     cargo bench --bench instructions -- --renew
//!
//! Renew it only in a commit whose message names each figure that grew, and why the growth is worth it. A commit that
//! moves code must not renew it. After a gain, renew it to keep the gain. Another compiler or a newer library needs a
//! commit of its own, which changes nothing else. The table of docs/BENCHMARKS.md shows the same figures; a test
//! compares them.

// Its figures are its output.
#![allow(clippy::print_stdout)]

#[path = "work/connections.rs"]
mod connections;
mod gateway;
#[path = "work/links.rs"]
mod links;
mod work;

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};

use work::Piece;

/// How often a piece of work is done under callgrind. The difference is a multiple of how often a client acknowledges,
/// so that the share of an acknowledgement is whole.
const TIMES: [u64; 2] = [64, 320];
/// Room for all results of a piece of work. Moving them would count each byte, and chance decides whether the allocator
/// moves them.
const MOST: usize = TIMES[1] as usize;
/// The greatest ratio of a figure to its baseline.
const BOUND: f64 = 1.03;
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.baseline");
const ONLY: &str = "--only";
const RENEW: &str = "--renew";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, only, name, times] = arguments.as_slice()
        && only == ONLY
    {
        carry_out(name, times.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    let renew = arguments.iter().any(|argument| argument == RENEW);
    let baseline = std::fs::read_to_string(BASELINE).unwrap_or_default();
    let mut figures = Figures::read(&baseline);
    let mut text = format!("# The instructions of each piece of work: see instructions.rs.\n# {}\n", tools());
    let mut within = true;
    for (name, _) in pieces() {
        let each = each(name);
        text.push_str(&format!("{each:>9}  {name}\n"));
        within &= figures.compare(name, each);
    }
    if renew {
        std::fs::write(BASELINE, text).expect("the baseline can be written");
        println!("{BASELINE} is renewed");
        return ExitCode::SUCCESS;
    }
    for name in figures.0.keys() {
        println!("{name}: stands in the baseline, and is no piece of work any more");
    }
    if !baseline.contains(&tools()) {
        println!("the baseline was made with other tools; these are {}", tools());
    }
    if within && figures.0.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn pieces() -> impl Iterator<Item = Piece> {
    work::ALL.into_iter().chain(links::ALL).chain(connections::ALL)
}

/// Does a piece of work so many times. The clock stands still meanwhile, except for work that has a runtime of its own.
/// So no figure depends on how slow the machine is.
fn carry_out(name: &str, times: u64) {
    let mut stopped = tokio::runtime::Builder::new_current_thread();
    let stopped = stopped.enable_time().start_paused(true).build().expect("a runtime");
    let _entered = stopped.enter();
    let (_, prepare) = pieces().find(|(other, _)| *other == name).expect("one of ours");
    let mut work = prepare();
    (0..times).for_each(|_| work());
}

/// Returns the instructions for doing a piece of work once.
fn each(name: &str) -> u64 {
    let [few, many] = TIMES.map(|times| count(name, times));
    (many - few) / (TIMES[1] - TIMES[0])
}

/// Returns everything that this program executes to do a piece of work so many times.
fn count(name: &str, times: u64) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("a path"))
        .args([ONLY, name, &times.to_string()])
        .output()
        .expect("valgrind is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).expect("callgrind's last line").1;
    collected.trim().parse().expect("a number")
}

/// The figures of the baseline that were not compared yet, by the names of their work.
struct Figures<'a>(BTreeMap<&'a str, u64>);

impl<'a> Figures<'a> {
    /// Reads the baseline. A line is a figure, two spaces and a name. Lines that begin with `#` say where the figures
    /// are from.
    fn read(text: &'a str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let figure = |line: &'a str| {
            let (figure, name) = line.trim_start().split_once("  ")?;
            Some((name, figure.parse().ok()?))
        };
        Self(lines.map(|line| figure(line).unwrap_or_else(|| panic!("{BASELINE}: no figure: {line}"))).collect())
    }

    /// Prints a figure and its ratio to the baseline. Returns whether the ratio is within the bound.
    fn compare(&mut self, name: &str, each: u64) -> bool {
        let Some(baseline) = self.0.remove(name) else {
            println!("{name}: {each} instructions; the baseline has no such figure");
            return false;
        };
        let ratio = each as f64 / baseline as f64;
        let verdict = if ratio <= BOUND { "" } else { ": ABOVE THE BOUND" };
        println!("{name}: {each} instructions, {ratio:.3} of {baseline} (bound {BOUND}){verdict}");
        ratio <= BOUND
    }
}

/// Returns the names of the tools that made the figures.
fn tools() -> String {
    let version = |program| {
        let output = Command::new(program).arg("--version").output().expect("the program is installed");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    format!("{}; {}", version("rustc"), version("valgrind"))
}
