//! The documents agree with the code on limits, codes, keys and names.

use std::time::Duration;

use throughline::protocol::code::{Code, Kind};
use throughline::protocol::limits;

use crate::{file, markdown};

fn bare(cell: &str) -> &str {
    cell.trim_matches('`')
}

#[test]
fn every_limit_in_the_protocols_table_is_the_codes_and_none_is_left_out() {
    let (_, prose) = markdown::split(&file("PROTOCOL.md"));
    let table: Vec<(&str, &str)> = markdown::rows(&prose).iter().map(|row| (bare(row[0]), row[1])).collect();
    for name in declared_limits(&file("src/protocol/limits.rs")) {
        let value = value_of(&name).unwrap_or_else(|| panic!("{name} is a new limit: name it here and in PROTOCOL.md"));
        assert!(table.contains(&(&*name, &*value)), "PROTOCOL.md, Limits: | `{name}` | {value} |");
    }
}

fn declared_limits(code: &str) -> Vec<String> {
    code.lines()
        .filter_map(|line| line.strip_prefix("pub const "))
        .filter(|rest| !rest.starts_with("fn "))
        .filter_map(|rest| Some(rest.split_once(':')?.0.to_owned()))
        .collect()
}

/// Returns a limit in the table's form.
fn value_of(name: &str) -> Option<String> {
    let secret = &limits::SECRET_LENGTH;
    Some(match name {
        "SECRET_LENGTH" => format!("{} to {}", secret.start(), secret.end()),
        "SESSION_ID_BYTES" => count(limits::SESSION_ID_BYTES),
        "NONCE_BYTES" => count(limits::NONCE_BYTES),
        "TOKEN_BYTES" => count(limits::TOKEN_BYTES),
        "USER_BYTES" => count(limits::USER_BYTES),
        "GRANTS" => count(limits::GRANTS),
        "CLIENT_REPORT_BYTES" => count(limits::CLIENT_REPORT_BYTES),
        "CHANNEL_BYTES" => count(limits::CHANNEL_BYTES),
        "EPOCH_BYTES" => count(limits::EPOCH_BYTES),
        "LONGEST_SEARCH" => time(limits::LONGEST_SEARCH),
        "SHORTEST_WISH" => time(limits::SHORTEST_WISH),
        "LONG_ANSWER" => count(limits::LONG_ANSWER),
        "GATHER" => time(limits::GATHER),
        "WITHDRAWAL" => time(limits::WITHDRAWAL),
        "LEG_AND_TURN" => count(limits::LEG_AND_TURN),
        "NUMBER" => count(limits::NUMBER),
        "BODY_BYTES" => count(limits::BODY_BYTES),
        "LINE_BYTES" => count(limits::LINE_BYTES),
        "BODY_LINES" => count(limits::BODY_LINES),
        "REPLAY_FRAMES" => count(limits::REPLAY_FRAMES),
        "REPLAY_BYTES" => count(limits::REPLAY_BYTES),
        "ATTACHED_LEGS" => count(limits::ATTACHED_LEGS),
        "ATTACHES_A_MINUTE" => count(limits::ATTACHES_A_MINUTE),
        "ANNOUNCED_BYTES" => count(limits::ANNOUNCED_BYTES),
        "SUBSCRIPTIONS" => count(limits::SUBSCRIPTIONS),
        "PAD_BYTES" => count(limits::PAD_BYTES),
        "PINGS_A_SECOND" => count(limits::PINGS_A_SECOND),
        "SILENT_HEARTBEATS" => count(limits::SILENT_HEARTBEATS),
        "ACK_DELAY" => time(limits::ACK_DELAY),
        "CLIENT_ACK_DELAY" => time(limits::CLIENT_ACK_DELAY),
        "ACK_RIDES" => time(limits::ACK_RIDES),
        "HELLO_DEADLINE" => time(limits::HELLO_DEADLINE),
        "CANDIDATE_DEADLINE" => time(limits::CANDIDATE_DEADLINE),
        "PONG_AFTER_WELCOME" => time(limits::PONG_AFTER_WELCOME),
        "HEARTBEAT" => time(limits::HEARTBEAT),
        "HALF_CLOSED" => time(limits::HALF_CLOSED),
        "POLL_HOLD" => time(limits::POLL_HOLD),
        "RESUME" => time(limits::RESUME),
        "BYE_AFTER" => time(limits::BYE_AFTER),
        "WITHOUT_TOKEN" => time(limits::WITHOUT_TOKEN),
        "WAIT_AFTER" => time(limits::WAIT_AFTER),
        _ => return None,
    })
}

