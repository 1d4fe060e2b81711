//! Each key with its wrong values and its wrong places, and the changes that a reload applies.

mod environment;

use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::protocol::Transport;

/// A value of a key that is not its default, a value of a wrong type, and one out of range. The latter two stand with
/// their messages.
struct Case {
    other: &'static str,
    wrong_type: (&'static str, &'static str),
    out_of_range: (&'static str, &'static str),
}

const WHOLE: &str = "must be a whole number";
const SECONDS: &str = "must be a whole number of seconds";

/// Returns the case of a key. A key without a row here fails, because no test knows its messages.
fn case(key: &str) -> Case {
    let case = |other, wrong_type, out_of_range| Case { other, wrong_type, out_of_range };
    match key {
        "server.listen" => case(
            "'[::1]:1'",
            ("8080", "must be text in quotes, and it is a whole number"),
            ("'localhost:1'", "names are not resolved"),
        ),
        "server.open" => {
            case("true", ("'yes'", "must be true or false, and it is text"), ("1", "must be true or false"))
        }
        "server.origins" => case(
            "['http://a']",
            ("'https://a'", "must be a list of texts, and it is text"),
            ("['a.org']", "is not an origin"),
        ),
        "server.trusted_proxies" => case(
            "['::1', '10.0.0.0/8']",
            ("['1.1.1.1', 7]", "must be text in quotes"),
            ("['10.0.0.0/33']", "not an address or a prefix"),
        ),
        "server.proxy_protocol" => {
            case("true", ("'v2'", "must be true or false, and it is text"), ("2", "must be true or false"))
        }
        "server.compression" => case("true", ("'on'", "must be true or false"), ("0.5", "it is a number with a point")),
        "server.drain_s" => case("1", ("10.5", SECONDS), ("-1", "must be 0 to 3600")),
        "session.transports" => {
            case("['poll', 'sse']", ("'sse'", "must be a list of texts"), ("['sse', 'sse']", "sse is listed twice"))
        }
        "session.switch_jitter_s" => case("1", ("'3'", SECONDS), ("3601", "must be 0 to 3600")),
        "session.heartbeat_s" => case("5", ("[15]", SECONDS), ("99", "must be 5 to 30")),
        "session.poll_hold_s" => case("1", ("'25s'", SECONDS), ("0", "must be 1 to 120")),
        "session.resume_s" => case("1", ("true", SECONDS), ("86401", "must be 1 to 86400")),
        "limits.sessions" => case("1", ("'many'", WHOLE), ("0", "must be 1 to 10000000")),
        "limits.connections" => case("0x10", ("1e4", WHOLE), ("9223372036854775807", "must be 1 to 10000000")),
        "limits.channels" => case("1", ("false", WHOLE), ("0", "must be 1 to 10000000")),
        "limits.connections_per_address"
        | "limits.sessions_per_address"
        | "limits.sessions_per_user"
        | "limits.guests_per_address"
        | "limits.attaches_per_address" => case("0", ("'many'", WHOLE), ("-1", "must be 0 to 10000000")),
        "limits.subscribes_per_session" => case("0", ("'many'", WHOLE), ("-1", "must be 0 to 10000000")),
        "limits.attaches_burst" | "limits.subscribes_burst" => {
            case("1", ("1.5", WHOLE), ("0", "must be 1 to 10000000"))
        }
        "limits.replay_bytes_total" => case("0", ("'1 GB'", WHOLE), ("2_000_000_000_000", "must be 0 to")),
        "history.messages" => case("1", ("{}", "and it is a table"), ("-5", "must be 0 to 10000000")),
        "history.age_s" => case("1", ("2026-11-30", "and it is a date"), ("86401", "must be 0 to 86400")),
        "history.bytes" => case("1_000", ("'1 MB'", WHOLE), ("-1", "must be 0 to")),
        "history.all_bytes" => case("1_048_576", ("'1 GB'", WHOLE), ("2_000_000_000_000", "must be 0 to")),
        "inner.listen" => case(
            "'[::1]:1'",
            ("8080", "must be text in quotes, and it is a whole number"),
            ("'localhost:1'", "names are not resolved"),
        ),
        "auth.secret" => case(
            "['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210']",
            ("7", "must be a list of texts, and it is a whole number"),
            ("['hunter2']", "a secret must have at least 32 bytes"),
        ),
        "auth.secret_file" | "auth.audience" | "auth.issuer" => {
            case("'other'", ("7", "must be text in quotes"), ("['other']", "and it is a list"))
        }
        "auth.public_key_file" => {
            case("['key.pem']", ("7", "must be a list of texts"), ("[7]", "must be text in quotes"))
        }
        "auth.jwks_url" => case(
            "'https://id.example.org/keys'",
            ("7", "must be text in quotes"),
            ("'http://id.example.org/keys'", "must be a URL of https"),
        ),
        "auth.algorithms" => case(
            "['ES256', 'EdDSA']",
            ("'ES256'", "must be a list of texts"),
            ("['none']", "\"none\" is not one of HS256, RS256, ES256 and EdDSA"),
        ),
        "auth.anonymous" => case("true", ("'yes'", "must be true or false"), ("1", "must be true or false")),
        "auth.cookie" => {
            case("'token'", ("7", "must be text in quotes"), ("'a b'", "\"a b\" is not the name of a cookie"))
        }
        "auth.leeway_s" => case("5", ("'30'", SECONDS), ("301", "must be 0 to 300")),
        _ => panic!("{key} is new: add its wrong values here, and their messages"),
    }
}

