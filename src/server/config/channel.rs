//! `[[channel]]`: the rules of channels. Each table of this name is one rule.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::Change;
use super::fault::{Fault, Wrong};
use super::hints::Known;
use super::section::{BYTES, Given, Key, MANY, Section, Table, Value, all_quoted, expected, first, put, quoted};
use super::setting::{Reload, Setting};
use crate::backend::pattern::Pattern;
use crate::backend::rules::Rules;
use crate::backend::rules::rule::{Kept, Presence, RateLimits, Rule, Tell, Word};
use crate::broker::Retention;
use crate::protocol::ChannelName;

/// The greatest rate and burst. No gateway publishes as often.
const OFTEN: u64 = 1_000_000;

/// A rule while it is read. Its pattern may come last.
#[derive(Default)]
pub(super) struct Draft {
    pattern: Option<Pattern>,
    subscribe: Vec<Word>,
    publish: Vec<Word>,
    presence: Presence,
    history: Kept,
    tell: Tell,
    rate: RateLimits,
}

impl Draft {
    fn of(rule: &Rule) -> Self {
        let Rule { pattern, subscribe, publish, presence, history, tell, rate, .. } = rule.clone();
        Self { pattern: Some(pattern), subscribe, publish, presence, history, tell, rate }
    }

    fn finish(self, line: usize) -> Option<Rule> {
        let Self { pattern, subscribe, publish, presence, history, tell, rate } = self;
        let mut rule = Rule::new(pattern?);
        (rule.line, rule.subscribe, rule.publish, rule.presence) = (Some(line), subscribe, publish, presence);
        (rule.history, rule.tell, rule.rate) = (history, tell, rate);
        Some(rule)
    }
}

impl Section for Draft {
    const TABLE: &'static str = "channel";
    const ABOUT: &'static str = "\
         The rules of channels. Each table of this name is one rule: it says what clients may do on the channels of a \
         pattern, and how these channels behave. A name that no pattern matches is no channel. Without any such table \
         every client may do everything on every channel. Any word of a list is enough. \
         `anyone` and `nobody` mean all clients and none; an API key is always allowed. `user` means a user with a \
         valid token. `owner` means the user whose name stands in the place of `{user}` in the pattern. `token` means a \
         user whose token lists the channel in its claim `channels`. `subscriber` means a client that is subscribed. \
         `backend` means a client that the backend accepts.";
    const KEYS: &'static [Key<Self>] = &[
        Key {
            name: "pattern",
            about: "The names of the channels, in segments between `/`. `{name}` matches one segment, or the rest of \
                    one as in `truck-{n}`. `{*rest}` at the end matches all segments that follow. Literal text beats a \
                    placeholder. Two patterns must not have different placeholders at one place. Each rule needs a \
                    pattern.",
            example: "\"room/{room}\"",
            bounds: None,
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.pattern, given.text(|text| Pattern::try_from(text)).map(Some)),
            show: |draft| draft.pattern.as_ref().map(quoted).unwrap_or_default(),
        },
        Key {
            name: "subscribe",
            about: "The clients that may subscribe. The default is no client, also in `publish`: a rule that leaves a \
                    list out must not open a channel by accident.",
            example: "[\"user\"]",
            bounds: None,
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.subscribe, words(given)),
            show: |draft| all_quoted(&draft.subscribe),
        },
        Key {
            name: "publish",
            about: "The clients that may publish. The default is no client.",
            example: "[\"user\"]",
            bounds: None,
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.publish, words(given)),
            show: |draft| all_quoted(&draft.publish),
        },
        Key {
            name: "presence.join",
            about: "The clients that may be present. The gateway checks the words, and this version has no presence.",
            example: "[\"subscriber\"]",
            bounds: None,
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.presence.join, words(given)),
            show: |draft| all_quoted(&draft.presence.join),
        },
        Key {
            name: "presence.see",
            about: "The clients that may see the present ones. The gateway checks the words, and this version has no \
                    presence.",
            example: "[\"subscriber\"]",
            bounds: None,
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.presence.see, words(given)),
            show: |draft| all_quoted(&draft.presence.see),
        },
        Key {
            name: "history.read",
            about: "The clients that may read older messages. The gateway checks the words, and this version has no \
                    such request. A subscriber that comes back needs none of them.",
            example: "[\"subscriber\"]",
            bounds: None,
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.history.read, words(given)),
            show: |draft| all_quoted(&draft.history.read),
        },
        Key {
            name: "history.messages",
            about: "The most messages that each channel keeps. The default is `history.messages`.",
            example: "500",
            bounds: Some(0..=MANY),
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.history.messages, given.count().map(Some)),
            show: |draft| shown(draft.history.messages),
        },
        Key {
            name: "history.age_s",
            about: "The greatest age of a message, in seconds. The default is `history.age_s`.",
            example: "3_600",
            bounds: Some(0..=86_400),
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.history.age, given.seconds().map(Some)),
            show: |draft| shown(draft.history.age.as_ref().map(Duration::as_secs)),
        },
        Key {
            name: "history.bytes",
            about: "The greatest size of the messages of each channel, in bytes. The default is `history.bytes`.",
            example: "1_048_576",
            bounds: Some(BYTES),
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.history.bytes, given.count().map(Some)),
            show: |draft| shown(draft.history.bytes),
        },
        Key {
            name: "tell",
            about: "The statements of each publication beside its data: `by` is the user that published it, and `time` \
                    is when the gateway received it.",
            example: "[\"by\", \"time\"]",
            bounds: None,
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.tell, tell(given)),
            show: |draft| all_quoted(&told(draft.tell)),
        },
        Key {
            name: "rate.session",
            about: "The most publications a second of one session, in all channels of the rule together. Above it the \
                    gateway answers `rate_limited`. The default is no limit, here and in the next two.",
            example: "5",
            bounds: Some(1..=OFTEN),
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.rate.session, rate(given)),
            show: |draft| shown(draft.rate.session),
        },
        Key {
            name: "rate.user",
            about: "The most publications a second of one user, in all channels of the rule together.",
            example: "10",
            bounds: Some(1..=OFTEN),
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.rate.user, rate(given)),
            show: |draft| shown(draft.rate.user),
        },
        Key {
            name: "rate.channel",
            about: "The most publications a second in one channel.",
            example: "200",
            bounds: Some(1..=OFTEN),
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.rate.channel, rate(given)),
            show: |draft| shown(draft.rate.channel),
        },
        Key {
            name: "rate.burst",
            about: "How many publications each limit lets pass at once. The default is those of one second.",
            example: "20",
            bounds: Some(1..=OFTEN),
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.rate.burst, rate(given)),
            show: |draft| shown(draft.rate.burst),
        },
    ];
}