fn count(value: impl Copy + std::fmt::Display) -> String {
    let digits = value.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn time(value: Duration) -> String {
    if value.subsec_millis() == 0 { format!("{} s", value.as_secs()) } else { format!("{} ms", value.as_millis()) }
}

#[test]
fn every_code_stands_in_the_protocol_with_its_status() {
    let (_, prose) = markdown::split(&file("PROTOCOL.md"));
    let rows = markdown::rows(&prose);
    let code = file("src/protocol/code.rs");
    let declared: Vec<(&str, &str)> = code
        .lines()
        .filter_map(|line| line.trim().split_once("=> (\"")?.1.split_once("\", "))
        .map(|(name, status)| (name, status.trim_end_matches("),")))
        .collect();
    assert_eq!(declared.len(), Code::ALL.len(), "the table of code.rs and its list");
    for (name, status) in declared {
        assert!(
            rows.iter().any(|row| bare(row[0]) == name && row[1] == status),
            "PROTOCOL.md, Codes: | `{name}` | {status} |"
        );
    }
}

#[test]
fn every_option_state_and_reason_of_the_client_stands_in_its_readme() {
    let types = file("client-js/src/types.d.ts");
    let readme = file("client-js/README.md");
    let told: Vec<&str> = markdown::code_spans(&readme).collect();
    let options = types.split_once("export interface Options {\n").expect("the options").1;
    let options = options.split_once("\n}").expect("their end").0;
    let words: Vec<&str> =
        option_names(options).chain(alternatives(&types, "State")).chain(alternatives(&types, "Reason")).collect();
    for word in &words {
        assert!(told.contains(word), "client-js/README.md says nothing of {word}");
    }
    assert!(words.len() > 15, "the types were not found");
}

/// Returns the optional members of a TypeScript interface. A line of a comment begins with a slash or a star.
fn option_names(members: &str) -> impl Iterator<Item = &str> {
    members
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with(|letter: char| letter.is_alphabetic()))
        .filter_map(|line| Some(line.split_once("?:")?.0))
}

/// Returns the strings of a TypeScript union: `export type Name = 'one' | 'two';`.
fn alternatives<'a>(types: &'a str, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let union = types.split_once(&format!("export type {name} =")).expect("the union").1;
    let union = union.split_once(';').expect("its end").0;
    union.split('\'').skip(1).step_by(2)
}

/// Compares the table of metrics as names and labels.
#[test]
fn the_table_of_metrics_lists_exactly_those_that_there_are() {
    let (_, prose) = markdown::split(&file("docs/OPERATING.md"));
    let rows = markdown::rows(&prose);
    let is_metric = |cell: &str| ["throughline_", "process_"].iter().any(|prefix| cell.starts_with(prefix));
    let mut told: Vec<String> = rows.iter().map(|row| bare(row[0]).to_owned()).filter(|cell| is_metric(cell)).collect();
    let figures = crate::gateway::Gateway::start(&[]).metrics();
    let mut there: Vec<String> = figures
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| named(&figures, name, kind))
        .collect();
    told.sort_unstable();
    there.sort_unstable();
    assert_eq!(told, there);
}

/// Returns a metric's name, with the labels of its first series.
fn named(figures: &str, name: &str, kind: &str) -> String {
    let series = if kind == "histogram" { format!("{name}_count") } else { name.to_owned() };
    let series = figures.lines().find_map(|line| line.strip_prefix(&series)).unwrap_or_else(|| panic!("no {name}"));
    let Some(labels) = series.strip_prefix('{').and_then(|rest| rest.split_once('}')) else { return name.to_owned() };
    let labels: Vec<&str> = labels.0.split(',').filter_map(|label| Some(label.split_once('=')?.0)).collect();
    format!("{name}{{{}}}", labels.join(","))
}

#[test]
fn every_reason_of_a_refusal_stands_in_the_table_of_metrics() {
    let document = file("docs/OPERATING.md");
    let (_, row) = document.split_once("`throughline_refusals_total{reason}`").expect("its row");
    let row = row.lines().next().unwrap_or_default();
    for kind in Kind::all() {
        let is_code = matches!(kind, Kind::Code(_));
        assert!(is_code || row.contains(&format!("`{}`", kind.name())), "{}", kind.name());
    }
}

#[test]
fn every_route_of_the_table_answers_get() {
    let (_, prose) = markdown::split(&file("docs/HTTP.md"));
    let gateway = crate::gateway::Gateway::start(&[]);
    let routes: Vec<String> =
        markdown::rows(&prose).iter().map(|row| bare(row[0]).to_owned()).filter(|cell| cell.starts_with('/')).collect();
    assert!(routes.len() > 5, "{routes:?}");
    for route in routes {
        let head = gateway.head(&route);
        assert!(head.starts_with("HTTP/1.1 200 "), "docs/HTTP.md: {route}: {head}");
    }
}