fn keys() -> Vec<Setting> {
    Config::default().settings()
}

/// Checks the form of the message about the last line of a text, and returns it.
#[track_caller]
fn refused(text: &str) -> String {
    let said = Config::from_toml(text).expect_err(text).to_string();
    let (number, line) = (text.lines().count(), text.lines().last().unwrap());
    assert!(said.starts_with(&format!("line {number}, column ")), "{said}");
    let line = line.split_once("secret = ").map_or(line.to_owned(), |(before, _)| format!("{before}secret = …"));
    assert!(said.contains(&format!("{number} | {line}\n")), "{said}");
    assert!(said.lines().any(|line| line.trim_start_matches([' ', '|']).starts_with('^')), "{said}");
    assert!(said.contains(" = write "), "{said}");
    for word in ["expected", "u64", "usize", "sequence", "socket address", "os error"] {
        assert!(!said.contains(word), "{word:?} is a word for programmers: {said}");
    }
    said
}

/// Checks that message, and its correction at the end.
#[track_caller]
fn told(text: &str, what: &str, instead: &str) {
    let said = refused(text);
    assert!(said.contains(what), "{what:?} in {said}");
    assert!(said.ends_with(&format!(" = write {instead}")), "{instead:?} in {said}");
}

#[test]
fn each_key_names_the_line_and_what_to_write_when_its_value_is_of_a_wrong_type_or_out_of_range() {
    for Setting { table, key, example, .. } in keys() {
        let name = format!("{table}.{key}");
        let case = case(&name);
        for (value, says) in [case.wrong_type, case.out_of_range] {
            for text in [
                format!("[{table}]\n{key} = {value}"),
                format!("{table}.{key} = {value}"),
                format!("{table} = {{ {key} = {value} }}"),
            ] {
                told(&text, says, &format!("{key} = {example}"));
                assert!(refused(&text).contains(&format!("`{name}`: ")), "{text}");
            }
        }
    }
}

#[test]
fn each_key_is_offered_where_it_is_misspelt() {
    for Setting { table, key, example, .. } in keys() {
        for slip in [format!("{key}x"), key[..key.len() - 1].to_owned()] {
            let unknown = format!("`{slip}` is not a key of [{table}]");
            told(&format!("[{table}]\n{slip} = 1"), &unknown, &format!("{key} = {example}, if that is meant"));
        }
        refused(&format!("[{table}]\n{} = 1", key.replace('_', "-").to_uppercase()));
    }
}

