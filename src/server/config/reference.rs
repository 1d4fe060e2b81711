//! The reference of the configuration, made from its sections. docs/CONFIGURATION.md holds the tables, and
//! examples/gateway.toml is the file. `tests/docs` compares both with the sections.

use std::ops::RangeInclusive;

use super::setting::{Reload, Setting, header};
use super::{Config, channel, keys};

/// The longest line of a comment in the example.
const WIDTH: usize = 110;

/// Returns each table of the file with its keys, as Markdown.
#[must_use]
pub fn tables() -> String {
    let config = Config::default();
    let sections = config.sections().map(|section| table(section.name(), section.about(), &section.settings()));
    let rules = table(channel::table(), channel::about(), &channel::settings());
    let keys = table(keys::table(), keys::about(), &keys::settings());
    [&sections[..], &[rules, keys]].concat().join("\n")
}

/// Returns the keys of the tables that may stand several times, such as `rate.user`.
#[must_use]
pub fn rule_keys() -> Vec<&'static str> {
    channel::settings().into_iter().chain(keys::settings()).map(|setting| setting.key).collect()
}

fn table(name: &str, about: &str, settings: &[Setting]) -> String {
    let rows: Vec<String> = settings.iter().map(row).collect();
    format!(
        "### `{}`\n\n{about}\n\n| key | default | allowed | a change holds | meaning |\n|---|---|---|---|---|\n{}\n",
        header(name),
        rows.join("\n")
    )
}

fn row(setting: &Setting) -> String {
    let bounds = setting.bounds.as_ref().map(between).unwrap_or_default();
    let Setting { key, about, reload, .. } = setting;
    let default = by_threes(&setting.value, '_');
    let default = if default.is_empty() { default } else { format!("`{default}`") };
    format!("| `{key}` | {default} | {bounds} | {reload} | {about} |")
}

fn between(bounds: &RangeInclusive<u64>) -> String {
    let shown = |bound: &u64| by_threes(&bound.to_string(), ',');
    format!("{} to {}", shown(bounds.start()), shown(bounds.end()))
}

/// Returns a file with every key and its default.
#[must_use]
pub fn example() -> String {
    let mut file = String::from(HEAD);
    for section in Config::default().sections() {
        let mark = if section.is_optional() { "#" } else { "" };
        file += &format!("\n{}{mark}[{}]\n", comment(section.about()), section.name());
        for setting in section.settings() {
            file += &comment(&said(&setting));
            file += &format!("{mark}{} = {}\n", setting.key, by_threes(&setting.value, '_'));
        }
    }
    // A rule and a key have no default, so the example only shows one of each.
    for (name, about, settings) in
        [(channel::table(), channel::about(), channel::settings()), (keys::table(), keys::about(), keys::settings())]
    {
        file += &format!("\n{}# {}\n", comment(about), header(name));
        for setting in settings {
            file += &comment(&said(&setting));
            file += &format!("# {} = {}\n", setting.key, setting.example);
        }
    }
    file
}

const HEAD: &str = "\
# Every key of the file of `throughline serve --config FILE`, with its default. An unknown key is an error.
# `throughline config example` prints this file, and `throughline config check FILE` checks one.
# A variable of the environment overrides its key: THROUGHLINE_SESSION__HEARTBEAT_S=5. An option of the command line
# overrides both. `--origin` adds to `origins`.
# A table whose lines begin with `#` switches something on, and is off.
";

/// Returns the comment of a key in the example.
fn said(setting: &Setting) -> String {
    let allowed = setting.bounds.as_ref().map(|bounds| format!(" Allowed: {}.", between(bounds))).unwrap_or_default();
    let reload = match setting.reload {
        Reload::AtOnce => " SIGHUP applies it at once.",
        Reload::NewSessions => " SIGHUP applies it to new sessions.",
        Reload::Restart => "",
    };
    format!("{}{allowed}{reload}", setting.about)
}

/// Breaks prose into lines of a comment.
fn comment(prose: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from("#");
    for word in prose.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            lines += &line;
            lines.push('\n');
            "#".clone_into(&mut line);
        }
        line.push(' ');
        line += word;
    }
    lines + &line + "\n"
}

/// Groups the digits of a number. Returns any other value as it is.
fn by_threes(value: &str, between: char) -> String {
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.to_owned();
    }
    let mut grouped = String::new();
    for (place, digit) in value.chars().enumerate() {
        if place > 0 && (value.len() - place).is_multiple_of(3) {
            grouped.push(between);
        }
        grouped.push(digit);
    }
    grouped
}
