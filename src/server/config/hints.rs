//! The corrections of unknown names and variables, and of text that is not TOML. A correction offers the nearest key of
//! all tables.

use strsim::jaro_winkler;
use toml::Spanned;
use toml::de::{DeString, DeValue};

use super::fault::{BadVariable, Fault, Wrong};
use super::setting::{LISTS, PREFIX, Setting, header};

type Name<'a> = Spanned<DeString<'a>>;

/// A name that is more like a known one than this is probably a misspelling of it.
const LIKE: f64 = 0.8;

/// Every table and every key.
pub(super) struct Known {
    pub(super) tables: Vec<&'static str>,
    pub(super) settings: Vec<Setting>,
}

impl Known {
    /// Returns the fault of a name that no table has. It may be a key outside all tables.
    pub(super) fn no_table(&self, name: &Name<'_>, value: &Spanned<DeValue<'_>>) -> Fault {
        let wrong = name.get_ref().to_string();
        if is_table(value.get_ref()) {
            let nearest = greatest(&self.tables, |table| jaro_winkler(&wrong, table));
            let instead = match nearest {
                Some((likeness, table)) if likeness > LIKE => format!("{}, if that is meant", header(table)),
                _ => format!("one of these: {}", self.headers()),
            };
            return Fault::new(name.span(), Wrong::UnknownTable(wrong)).write(instead);
        }
        // The name may start with the name of its table: history_bytes.
        let alike = |known: &Setting| {
            likeness(&wrong, known.key).max(likeness(&wrong, &format!("{}_{}", known.table, known.key)))
        };
        let instead = self
            .nearest(|known| known.written(None), alike)
            .unwrap_or_else(|| format!("one of these above it: {}", self.headers()));
        Fault::new(name.span(), Wrong::NoTable(wrong)).write(instead)
    }

    /// Returns the fault of a name that no key of this table has. Another table may have the key.
    pub(super) fn no_key(&self, table: &'static str, name: &Name<'_>) -> Fault {
        let key = name.get_ref().to_string();
        // This table wins if another one has a key that is as similar.
        let own = |known: &Setting| if known.table == table { f64::EPSILON } else { 0.0 };
        let alike = |known: &Setting| likeness(&key, known.key) + own(known);
        let instead = self.nearest(|known| known.written(Some(table)), alike).unwrap_or_else(|| {
            let keys = self.settings.iter().filter(|known| known.table == table).map(|known| known.key);
            format!("one of these: {}", keys.collect::<Vec<_>>().join(", "))
        });
        Fault::new(name.span(), Wrong::UnknownKey { table, key }).write(instead)
    }

    /// Returns the fault of a variable that no key has.
    pub(super) fn no_variable(&self, name: String) -> BadVariable {
        let meant = name.strip_prefix(PREFIX).unwrap_or(&name).to_ascii_lowercase();
        let (table, key) = meant.split_once("__").unwrap_or(("", &meant));
        if let Some(list) = LISTS.iter().find(|list| **list == table) {
            return BadVariable::new(name, Wrong::NoVariables(list), format!("each [[{list}]] in the file"));
        }
        let alike = |known: &Setting| if known.lacks_underscore(&name) { 1.0 } else { likeness(key, known.key) };
        let write = self.nearest(Setting::exported, alike).unwrap_or_else(|| {
            let of_table: Vec<_> = self.settings.iter().filter(|known| known.table == table).collect();
            let offered = if of_table.is_empty() { self.settings.iter().collect() } else { of_table };
            let offered: Vec<String> = offered.into_iter().map(Setting::variable).collect();
            format!("one of these: {}", offered.join(", "))
        });
        BadVariable::new(name, Wrong::UnknownVariable, write)
    }

    /// Returns the fault of text that is not TOML.
    pub(super) fn not_toml(&self, text: &str, error: &toml::de::Error) -> Fault {
        let span = error.span().unwrap_or_default();
        // The message also lists the tokens that the parser expected. They mean little to a person.
        let what = error.message().split(", expected").next().unwrap_or_default();
        if what == "duplicate key" || what.starts_with("cannot extend value") {
            return Fault::new(span, Wrong::Repeated).write("each table once, and each key once in its table");
        }
        let what = match what {
            "invalid float" | "invalid integer" | "string values must be quoted" => {
                "this is not a value; text must be in quotes"
            }
            other => other,
        };
        let instead = self.meant_at(text, span.start).unwrap_or_else(|| {
            "key = value below the [table] of the key, where text is in quotes and a list in brackets".to_owned()
        });
        Fault::new(span, Wrong::Syntax(what.to_owned())).write(instead)
    }

    /// Returns the nearest key, as `written` writes it.
    fn nearest(&self, written: impl Fn(&Setting) -> String, likeness: impl Fn(&Setting) -> f64) -> Option<String> {
        let (likeness, setting) = greatest(&self.settings, likeness)?;
        let written = written(setting);
        // The same words leave no doubt.
        if likeness >= 1.0 { Some(written) } else { (likeness > LIKE).then(|| format!("{written}, if that is meant")) }
    }

    /// Returns the key on the line of this place, as it is written there.
    fn meant_at(&self, text: &str, at: usize) -> Option<String> {
        let lines: Vec<&str> = text[..text.floor_char_boundary(at)].lines().collect();
        let line = text.lines().nth(lines.len().saturating_sub(1))?;
        let mut above = lines.iter().rev().skip(1);
        let here = above
            .find_map(|line| line.trim_start().strip_prefix('[')?.trim_start_matches('[').split_once(']'))
            .map(|(table, _)| table);
        let path = line.split_once('=')?.0.trim();
        let (table, key) = path.rsplit_once('.').map_or((here, path), |(table, key)| (Some(table), key));
        let named = |known: &&Setting| known.key == key;
        let of_table = |known: &&Setting| named(known) && Some(known.table) == table;
        let setting = self.settings.iter().find(of_table).or_else(|| self.settings.iter().find(named))?;
        Some(setting.written(table))
    }

    fn headers(&self) -> String {
        let headers: Vec<String> = self.tables.iter().map(|table| header(table)).collect();
        headers.join(", ")
    }
}

/// Returns true for a table, and for a list of tables (`[[name]]`).
fn is_table(value: &DeValue<'_>) -> bool {
    let is_list = value.as_array().is_some_and(|items| items.iter().any(|item| item.get_ref().is_table()));
    value.is_table() || is_list
}

/// Returns how alike two names are: 1 if they have the same words, in any order.
fn likeness(name: &str, known: &str) -> f64 {
    jaro_winkler(name, known).max(jaro_winkler(&sorted(name), &sorted(known)))
}

fn sorted(name: &str) -> String {
    let mut words: Vec<&str> = name.split('_').collect();
    words.sort_unstable();
    words.join("_")
}

/// Returns the greatest likeness with its item, and the first of equals.
fn greatest<T>(items: &[T], likeness: impl Fn(&T) -> f64) -> Option<(f64, &T)> {
    items.iter().map(|item| (likeness(item), item)).reduce(|best, next| if next.0 > best.0 { next } else { best })
}