#[test]
fn each_key_in_another_table_or_in_none_is_told_its_table() {
    // The key `listen` stands in two tables. The first one is told.
    let has = |table: &str, key: &str| keys().iter().any(|setting| setting.table == table && setting.key == key);
    for Setting { table, key, example, .. } in keys().into_iter().filter(|setting| setting.name() != "inner.listen") {
        let instead = format!("{key} = {example} under [{table}]");
        told(&format!("{key} = 1"), &format!("`{key}` stands in no table"), &instead);
        for other in Config::default().sections().map(Table::name) {
            if !has(other, key) {
                let unknown = format!("`{key}` is not a key of [{other}]");
                told(&format!("[{other}]\n{key} = 1"), &unknown, &instead);
            }
        }
    }
}

/// Earlier versions had these keys above all tables. Most names began with the present table of the key.
#[test]
fn a_name_that_holds_its_tables_is_told_its_table() {
    for (name, instead) in [
        ("history_messages", "messages = 1_000 under [history]"),
        ("history_bytes", "bytes = 1_048_576 under [history]"),
        ("all_history_bytes", "all_bytes = 268_435_456 under [history]"),
        ("history_s", "age_s = 300 under [history], if that is meant"),
    ] {
        told(&format!("{name} = 1"), &format!("`{name}` stands in no table"), instead);
    }
}

#[test]
fn a_key_like_no_other_is_told_the_keys_of_its_table() {
    told(
        "[history]\npigeon = 1",
        "`pigeon` is not a key of [history]",
        "one of these: messages, age_s, bytes, all_bytes",
    );
    let tables = "[server], [session], [limits], [history], [auth], [inner], [[channel]], [[key]]";
    told("pigeon = 1", "`pigeon` stands in no table", &format!("one of these above it: {tables}"));
}

#[test]
fn a_table_that_is_unknown_is_told_the_nearest_or_all() {
    for text in ["[sesion]", "sesion.heartbeat_s = 5", "sesion = { heartbeat_s = 5 }", "[[sesion]]"] {
        told(text, "[sesion] is not a table", "[session], if that is meant");
    }
    told(
        "[pigeon]",
        "[pigeon] is not a table",
        "one of these: [server], [session], [limits], [history], [auth], [inner], [[channel]], [[key]]",
    );
    told("[limits]\nsessions = 5\n[limits.sessions]", "already", "each table once, and each key once in its table");
    told("[history.more]", "`more` is not a key of [history]", "one of these: messages, age_s, bytes, all_bytes");
}

#[test]
fn a_table_that_is_none_is_told_how_to_write_one() {
    for table in Config::default().sections().map(Table::name) {
        let instead = format!("[{table}] on a line of its own, and its keys below");
        told(&format!("{table} = 5"), &format!("`{table}`: it must be a table, and it is a whole number"), &instead);
        told(&format!("[[{table}]]"), "it must be a table, and it is a list of tables", &instead);
    }
}

#[test]
fn a_table_or_a_key_that_stands_twice_is_told() {
    for text in [
        "[limits]\nsessions = 5\n[limits]",
        "limits.sessions = 5\n[limits]",
        "[limits]\n[session]\n[limits]",
        "[limits]\nsessions = 5\nsessions = 5",
        "limits.sessions = 5\nlimits.sessions = 6",
        "limits = { sessions = 5 }\nlimits.channels = 5",
    ] {
        told(text, "this stands in the file already", "each table once, and each key once in its table");
        assert_eq!(Config::from_toml(text).unwrap_err().wrong, Wrong::Repeated);
    }
}

