//! How many instructions protocol, a session's step and a fan-out take: the same whatever else the machine does. Needs valgrind.
//!
//!     cargo bench --bench instructions
//!
//! It starts itself under callgrind, twice for each piece of work, doing it more often the second time: the difference is the work
//! alone. It fails above a bound. Bounds are for x86-64, and leave room for another compiler.

// Its figures are its output.
#![allow(clippy::print_stdout)]

mod work;

use std::process::{Command, ExitCode};

/// How often a piece of work is done under callgrind: a multiple of how often a client acknowledges, so that its share is whole.
const TIMES: [u64; 2] = [64, 320];
const ONLY: &str = "--only";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, only, name, times] = arguments.as_slice()
        && only == ONLY
    {
        let (_, prepare, _) = work::ALL.into_iter().find(|(other, ..)| other == name).expect("one of ours");
        let mut work = prepare();
        (0..times.parse().expect("a number")).for_each(|_: u64| work());
        return ExitCode::SUCCESS;
    }
    let mut within = true;
    for (name, _, bound) in work::ALL {
        let [few, many] = TIMES.map(|times| count(name, times));
        let each = (many - few) / (TIMES[1] - TIMES[0]);
        println!("{name}: {each} instructions (bound {bound})");
        within &= each <= bound;
    }
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All that this program executes to do a piece of work so many times.
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
