//! Each key of a rule with its values and faults, and the rules of a file together.

use super::*;
use crate::backend::rules::BadRules;
use crate::server::config::{Config, Conflict};

/// A value of a key that is not its default, and two wrong ones with their messages.
struct Case {
    other: &'static str,
    wrong: [(&'static str, &'static str); 2],
}

/// Returns the case of a key. A key without a row here fails, because no test knows its messages.
fn case(key: &str) -> Case {
    let case = |other, wrong| Case { other, wrong };
    let rate = |other| case(other, [("0", "must be 1 to 1000000"), ("1.5", "must be a whole number")]);
    match key {
        "pattern" => case("'b/{*all}'", [("7", "must be text in quotes"), ("'@a'", "belong to the gateway")]),
        "subscribe" => {
            case("['token', 'backend']", [("'user'", "must be a list of texts"), ("['users']", "`anyone`, `user`")])
        }
        "publish" => case("['anyone']", [("[1]", "must be text in quotes"), ("['User']", "`anyone`, `user`")]),
        "presence.join" | "presence.see" => {
            case("['subscriber']", [("true", "must be a list of texts"), ("['']", "`anyone`, `user`")])
        }
        "history.read" => case("[]", [("{}", "must be a list of texts"), ("['all']", "`anyone`, `user`")]),
        "history.messages" => case("0", [("'5'", "must be a whole number"), ("-1", "must be 0 to 10000000")]),
        "history.age_s" => case("0", [("1.5", "must be a whole number of seconds"), ("86401", "must be 0 to 86400")]),
        "history.bytes" => case("0", [("true", "must be a whole number"), ("-1", "must be 0 to 1099511627776")]),
        "tell" => case("['time']", [("'by'", "must be a list of texts"), ("['when']", "neither by nor time")]),
        "rate.session" => rate("1"),
        "rate.user" => rate("2"),
        "rate.channel" => rate("3"),
        "rate.burst" => rate("4"),
        _ => panic!("no case of channel.{key}"),
    }
}

fn rules(text: &str) -> Vec<Rule> {
    Config::from_toml(text).unwrap_or_else(|why| panic!("{text}: {why}")).channels
}

#[track_caller]
fn told(text: &str, what: &str, instead: &str) {
    let said = Config::from_toml(text).expect_err(text).to_string();
    assert!(said.contains(what), "{what:?} in {said}");
    assert!(said.ends_with(&format!(" = write {instead}")), "{instead:?} in {said}");
}

/// Returns a file with one rule, which has this line.
fn file(key: &str, value: &str) -> String {
    let pattern = if key == "pattern" { "" } else { "pattern = 'a'\n" };
    format!("[[channel]]\n{pattern}{key} = {value}")
}

#[test]
fn a_file_gives_each_setting_of_a_rule() {
    let rules = rules(
        r#"
[[channel]]
pattern = "room/{room}"
subscribe = ["token"]
publish = ["token", "backend"]
tell = ["by", "time"]
presence = { join = ["subscriber"], see = ["anyone"] }
history = { messages = 500, age_s = 3_600 }
rate = { session = 5, user = 10, channel = 200, burst = 20 }

[[channel]]
pattern = "news"
[channel.history]
read = ["user"]
bytes = 9
"#,
    );
    let mut room = Rule::new(Pattern::try_from("room/{room}").unwrap());
    room.line = Some(2);
    room.subscribe = vec![Word::Token];
    room.publish = vec![Word::Token, Word::Backend];
    (room.tell.by, room.tell.time) = (true, true);
    (room.presence.join, room.presence.see) = (vec![Word::Subscriber], vec![Word::Anyone]);
    (room.history.messages, room.history.age) = (Some(500), Some(Duration::from_secs(3_600)));
    (room.rate.session, room.rate.user, room.rate.channel, room.rate.burst) = (Some(5), Some(10), Some(200), Some(20));
    let mut news = Rule::new(Pattern::try_from("news").unwrap());
    news.line = Some(11);
    (news.history.read, news.history.bytes) = (vec![Word::User], Some(9));
    assert_eq!(rules, [room, news]);
}

#[test]
fn a_rule_without_lists_allows_nothing() {
    let rules = rules("[[channel]]\npattern = 'a'");
    assert_eq!(rules, [Rule { line: Some(1), ..Rule::new(Pattern::try_from("a").unwrap()) }]);
    assert!(rules[0].subscribe.is_empty() && rules[0].publish.is_empty());
    assert!(Config::default().channels.is_empty());
}

#[test]
fn each_key_names_the_line_and_what_to_write_when_its_value_is_wrong() {
    for Setting { key, example, .. } in settings() {
        for (value, says) in case(key).wrong {
            let text = file(key, value);
            told(&text, says, &format!("{key} = {example}"));
            let said = Config::from_toml(&text).unwrap_err().to_string();
            assert!(said.contains(&format!("`channel.{key}`: ")), "{said}");
            assert!(said.starts_with(&format!("line {}, ", text.lines().count())), "{said}");
        }
    }
}

