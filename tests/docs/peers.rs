//! The README's figures of other clients are those of the last run of `make bench-peers`.

use crate::{file, markdown};

/// The names of networks in the README and in benches/peers/results.md.
const NETWORKS: [(&str, &str); 5] = [
    ("first message, WebSocket refused ¹", "WebSocket refused"),
    ("… refused, and streams buffered", "refused + streams buffered"),
    ("… never answered", "black hole"),
    ("… opened, then mute", "101 then mute"),
    ("WebSocket killed after each open ¹", "killed 300 ms after each open"),
];

/// The names of clients in the README and in benches/peers/results.md.
const CLIENTS: [(&str, &str); 4] = [
    ("Throughline", "ours"),
    ("Socket.IO", "Socket.IO default"),
    ("SignalR", "SignalR ¹"),
    ("Centrifugo", "centrifuge-js ¹"),
];

#[test]
fn each_figure_of_the_comparison_is_that_of_the_last_run() {
    let (_, readme) = markdown::split(&file("README.md"));
    let (_, results) = markdown::split(&file("benches/peers/results.md"));
    let (readme, results) = (table(&readme, "Socket.IO"), table(&results, "black hole"));
    for (network, measured_network) in NETWORKS {
        for (client, measured_client) in CLIENTS {
            let told = cell(&readme, network, client).trim_matches('*');
            let measured = cell(&results, measured_client, measured_network);
            // Behind the last network every client gets a first message. The figure is about the time after it.
            let holds = measured == told || measured_network.starts_with("killed") && measured.contains(told);
            assert!(holds, "README.md, {network}, {client}: {told}; benches/peers/results.md: {measured}");
        }
    }
}

#[test]
fn the_comparison_states_the_day_of_the_last_run() {
    let results = file("benches/peers/results.md");
    let (_, day) = results.split_once("Measured on ").expect("its day");
    let day = day.split(' ').next().unwrap_or_default();
    assert!(file("README.md").contains(&format!("the run of {day}")), "README.md: the last run was on {day}");
}

/// Returns the rows of the table whose head has this cell.
fn table<'a>(prose: &'a str, head: &str) -> Vec<Vec<&'a str>> {
    let rows = markdown::rows(prose);
    let start = rows.iter().position(|row| row.contains(&head)).unwrap_or_else(|| panic!("no table of {head}"));
    let width = rows[start].len();
    rows.into_iter().skip(start).take_while(|row| row.len() == width).collect()
}

fn cell<'a>(table: &[Vec<&'a str>], row: &str, column: &str) -> &'a str {
    let place = table[0].iter().position(|cell| *cell == column).unwrap_or_else(|| panic!("no column {column}"));
    table.iter().find(|cells| cells[0] == row).unwrap_or_else(|| panic!("no row {row}"))[place]
}