fn words(given: &Given<'_>) -> Result<Vec<Word>, Fault> {
    given.list(str::parse::<Word>)
}

fn rate(given: &Given<'_>) -> Result<Option<u32>, Fault> {
    let count = given.count()?;
    u32::try_from(count).map(Some).map_err(|_| given.fault(Wrong::TooMany))
}

fn tell(given: &Given<'_>) -> Result<Tell, Fault> {
    let mut tell = Tell::default();
    for word in given.list(|word| match word {
        "by" | "time" => Ok(word == "by"),
        other => Err(Wrong::Tell(other.to_owned())),
    })? {
        *(if word { &mut tell.by } else { &mut tell.time }) = true;
    }
    Ok(tell)
}

fn told(tell: Tell) -> Vec<&'static str> {
    let words = [("by", tell.by), ("time", tell.time)];
    words.into_iter().filter(|(_, is_told)| *is_told).map(|(word, _)| word).collect()
}

fn shown(number: Option<impl ToString>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// Returns the keys of a rule, for corrections and the reference. A key without a default has an empty value.
pub(super) fn settings() -> Vec<Setting> {
    Draft::default().settings()
}

/// Returns the name of the tables in the file.
pub(super) const fn table() -> &'static str {
    Draft::TABLE
}

/// Returns sentences about the tables, for the reference.
pub(super) const fn about() -> &'static str {
    Draft::ABOUT
}

