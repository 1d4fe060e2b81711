//! The variables of the environment: each key has one, and a wrong one is refused by its name.

use std::ffi::OsString;
use std::net::SocketAddr;

use super::super::{BadVariable, Config, Wrong};
use super::{case, keys};

/// Reads variables over a file.
fn with(file: &str, variables: &[(&str, &str)]) -> Result<Config, BadVariable> {
    Config::from_toml(file).unwrap().with_environment(variables.iter().copied())
}

/// Checks the form of the message about a variable, and returns it.
#[track_caller]
fn refused_variable(name: &str, value: &str) -> String {
    let bad = with("", &[(name, value)]).expect_err(name);
    let said = bad.to_string();
    assert_eq!(bad.name, name);
    assert!(said.starts_with(&format!("{name}: ")) && said.contains("\n  = write "), "{said}");
    said
}

#[test]
fn each_key_has_a_variable_that_overrides_the_file() {
    for setting in keys() {
        let name = setting.name();
        let file = format!("{name} = {}", case(&name).other);
        let config = with(&file, &[(&setting.variable(), setting.example)]).unwrap();
        let expected = Config::from_toml(&format!("{name} = {}", setting.example)).unwrap();
        assert_eq!(format!("{config:?}"), format!("{expected:?}"), "{name}");
    }
}

/// Returns true for a key whose values are texts that a number can be, too.
fn is_free_text(name: &str) -> bool {
    name.starts_with("auth.") && !["auth.anonymous", "auth.leeway_s"].contains(&name)
}

#[test]
fn each_variable_is_named_with_what_to_write_when_its_value_is_wrong() {
    for setting in keys() {
        let (name, variable) = (setting.name(), setting.variable());
        let case = case(&name);
        for (value, says) in [case.wrong_type, case.out_of_range] {
            // A variable needs no quotes, so a number is text here, and any text is a path or a name.
            if is_free_text(&name) && (says.contains("text") || says.contains("list")) {
                continue;
            }
            let said = refused_variable(&variable, value);
            let says =
                if says.starts_with("must be text in quotes, and") { "\"8080\" is not an address" } else { says };
            assert!(said.contains(says), "{says:?} in {said}");
            let written = said.split_once(" = write ").unwrap().1;
            let (written, value) = written.split_once('=').unwrap();
            assert_eq!(written, variable);
            with("", &[(written, value.trim_matches('\''))]).unwrap();
        }
    }
}

#[test]
fn text_in_a_variable_needs_no_quotes() {
    for listen in ["127.0.0.1:80", "'127.0.0.1:80'", "\"127.0.0.1:80\""] {
        let config = with("", &[("THROUGHLINE_SERVER__LISTEN", listen)]).unwrap();
        assert_eq!(config.server.listen, SocketAddr::from(([127, 0, 0, 1], 80)), "{listen}");
    }
    for (variable, value, says) in [
        ("THROUGHLINE_SERVER__LISTEN", "", "\"\" is not an address"),
        ("THROUGHLINE_SERVER__LISTEN", "['127.0.0.1:80']", "is not an address"),
        ("THROUGHLINE_SERVER__OPEN", "yes", "must be true or false, and it is text"),
        ("THROUGHLINE_SERVER__OPEN", "", "must be true or false, and it is text"),
        ("THROUGHLINE_SERVER__ORIGINS", "https://a.example", "must be a list of texts, and it is text"),
        ("THROUGHLINE_SERVER__ORIGINS", "[https://a.example]", "must be a list of texts, and it is text"),
        ("THROUGHLINE_SESSION__HEARTBEAT_S", "15s", "must be a whole number of seconds, and it is text"),
        ("THROUGHLINE_SESSION__HEARTBEAT_S", "'15'", "must be a whole number of seconds, and it is text"),
        ("THROUGHLINE_SESSION__HEARTBEAT_S", "15 16", "must be a whole number of seconds, and it is text"),
        ("THROUGHLINE_SESSION__HEARTBEAT_S", "15\nopen = true", "must be a whole number of seconds, and it is text"),
    ] {
        let said = refused_variable(variable, value);
        assert!(said.contains(says), "{value:?}: {said}");
    }
}

