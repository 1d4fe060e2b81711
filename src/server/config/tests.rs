//! Each key with what it may not be; what can change at run time, and what cannot.

use super::*;
use crate::protocol::Transport;

/// Another value of a key than its default, one of a wrong type, one that is out of range, and how the two are told.
struct Case {
    other: &'static str,
    wrong_type: (&'static str, &'static str),
    out_of_range: (&'static str, &'static str),
}

const WHOLE: &str = "must be a whole number";
const SECONDS: &str = "must be a whole number of seconds";

/// A key without a row here fails: its errors are not known to be any good.
fn case(key: &str) -> Case {
    let case = |other, wrong_type, out_of_range| Case { other, wrong_type, out_of_range };
    match key {
        "listen" => case(
            "'[::1]:1'",
            ("8080", "must be text in quotes, and it is a whole number"),
            ("'localhost:1'", "names are not resolved"),
        ),
        "open" => case("true", ("'yes'", "must be true or false, and it is text"), ("1", "must be true or false")),
        "origins" => case(
            "['http://a']",
            ("'https://a'", "must be a list of texts, and it is text"),
            ("['a.org']", "is not an origin"),
        ),
        "trusted_proxies" => case(
            "['::1', '10.0.0.0/8']",
            ("['1.1.1.1', 7]", "must be text in quotes"),
            ("['10.0.0.0/33']", "not an address or a prefix"),
        ),
        "compression" => case("true", ("'on'", "must be true or false"), ("0.5", "it is a number with a point")),
        "transports" => {
            case("['poll', 'sse']", ("'sse'", "must be a list of texts"), ("['sse', 'sse']", "sse is listed twice"))
        }
        "switch_jitter_s" => case("1", ("'3'", SECONDS), ("3601", "must be 0 to 3600")),
        "drain_s" => case("1", ("10.5", SECONDS), ("-1", "must be 0 to 3600")),
        "heartbeat_s" => case("5", ("[15]", SECONDS), ("99", "must be 5 to 30")),
        "poll_hold_s" => case("1", ("'25s'", SECONDS), ("0", "must be 1 to 120")),
        "resume_s" => case("1", ("true", SECONDS), ("86401", "must be 1 to 86400")),
        "sessions" => case("1", ("'many'", WHOLE), ("0", "must be 1 to 10000000")),
        "connections" => case("0x10", ("1e4", WHOLE), ("9223372036854775807", "must be 1 to 10000000")),
        "history_messages" => case("1", ("{}", "and it is a table"), ("-5", "must be 0 to 10000000")),
        "history_s" => case("1", ("2026-11-30", "and it is a date"), ("86401", "must be 0 to 86400")),
        "history_bytes" => case("1_000", ("'1 MB'", WHOLE), ("-1", "must be 0 to")),
        "all_history_bytes" => case("1_048_576", ("'1 GB'", WHOLE), ("2_000_000_000_000", "must be 0 to")),
        "channels" => case("1", ("false", WHOLE), ("0", "must be 1 to 10000000")),
        _ => panic!("{key} is new: say here what is told of its wrong values"),
    }
}

/// What is said of this text: it stands behind a comment, so the line is the second.
fn refused(line: &str) -> String {
    let text = format!("# a comment\n{line}\n");
    let said = Config::from_toml(&text).expect_err(line).to_string();
    assert!(said.starts_with("line 2, column "), "{said}");
    assert!(said.contains(&format!("2 | {line}\n")), "{said}");
    assert!(said.lines().any(|line| line.trim_start_matches([' ', '|']).starts_with('^')), "{said}");
    assert!(said.contains(" = write "), "{said}");
    for word in ["expected", "u64", "usize", "sequence", "socket address", "os error"] {
        assert!(!said.contains(word), "{word:?} is a word of the language: {said}");
    }
    said
}

#[test]
fn each_key_names_the_line_and_what_to_write_when_its_value_is_of_a_wrong_type_or_out_of_range() {
    for key in &KEYS {
        let case = case(key.name);
        for (value, says) in [case.wrong_type, case.out_of_range] {
            let said = refused(&format!("{} = {value}", key.name));
            assert!(said.contains(says) && said.contains(&format!("`{}`", key.name)), "{says:?} in {said}");
            assert!(said.ends_with(&format!(" = write {}", key.example)), "{said}");
        }
    }
}