#[test]
fn each_key_is_taken_and_its_change_holds_at_once() {
    for Setting { key, example, .. } in settings() {
        assert_eq!(rules(&file(key, example)).len(), 1);
        let [from, to] =
            [file("subscribe", "[]"), file(key, case(key).other)].map(|text| Config::from_toml(&text).unwrap());
        let (now, later) = from.changes(&to);
        assert!(later.is_empty());
        let shown: Vec<String> = now.iter().map(ToString::to_string).collect();
        match key {
            "pattern" => assert_eq!(shown, ["channel a = none (was {})", "channel b/{*all} = {} (was none)"]),
            _ => assert_eq!(
                shown,
                [format!("channel a = {{ {key} = {} }} (was {{}})", case(key).other.replace('\'', "\""))]
            ),
        }
    }
    let one = Config::from_toml("[[channel]]\npattern = 'a'\n[[channel]]\npattern = 'b'").unwrap();
    let other = Config::from_toml("# moved\n[[channel]]\npattern = 'b'\n[[channel]]\npattern = 'a'").unwrap();
    assert_eq!(one.changes(&other), (Vec::new(), Vec::new()), "the order of the rules means nothing");
}

#[test]
fn an_unknown_key_is_told_the_nearest() {
    let text = |line: &str| format!("[[channel]]\npattern = 'a'\n{line}");
    told(&text("subscrib = []"), "`subscrib` is not a key of [[channel]]", "subscribe = [\"user\"], if that is meant");
    told(&text("rate = { sesion = 1 }"), "`rate.sesion` is not a key", "rate.session = 5, if that is meant");
    told(&text("history.age = 1"), "`history.age` is not a key", "history.age_s = 3_600, if that is meant");
    told(
        &text("[channel.presence]\njoins = []"),
        "line 4, column 1: `presence.joins`",
        "presence.join = [\"subscriber\"], if that is meant",
    );
    told(&text("rate = 5"), "`channel.rate`: it must be a table, and it is a whole number", "rate.session = 5");
    told("[[chanel]]", "[chanel] is not a table", "[[channel]], if that is meant");
    told("subscribe = []", "`subscribe` stands in no table", "subscribe = [\"user\"] under [[channel]]");
    told("[[channel]]\nsubscribe = user", "text must be in quotes", "subscribe = [\"user\"]");
    let said = Config::from_toml(&text("keyed = true")).unwrap_err().to_string();
    assert!(said.contains("line 3, column 1: `keyed` is not a key of [[channel]]"), "{said}");
}

#[test]
fn a_table_of_another_form_is_told_how_to_write_one() {
    let instead = "[[channel]] on a line of its own, and the keys of one rule below";
    told("[channel]\npattern = 'a'", "`channel`: it must be a list of tables, and it is a table", instead);
    told("channel = ['a']", "it must be a list of tables, and it is a list", instead);
    told(
        "[[channel]]\nsubscribe = ['user']",
        "line 1, column 1: this [[channel]] has no pattern",
        "pattern = \"room/{room}\" below it",
    );
    assert_eq!(rules("channel = [{ pattern = 'a', rate.user = 1 }, { pattern = 'b' }]").len(), 2);
}

#[test]
fn rules_that_contradict_each_other_are_told_with_both_lines() {
    let text = "[[channel]]\npattern = 'room/{id}'\n\n[[channel]]\npattern = 'room/{room}'\n";
    let why = Config::from_toml(text).unwrap_err();
    let said = why.to_string();
    assert!(said.starts_with("line 5, column 11: `room/{id}` (line 1) and `room/{room}` (line 4) match"), "{said}");
    let owner = "[[channel]]\npattern = 'inbox/{id}'\nsubscribe = ['owner']";
    let why = Config::from_toml(owner).unwrap_err();
    assert!(matches!(&why.wrong, Wrong::Rules(bad) if matches!(**bad, BadRules::NoOwner { .. })), "{why}");

    let mut config = Config::from_toml("[[channel]]\npattern = 'room/{id}'").unwrap();
    assert_eq!(config.check(), Ok(()));
    config.channels.push(Rule::new(Pattern::try_from("room/{room}").unwrap()));
    let why = config.check().unwrap_err();
    assert!(matches!(why, Conflict::Rules(BadRules::Conflict { .. })), "{why}");
}

#[test]
fn a_rule_without_bounds_of_its_history_has_the_usual_ones() {
    let usual = Retention::default();
    let config = Config::from_toml("[[channel]]\npattern = 'a'\nhistory = { age_s = 1 }").unwrap();
    let of = config.retentions(usual);
    let own = Retention { age: Duration::from_secs(1), ..usual };
    assert_eq!(["a", "b"].map(|name| of(&ChannelName::try_from(name).unwrap())), [own, usual]);
}
