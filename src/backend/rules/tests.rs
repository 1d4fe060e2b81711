//! The look-up, the decisions against an oracle, and the limits.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::publications::{Publications, Publishing, SessionSpent};
use super::*;
use crate::backend::grants::{Action, Grant, Grants};
use crate::protocol::code::Code;

fn pattern(text: &str) -> Pattern {
    Pattern::try_from(text).expect(text)
}

fn name(text: &str) -> ChannelName {
    ChannelName::try_from(text).expect(text)
}

fn rule(text: &str, line: usize) -> Rule {
    Rule { line: Some(line), ..Rule::new(pattern(text)) }
}

fn rules(patterns: &[&str]) -> Result<Rules, BadRules> {
    let rules: Vec<Rule> = patterns.iter().enumerate().map(|(place, text)| rule(text, place + 1)).collect();
    Rules::new(&rules)
}

#[test]
fn literal_text_beats_a_placeholder() {
    let rules =
        rules(&["room/{room}", "room/lobby", "truck-{n}", "{*rest}", "room/{room}/{*rest}", "a/{b}/c"]).unwrap();
    for (channel, found) in [
        ("room/1", "room/{room}"),
        ("room/lobby", "room/lobby"),
        ("room/lobby/x/y", "room/{room}/{*rest}"),
        ("room/lobb", "room/{room}"),
        ("truck-7", "truck-{n}"),
        ("truck-", "{*rest}"),
        ("a/b/c", "a/{b}/c"),
        ("a/b/d", "{*rest}"),
    ] {
        assert_eq!(rules.find(&name(channel)).expect(channel).rule().pattern.as_str(), found, "{channel}");
    }
    assert_eq!(rules.find(&name("room/1")).unwrap().to_string(), "`room/{room}` (line 1)");
    assert!(Rules::default().find(&name("room/1")).is_none() && Rules::default().is_empty());
}

#[test]
fn no_rule_fills_a_placeholder_with_nothing() {
    let rules = rules(&["a/{b}/c", "truck-{n}/at", "{*rest}"]).unwrap();
    for (channel, has_rule) in [("a//c", false), ("truck-/at", false), ("b//c", true), ("truck-/by", true)] {
        assert_eq!(rules.find(&name(channel)).is_some(), has_rule, "{channel}");
    }
}

#[test]
fn no_rule_matches_a_name_of_the_gateway() {
    for all in ["{*rest}", "{a}/{b}/{c}"] {
        let rules = rules(&[all]).unwrap();
        for channel in ["@", "@x", "@presence/room/1", "@/a/b"] {
            assert!(rules.find(&name(channel)).is_none(), "{channel}");
        }
        assert!(rules.find(&name("presence/@room/1")).is_some());
    }
}

#[test]
fn a_conflict_names_both_rules() {
    for (first, second) in [("room/{id}", "room/{room}"), ("room/{*rest}", "room/{id}"), ("a-{b}", "a-{c}"), ("a", "a")]
    {
        let bad = rules(&["news", first, "{x}/y/z", second]).unwrap_err();
        let (first, second) = (pattern(first), pattern(second));
        let said = format!("`{first}` (line 2) and `{second}` (line 4) match the same names");
        assert!(bad.to_string().starts_with(&said), "{bad}");
        assert_eq!(bad, BadRules::Conflict { first, first_line: Some(2), second, second_line: Some(4) });
        assert_eq!(bad.line(), Some(4));
    }
}

#[test]
fn a_rule_that_can_hardly_be_meant_is_refused() {
    let mut inbox = rule("inbox/{id}", 7);
    inbox.history.read = vec![Word::User, Word::Owner];
    let bad = Rules::new(&[inbox]).unwrap_err();
    assert!(bad.to_string().starts_with("`inbox/{id}` (line 7) has the word `owner`"), "{bad}");
    let subscribe = vec![Word::Subscriber];
    let bad = Rules::new(&[Rule { subscribe, ..Rule::new(pattern("a")) }]).unwrap_err();
    assert!(bad.to_string().starts_with("`a` has the word `subscriber`"), "{bad}");
    let many: Vec<Rule> = (0..=MOST).map(|number| rule(&format!("a/{number}"), number)).collect();
    assert_eq!(Rules::new(&many).unwrap_err(), BadRules::TooMany(MOST + 1));
}

#[test]
fn rules_say_whether_they_ask_the_backend() {
    assert!(!rules(&["a"]).unwrap().asks_backend());
    let mut asking = rule("b", 1);
    asking.presence.see = vec![Word::Backend];
    assert!(Rules::new(&[rule("a", 1), asking]).unwrap().asks_backend());
}

#[test]
fn a_refusal_names_the_list_for_the_developer() {
    let refusal = Ask::See.denied();
    assert_eq!(refusal.code(), Code::Forbidden);
    assert!(refusal.message().contains("`presence.see`"), "{refusal}");
}

/// The kinds of asker. All but the first two and the API key are the user `42`.
const ASKERS: [&str; 5] = ["without a token", "user without a claim", "user with a claim", "owner", "API key"];