#[test]
fn a_list_in_a_variable_replaces_that_of_the_file() {
    let file = "server.origins = ['https://file.example']";
    for (value, origins) in [("[]", "[]"), ("['https://a.example']", "[\"https://a.example\"]")] {
        let config = with(file, &[("THROUGHLINE_SERVER__ORIGINS", value)]).unwrap();
        let shown = config.settings().into_iter().find(|setting| setting.key == "origins").unwrap().value;
        assert_eq!(shown, origins);
    }
}

#[test]
fn a_variable_without_a_key_is_refused_and_told_the_nearest() {
    for (name, instead) in [
        ("THROUGHLINE_SESSION__HEARTBEAT", "THROUGHLINE_SESSION__HEARTBEAT_S=15, if that is meant"),
        ("THROUGHLINE_SESION__HEARTBEAT_S", "THROUGHLINE_SESSION__HEARTBEAT_S=15"),
        ("THROUGHLINE_LIMITS__HEARTBEAT_S", "THROUGHLINE_SESSION__HEARTBEAT_S=15"),
        ("THROUGHLINE_session__heartbeat_s", "THROUGHLINE_SESSION__HEARTBEAT_S=15"),
        ("THROUGHLINE_SESSION_HEARTBEAT_S", "THROUGHLINE_SESSION__HEARTBEAT_S=15"),
        ("THROUGHLINE_SERVER__ORIGIN", "THROUGHLINE_SERVER__ORIGINS='[\"https://example.org\"]', if that is meant"),
        ("THROUGHLINE_SERVER__LISTENS", "THROUGHLINE_SERVER__LISTEN=127.0.0.1:8080, if that is meant"),
        (
            "THROUGHLINE_HISTORY__PIGEON",
            "one of these: THROUGHLINE_HISTORY__MESSAGES, THROUGHLINE_HISTORY__AGE_S, THROUGHLINE_HISTORY__BYTES, THROUGHLINE_HISTORY__ALL_BYTES",
        ),
    ] {
        let said = refused_variable(name, "1");
        assert!(said.contains(": no key of the configuration has this variable\n"), "{said}");
        assert!(said.ends_with(&format!(" = write {instead}")), "{instead:?} in {said}");
    }
    for name in ["THROUGHLINE___", "THROUGHLINE_PIGEON__HOLE", "THROUGHLINE_SESSION__HEARTBEAT__S"] {
        assert!(refused_variable(name, "1").contains("THROUGHLINE_"), "{name}");
    }
}

#[test]
fn a_list_of_tables_has_no_variables() {
    for name in ["THROUGHLINE_CHANNEL__PATTERN", "THROUGHLINE_CHANNEL__0__PATTERN"] {
        let said = refused_variable(name, "room/{room}");
        assert!(said.contains("[[channel]] is a list of tables, and a list of tables has no variables"), "{said}");
        assert!(said.ends_with("= write each [[channel]] in the file"), "{said}");
    }
}

#[test]
fn variables_of_other_programs_are_left_alone() {
    for name in ["THROUGHLINE_BIN", "THROUGHLINE_SEEDS", "THROUGHLINE_PORT_8080_TCP", "OTHER__KEY", "THROUGHLINE"] {
        let config = with("", &[(name, "1")]).unwrap();
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_refused_without_its_value() {
    use std::os::unix::ffi::OsStringExt as _;

    let bytes = || OsString::from_vec(vec![b'a', 0xff]);
    let listen = OsString::from("THROUGHLINE_SERVER__LISTEN");
    let bad = Config::default().with_environment([(listen, bytes())]).unwrap_err();
    assert_eq!(bad.wrong, Wrong::NotText);
    let name = OsString::from_vec(b"THROUGHLINE_\xff__A".to_vec());
    assert_eq!(Config::default().with_environment([(name, bytes())]).unwrap_err().wrong, Wrong::UnknownVariable);
    let foreign = OsString::from_vec(vec![0xff]);
    assert!(Config::default().with_environment([(foreign, bytes())]).is_ok());
}

proptest::proptest! {
    #[test]
    fn no_variable_panics(name in "[A-Z_a-z]{0,20}", value in "[-\\[\\]{}'\"#=.,0-9a-z \n\\\\é]{0,20}") {
        for setting in keys() {
            let _ = with("", &[(&setting.variable(), &value)]);
        }
        let _ = with("", &[(&format!("THROUGHLINE_{name}"), &value)]);
    }
}