#[test]
fn a_table_may_have_a_header_or_stand_before_its_keys_or_be_one_value() {
    for text in [
        "[limits]\nsessions = 5\nchannels = 6",
        "limits.sessions = 5\nlimits.channels = 6",
        "limits = { sessions = 5, channels = 6 }",
        "'limits'.\"sessions\" = 5\nlimits . channels = 6",
    ] {
        let Limits { sessions, channels, connections, .. } = Config::from_toml(text).expect(text).limits;
        assert_eq!((sessions, channels, connections), (5, 6, 50_000), "{text}");
    }
}

/// A correction must be valid, because the reader copies it.
#[test]
fn each_example_is_taken_and_each_value_is_shown_as_a_file_would_have_it() {
    for setting in keys() {
        let example = format!("[{}]\n{} = {}", setting.table, setting.key, setting.example);
        assert!(Config::from_toml(&example).is_ok(), "{example}");
        let name = setting.name();
        let other = Config::from_toml(&format!("{name} = {}", case(&name).other)).unwrap();
        // A table that switches something on stands in the file only with a value of its own.
        let defaults = keys();
        let is_written = |it: &&Setting| !["auth", "inner"].contains(&it.table) || !defaults.contains(it);
        let settings = other.settings();
        let written = settings.iter().filter(is_written);
        let shown: Vec<String> = written.map(|it| format!("{} = {}", it.name(), it.value)).collect();
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
    let quotes = "text must be in quotes";
    told("[session]\nheartbeat_s = 15s", quotes, "heartbeat_s = 15");
    told("[session]\nresume_s = 9\nheartbeat_s = 15s", quotes, "heartbeat_s = 15");
    told("[limits]\nheartbeat_s = 15s", quotes, "heartbeat_s = 15 under [session]");
    told("heartbeat_s = 15s", quotes, "heartbeat_s = 15 under [session]");
    told("server.listen = 127.0.0.1:8080", quotes, "listen = \"127.0.0.1:8080\"");
}

/// The gateway reports the first of several faults in the file. The order of the keys in their section does not count.
#[test]
fn the_first_fault_of_a_file_is_told() {
    for text in ["[session]\nresume_s = 0\n[limits]\nsessions = 0", "[session]\nresume_s = 0\nheartbeat_s = 0"] {
        let said = Config::from_toml(text).unwrap_err().to_string();
        assert!(said.starts_with("line 2, column 12: `session.resume_s`"), "{said}");
    }
    let said = Config::from_toml("[session]\nx = 1\n[limit]\n").unwrap_err().to_string();
    assert!(said.starts_with("line 2, column 1: `x`"), "{said}");
}

#[test]
fn a_file_overrides_defaults() {
    let text = "server.listen = '127.0.0.1:0'\n[session]\nheartbeat_s = 5\ntransports = ['sse']";
    let config = Config::from_toml(text).unwrap();
    assert_eq!((config.server.listen.port(), config.session.heartbeat), (0, Duration::from_secs(5)));
    assert_eq!(*config.session.transports, [Transport::Sse]);
}

#[test]
fn a_file_that_cannot_be_read_or_used_is_named() {
    let missing = std::env::temp_dir().join(format!("throughline-{}.toml", uuid::Uuid::new_v4()));
    let why = Config::from_file(&missing).unwrap_err();
    assert!(matches!(why, BadPath::Unreadable { .. }), "{why}");
    assert!(why.to_string().starts_with(&format!("{}: ", missing.display())), "{why}");
    let why = Config::from_file(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap_err();
    assert!(why.to_string().contains("/Cargo.toml: line 1, column 2: [package] is not a table"), "{why}");
}

#[test]
fn a_change_of_each_key_is_told_with_both_values_and_whether_a_restart_is_needed() {
    for setting in keys() {
        let name = setting.name();
        let other = Config::from_toml(&format!("{name} = {}", case(&name).other)).unwrap();
        let (now, later) = Config::default().changes(&other);
        let (told, none) = if setting.reload == Reload::Restart { (later, now) } else { (now, later) };
        assert_eq!((told.len(), none.len()), (1, 0), "{name}");
        let (from, to) = (setting.value, other.settings().into_iter().find(|it| it.name() == name).unwrap().value);
        assert_eq!(told[0].to_string(), format!("{name} = {to} (was {from})"));
    }
    assert_eq!(Config::default().changes(&Config::default()), (Vec::new(), Vec::new()));
}

#[test]
fn a_bound_that_can_never_be_reached_is_odd() {
    assert!(Config::default().oddities().is_empty());
    let odd = Config::from_toml("history.all_bytes = 1000").unwrap().oddities();
    assert!(odd.len() == 1 && odd[0].contains("`history.bytes` (1048576)"), "{odd:?}");
}

#[test]
fn beyond_loopback_without_open_is_refused() {
    let mut config = Config::default();
    config.server.listen = SocketAddr::from(([0, 0, 0, 0], 80));
    assert_eq!(config.check(), Err(Conflict::Exposed(config.server.listen)));
    assert!(config.check().unwrap_err().to_string().contains("--open"));
    config.server.open = true;
    assert_eq!(config.check(), Ok(()));
}

#[test]
fn the_table_auth_must_name_keys_that_fit_its_algorithms() {
    use crate::backend::tokens::auth::{Algorithm, BadKeys};

    let check = |text: &str| Config::from_toml(text).expect(text).check();
    assert_eq!(check("[auth]"), Err(Conflict::Keys(BadKeys::None)));
    assert_eq!(check("[auth]\naudience = 'a'"), Err(Conflict::Keys(BadKeys::None)));
    let none = Conflict::Keys(BadKeys::NoKeyFor(Algorithm::Rs256));
    assert_eq!(check("[auth]\nsecret_file = 'a'\nalgorithms = ['RS256']"), Err(none));
    assert_eq!(check("[auth]\nsecret_file = 'a'\ncookie = 'a'"), Err(Conflict::Cookie));
    assert_eq!(check("server.origins = ['https://a']\n[auth]\nsecret_file = 'a'\ncookie = 'a'"), Ok(()));
    let one = Config::from_toml("auth.secret = '0123456789abcdef0123456789abcdef'").unwrap().auth.unwrap();
    assert_eq!(one.secrets.len(), 1);
    assert!(Config::from_toml("[auth]\njwks_url = 'https://a/b'").unwrap().oddities()[0].contains("auth.audience"));
}

#[test]
fn beyond_loopback_a_gateway_needs_auth_or_open() {
    let exposed = "server.listen = '0.0.0.0:80'\n";
    let with = |text: &str| Config::from_toml(&format!("{exposed}{text}")).unwrap().check();
    assert!(matches!(with(""), Err(Conflict::Exposed(_))));
    assert_eq!(with("auth.secret_file = 'a'"), Ok(()));
    assert!(matches!(with("[auth]"), Err(Conflict::Keys(_))));
}

/// The log and the error of a file show settings. They must show that a secret changed, and never the secret.
#[test]
fn a_secret_is_shown_nowhere() {
    let [old, new] = ["an old secret of at least 32 bytes", "a new secret of at least 32 bytes!"];
    let config = |secret: &str| Config::from_toml(&format!("auth.secret = ['{secret}']")).unwrap();
    let (_, changes) = config(old).changes(&config(new));
    assert_eq!(changes.len(), 1);
    for shown in [changes[0].to_string(), format!("{:?}", config(new)), format!("{:?}", config(new).settings())] {
        assert!(!shown.contains(old) && !shown.contains(new), "{shown}");
    }
    for text in [
        "secret = 'hunter2'",
        "[auth]\nsecret = ['hunter2']",
        "[auth]\nsecret = hunter2",
        "auth.secret = [\n'hunter2']",
    ] {
        let said = format!("{:?}", Config::from_toml(text).unwrap_err());
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert_eq!(config(old).changes(&config(old)), (Vec::new(), Vec::new()));
}