const ACTIONS: [Action; 4] = [Action::Subscribe, Action::Publish, Action::Presence, Action::History];

/// The patterns that the look-up is tested with.
const PATTERNS: &str = "(a|b|ab|a-|\\{x\\}|a\\{x\\}|a-\\{x\\})(/(a|b|\\{y\\}|b\\{y\\})){0,3}(/\\{\\*z\\})?";

/// The oracle: what these words say to this asker, in other words than the code's.
fn oracle(words: &BTreeSet<&str>, asker: &str, ask: Ask, is_subscribed: bool, granted: Action) -> Verdict {
    let may = |word: &str| match (word, asker) {
        (_, "API key") | ("anyone", _) => true,
        ("user", asker) => asker != "without a token",
        ("owner", "owner") => true,
        ("token", "user with a claim") => match ask {
            Ask::Subscribe => granted == Action::Subscribe,
            Ask::Publish => granted == Action::Publish,
            Ask::Join | Ask::See => granted == Action::Presence,
            Ask::History => granted == Action::History,
        },
        ("subscriber", _) => is_subscribed && !matches!(ask, Ask::Subscribe),
        _ => false,
    };
    if asker == "API key" || words.iter().any(|word| may(word)) {
        Verdict::Allowed
    } else if words.contains("backend") {
        Verdict::AskBackend
    } else {
        Verdict::Denied
    }
}

proptest! {
    #[test]
    fn every_set_of_words_agrees_with_the_oracle_for_every_asker_and_wish(
        set in proptest::collection::btree_set(0..Word::ALL.len(), 0..4),
        is_subscribed in proptest::bool::ANY,
        granted in proptest::sample::select(&ACTIONS[..]),
    ) {
        let words: Vec<Word> = set.iter().map(|place| Word::ALL[*place]).collect();
        let mut rule = rule("inbox/{user}", 1);
        rule.presence.join = words.clone();
        rule.presence.see = words.clone();
        rule.history.read = words.clone();
        (rule.subscribe, rule.publish) = (words.clone(), words.clone());
        // The oracle knows `subscriber` in `subscribe` too, which `Rules::new` refuses.
        let entry = Entry::new(rule);
        let grants = |pattern: &str| Grants(vec![Grant { pattern: pattern.to_owned(), allow: vec![granted] }]);
        let (claim, other) = (grants("inbox/{id}"), grants("room/{id}"));
        let names = words.iter().map(|word| word.name()).collect();
        for (asker, ask) in ASKERS.iter().flat_map(|asker| Ask::ALL.map(|ask| (*asker, ask))) {
            let (user, grants) = match asker {
                "without a token" | "API key" => (None, None),
                "user without a claim" => (Some("41"), Some(&other)),
                "user with a claim" => (Some("41"), Some(&claim)),
                _ => (Some("42"), None),
            };
            let who = Who { user, grants, is_subscribed, is_api_key: asker == "API key" };
            let said = entry.decide(&name("inbox/42"), ask, &who);
            let expected = oracle(&names, asker, ask, is_subscribed, granted);
            prop_assert_eq!(said, expected, "{:?} {} {:?}", names, asker, ask);
        }
    }

    /// Holds the library that looks patterns up, and the comparison with one pattern, to the same answers.
    #[test]
    fn a_look_up_agrees_with_a_comparison_of_each_pattern(
        patterns in proptest::collection::vec(PATTERNS, 1..8),
        names in proptest::collection::vec("[ab@/-]{1,9}", 1..20),
    ) {
        let mut kept = Vec::new();
        for mut text in patterns {
            // Each placeholder needs a name of its own.
            for number in 0..9 {
                text = text.replacen("{y}", &format!("{{y{number}}}"), 1);
            }
            kept.push(Rule::new(pattern(&text)));
            if Rules::new(&kept).is_err() {
                kept.pop();
            }
        }
        let rules = Rules::new(&kept).unwrap();
        for text in names {
            let channel = name(&text);
            let matching: Vec<&str> =
                kept.iter().filter(|rule| rule.pattern.matches(&text)).map(|rule| rule.pattern.as_str()).collect();
            let most_literal = matching.iter().max_by_key(|pattern| literal(pattern)).copied();
            let found = rules.find(&channel).map(|found| found.rule().pattern.as_str());
            // The library fills a placeholder with nothing. Such a name has no rule.
            let fills = kept.iter().any(|rule| has_gap(rule.pattern.as_str(), &text));
            if found.is_some() || !fills {
                prop_assert_eq!(found, most_literal, "{} of {:?}", text, matching);
            }
        }
    }
}

/// Returns true if a pattern matches a name only by filling a placeholder with nothing.
fn has_gap(pattern: &str, name: &str) -> bool {
    let (mut parts, mut gap) = (name.split('/'), false);
    for segment in pattern.split('/') {
        let Some(part) = parts.next() else { return false };
        match segment.split_once('{') {
            Some(("", rest)) if rest.starts_with('*') => return gap,
            Some((before, _)) if part.starts_with(before) => gap |= part == before,
            None if part == segment => {}
            _ => return false,
        }
    }
    gap && parts.next().is_none()
}