#[test]
fn each_key_is_offered_where_it_is_misspelt() {
    for key in &KEYS {
        let name = key.name;
        let slips = [format!("{name}x"), name[..name.len() - 1].to_owned(), name.replace('_', "-").to_uppercase()];
        for slip in &slips[..2] {
            let said = refused(&format!("{slip} = 1"));
            let meant = format!("`{slip}` is not a key");
            assert!(said.contains(&meant) && said.contains(&format!("write {}", key.example)), "{said}");
        }
        refused(&format!("{} = 1", slips[2]));
    }
    let said = refused("pigeon = 1");
    assert!(KEYS.iter().all(|key| said.contains(key.name)), "{said}");
    assert!(refused("[session]").contains("`session` is not a key"));
}

/// What to write must be right: it is what the reader writes.
#[test]
fn each_example_is_taken_and_each_value_is_shown_as_a_file_would_have_it() {
    for key in &KEYS {
        assert!(Config::from_toml(key.example).is_ok(), "{}", key.example);
        let other = Config::from_toml(&format!("{} = {}", key.name, case(key.name).other)).unwrap();
        let shown: Vec<String> = other.values().iter().map(|(key, value)| format!("{key} = {value}")).collect();
        assert_eq!(format!("{:?}", Config::from_toml(&shown.join("\n")).unwrap()), format!("{other:?}"));
    }
}

#[test]
fn text_that_is_no_toml_is_shown_with_what_to_write() {
    for line in ["listen = 127.0.0.1:8080", "transports = [", "heartbeat_s = 15s", "= 1", "heartbeat_s", "open = yes"] {
        let bad = Config::from_toml(&format!("# a comment\n{line}\n")).unwrap_err();
        assert!(matches!(bad.wrong, Wrong::Syntax(_)), "{bad}");
        let said = bad.to_string();
        assert!(said.contains('^') && said.contains(" = write "), "{said}");
    }
    for (line, what, instead) in [
        ("heartbeat_s = 15s", "text must be in quotes", "heartbeat_s = 15"),
        ("listen = 127.0.0.1:8080", "text must be in quotes", "listen = \"127.0.0.1:8080\""),
    ] {
        let said = refused(line);
        assert!(said.contains(what) && said.ends_with(&format!("write {instead}")), "{said}");
    }
    let twice = Config::from_toml("drain_s = 1\ndrain_s = 2").unwrap_err();
    assert_eq!(twice.wrong, Wrong::RepeatedKey);
    assert!(twice.to_string().starts_with("line 2, column 1: this key is there already"), "{twice}");
}

/// Of several faults the first in the file is told, whatever the order of the keys.
#[test]
fn the_first_fault_of_a_file_is_told() {
    let said = Config::from_toml("sessions = 0\nchannels = 0").unwrap_err();
    assert!(said.to_string().starts_with("line 1, column 12: `sessions`"), "{said}");
}

#[test]
fn a_file_overrides_defaults() {
    let config = Config::from_toml("listen = '127.0.0.1:0'\nheartbeat_s = 5\ntransports = ['sse']").unwrap();
    assert_eq!((config.listen.port(), config.session.heartbeat), (0, Duration::from_secs(5)));
    assert_eq!(*config.session.transports, [Transport::Sse]);
}

#[test]
fn a_change_of_each_key_is_told_with_both_values_and_whether_a_restart_is_needed() {
    for key in &KEYS {
        let other = Config::from_toml(&format!("{} = {}", key.name, case(key.name).other)).unwrap();
        let (now, later) = Config::default().changes(&other);
        let (told, none) = if key.at_run_time { (now, later) } else { (later, now) };
        assert_eq!((told.len(), none.len()), (1, 0), "{}", key.name);
        let (from, to) = ((key.show)(&Config::default()), (key.show)(&other));
        assert_eq!(told[0].to_string(), format!("{} = {to} (was {from})", key.name));
    }
    assert_eq!(Config::default().changes(&Config::default()), (Vec::new(), Vec::new()));
}

#[test]
fn a_bound_that_can_never_be_reached_is_odd() {
    assert!(Config::default().oddities().is_empty());
    let odd = Config::from_toml("all_history_bytes = 1000").unwrap().oddities();
    assert!(odd.len() == 1 && odd[0].contains("`history_bytes` (1048576)"), "{odd:?}");
}

#[test]
fn beyond_loopback_without_open_is_refused() {
    let mut config = Config { listen: SocketAddr::from(([0, 0, 0, 0], 80)), ..Config::default() };
    assert_eq!(config.check(), Err(Exposed(config.listen)));
    assert!(Exposed(config.listen).to_string().contains("--open"));
    config.open = true;
    assert_eq!(config.check(), Ok(()));
}
