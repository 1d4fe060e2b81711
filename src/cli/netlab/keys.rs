//! Switches the network by typed lines, if standard input is a terminal. It reads nothing else.
//!
//! A line is a command, so the terminal stays as it is: no mode must be restored, however the process ends.

use std::io::{BufRead as _, IsTerminal as _};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::Lab;
use crate::cli::{networks, say};
use crate::netlab::Route;

const HELP: &str = "type a number or a name and Enter; k resets all that is open, h shows this, q quits";

#[derive(Debug, PartialEq, Eq)]
enum Key {
    Network(&'static str),
    Kill,
    Help,
    Quit,
}

/// Obeys until the user quits. Without a terminal it waits forever.
pub(super) async fn follow(lab: Arc<Lab>) {
    if std::io::stdin().is_terminal() {
        help();
        let mut lines = lines();
        while let Some(line) = lines.recv().await {
            match key(&line) {
                Key::Quit => return,
                Key::Help => help(),
                Key::Kill => say(&format!("{} open connections were reset", lab.front.kill(Route::Any))),
                Key::Network(name) => {
                    if let Some(network) = networks::named(name, 0) {
                        lab.switch(network);
                    }
                }
            }
        }
    }
    std::future::pending::<()>().await;
}

fn help() {
    let lines: Vec<String> =
        (1..).zip(networks::all()).map(|(number, (name, meaning))| format!("{number:4}  {name:40}{meaning}")).collect();
    say(&lines.join("\n"));
    say(HELP);
}

/// Returns the meaning of a line. A line that is not understood asks for help.
fn key(line: &str) -> Key {
    match line.trim() {
        "q" => Key::Quit,
        "k" => Key::Kill,
        typed => {
            let number = typed.parse::<usize>().ok();
            let found = (1..).zip(networks::all()).find(|(place, (name, _))| Some(*place) == number || *name == typed);
            found.map_or(Key::Help, |(_, (name, _))| Key::Network(name))
        }
    }
}

/// Reads the lines of standard input. A read that waits cannot be cancelled, so a thread of its own waits, and ends
/// with the process.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_number_a_name_or_a_letter_and_all_else_asks_for_help() {
        let first = networks::all().next().unwrap().0;
        let last = networks::all().last().unwrap().0;
        let count = networks::all().count();
        assert_eq!(key("1\n"), Key::Network(first));
        assert_eq!(key(&count.to_string()), Key::Network(last));
        assert_eq!(key(" offline "), Key::Network("offline"));
        assert_eq!((key("k"), key("q"), key("h")), (Key::Kill, Key::Quit, Key::Help));
        for other in ["", "0", "18000", "-1", "offlin", "K"] {
            assert_eq!(key(other), Key::Help, "{other:?}");
        }
    }
}