/// Returns how literal each segment of a pattern is.
fn literal(pattern: &str) -> Vec<usize> {
    let literal = |segment: &str| match segment.find('{') {
        None => usize::MAX,
        Some(_) if segment.starts_with("{*") => 0,
        Some(place) => place + 1,
    };
    pattern.split('/').map(literal).collect()
}

/// A rule of these limits, and what was spent.
struct Bench {
    rules: Rules,
    publications: Publications,
}

impl Bench {
    fn new(session: Option<u32>, user: Option<u32>, channel: Option<u32>) -> Self {
        let mut rule = rule("room/{room}", 1);
        rule.rate.burst = Some(2);
        (rule.rate.session, rule.rate.user, rule.rate.channel) = (session, user, channel);
        Self { rules: Rules::new(&[rule]).unwrap(), publications: Publications::new(100) }
    }

    /// Publishes at this millisecond. Returns the limit that refuses it, and the milliseconds to wait.
    fn publish(&self, at: u64, channel: &str, user: Option<&str>, session: &mut SessionSpent) -> Result<(), String> {
        let channel = name(channel);
        let rule = self.rules.find(&channel).unwrap().entry();
        let publishing = Publishing { rule, channel: &channel, user, session: Some(session), count: 1 };
        self.publications.spend(Duration::from_millis(at), publishing).map_err(|refusal| {
            assert_eq!(refusal.code(), Code::RateLimited);
            let message = refusal.message();
            let by = message.split(' ').nth(1).unwrap();
            format!("{by} {}", refusal.retry_after().unwrap().as_millis())
        })
    }
}

#[test]
fn a_limit_of_sessions_holds_for_each_session_over_all_channels_of_the_rule() {
    let bench = Bench::new(Some(1), None, None);
    let (mut one, mut other) = (SessionSpent::default(), SessionSpent::default());
    assert_eq!(bench.publish(0, "room/1", None, &mut one), Ok(()));
    assert_eq!(bench.publish(0, "room/2", None, &mut one), Ok(()));
    assert_eq!(bench.publish(300, "room/3", None, &mut one), Err("session 700".to_owned()));
    assert_eq!(bench.publish(300, "room/3", None, &mut other), Ok(()));
    assert_eq!(bench.publish(1_000, "room/3", None, &mut one), Ok(()));
}

#[test]
fn a_limit_of_users_holds_over_sessions_and_a_limit_of_channels_over_users() {
    let bench = Bench::new(None, Some(1), Some(2));
    let publish = |at, channel, user| bench.publish(at, channel, user, &mut SessionSpent::default());
    assert_eq!(publish(0, "room/1", Some("ali")), Ok(()));
    assert_eq!(publish(0, "room/2", Some("ali")), Ok(()));
    assert_eq!(publish(0, "room/3", Some("ali")), Err("user 1000".to_owned()));
    assert_eq!(publish(0, "room/1", Some("eva")), Ok(()));
    assert_eq!(publish(0, "room/1", Some("kim")), Err("channel 500".to_owned()));
    // No user has no limit of users.
    assert_eq!(publish(0, "room/3", None), Ok(()));
    // The longest wait counts.
    assert_eq!(publish(0, "room/1", Some("ali")), Err("user 1000".to_owned()));
}

#[test]
fn a_refused_publication_spends_nothing() {
    let bench = Bench::new(Some(1), Some(1), Some(1));
    let (mut ali, mut eva) = (SessionSpent::default(), SessionSpent::default());
    for _ in 0..2 {
        assert_eq!(bench.publish(0, "room/1", Some("ali"), &mut ali), Ok(()));
    }
    for _ in 0..9 {
        assert_eq!(bench.publish(0, "room/1", Some("eva"), &mut eva), Err("channel 1000".to_owned()));
    }
    for _ in 0..2 {
        assert_eq!(bench.publish(0, "room/2", Some("eva"), &mut eva), Ok(()));
    }
}

#[test]
fn a_session_keeps_few_numbers() {
    let rules: Vec<Rule> = (0..200)
        .map(|number| {
            let mut rule = rule(&format!("{number}/{{room}}"), number);
            (rule.rate.session, rule.rate.burst) = (Some(1), Some(3));
            rule
        })
        .collect();
    let rules = Rules::new(&rules).unwrap();
    let publications = Publications::new(1);
    let mut session = SessionSpent::default();
    for number in 0..200 {
        let channel = name(&format!("{number}/x"));
        let rule = rules.find(&channel).unwrap().entry();
        let publishing = Publishing { rule, channel: &channel, user: None, session: Some(&mut session), count: 3 };
        publications.spend(Duration::from_millis(number), publishing).unwrap();
    }
    assert!(format!("{session:?}").matches("Spent(").count() <= 65);
}