/// Reads all tables of this name.
pub(super) fn read(tables: &Value<'_>, text: &str, known: &Known) -> Result<Vec<Rule>, Fault> {
    let items = tables.get_ref().as_array().filter(|items| items.iter().all(|item| item.get_ref().is_table()));
    let Some(items) = items else {
        let instead = format!("[[{}]] on a line of its own, and the keys of one rule below", Draft::TABLE);
        return Err(expected(tables, "a list of tables").of(Draft::TABLE).write(instead));
    };
    let read: Vec<_> = items.iter().map(|item| rule(item, text, known)).collect();
    let rules: Result<Vec<Rule>, Fault> = read.into_iter().collect();
    let rules = rules?;
    Rules::new(&rules).map_err(|wrong| {
        let place = rules.iter().position(|rule| rule.line.is_some() && rule.line == wrong.line());
        let table = place.and_then(|place| items.get(place)).unwrap_or(tables);
        let pattern = table.get_ref().get("pattern").unwrap_or(table);
        Fault::new(pattern.span(), Wrong::Rules(Box::new(wrong)))
    })?;
    Ok(rules)
}

fn rule(table: &Value<'_>, text: &str, known: &Known) -> Result<Rule, Fault> {
    let mut draft = Draft::default();
    draft.read(&flattened(table)?, known)?;
    let start = text.floor_char_boundary(table.span().start);
    let line = text[..start].matches('\n').count() + 1;
    let missing = || Fault::new(table.span(), Wrong::NoPattern).write("pattern = \"room/{room}\" below it");
    draft.finish(line).ok_or_else(missing)
}

/// Writes the keys of inner tables as keys of the outer one: `rate = { user = 5 }` as `rate.user = 5`.
fn flattened<'a>(table: &Value<'a>) -> Result<Value<'a>, Fault> {
    let mut flat = DeTable::new();
    let mut faults = Vec::new();
    for (name, value) in table.get_ref().as_table().into_iter().flatten() {
        let prefix = format!("{}.", name.get_ref());
        let Some(known) = Draft::KEYS.iter().find(|key| key.name.starts_with(&prefix)) else {
            flat.insert(name.clone(), value.clone());
            continue;
        };
        let Some(inner) = value.get_ref().as_table() else {
            let instead = format!("{} = {}", known.name, known.example);
            faults.push(expected(value, "a table").of(format!("{}.{}", Draft::TABLE, name.get_ref())).write(instead));
            continue;
        };
        for (key, value) in inner {
            let path = DeString::Owned(format!("{prefix}{}", key.get_ref()));
            flat.insert(Spanned::new(key.span(), path), value.clone());
        }
    }
    first(faults.into_iter())?;
    Ok(Spanned::new(table.span(), DeValue::Table(flat)))
}

/// Returns the rules that differ, one change for each pattern. A reload applies all of them.
pub(super) fn changes<'a>(from: &'a [Rule], to: &'a [Rule]) -> impl Iterator<Item = Change> + 'a {
    let same = |one: &Rule, rules: &'a [Rule]| rules.iter().find(|other| other.pattern == one.pattern);
    let kept = from.iter().map(move |rule| (Some(rule), same(rule, to)));
    let new = to.iter().filter(move |rule| same(rule, from).is_none()).map(|rule| (None, Some(rule)));
    kept.chain(new).filter_map(|(from, to)| {
        let (old, new) = (written(from), written(to));
        let pattern = &from.or(to)?.pattern;
        (old != new).then(|| Change { key: format!("{} {pattern}", Draft::TABLE), from: old, to: new })
    })
}

/// Writes the keys of a rule that have no default value.
fn written(rule: Option<&Rule>) -> String {
    let Some(rule) = rule else { return "none".to_owned() };
    let settings = Draft::of(rule).settings().into_iter().zip(settings());
    let given = settings.filter(|(own, usual)| own.key != "pattern" && own.value != usual.value);
    let given: Vec<String> = given.map(|(own, _)| format!("{} = {}", own.key, own.value)).collect();
    if given.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", given.join(", ")) }
}

/// Returns the bounds of the history of a channel with this rule. `usual` holds where the rule says nothing.
fn retention(rule: Option<&Rule>, usual: Retention) -> Retention {
    let Some(Rule { history: Kept { messages, age, bytes, .. }, .. }) = rule else { return usual };
    Retention {
        messages: messages.unwrap_or(usual.messages),
        age: age.unwrap_or(usual.age),
        bytes: bytes.unwrap_or(usual.bytes),
    }
}

/// Returns the retention of each channel.
pub(super) fn retentions(rules: Rules, usual: Retention) -> impl Fn(&ChannelName) -> Retention + Send + Sync + 'static {
    move |channel| retention(rules.find(channel).map(|found| found.rule()), usual)
}

#[cfg(test)]
mod tests;
