//! What to write instead of a name that is not known, or of what is no TOML. The nearest key of all tables is offered.

use strsim::jaro_winkler;
use toml::Spanned;
use toml::de::{DeString, DeValue};

use super::fault::{Fault, Wrong};
use super::setting::Setting;

type Name<'a> = Spanned<DeString<'a>>;

/// Names more alike than this are a slip of the hand.
const LIKE: f64 = 0.8;

/// Every table and every key.
pub(super) struct Known {
    pub(super) tables: Vec<&'static str>,
    pub(super) settings: Vec<Setting>,
}

impl Known {
    /// The name is none of a table. It may be a key that stands in no table.
    pub(super) fn no_table(&self, name: &Name<'_>, value: &Spanned<DeValue<'_>>) -> Fault {
        let wrong = name.get_ref().to_string();
        if is_table(value.get_ref()) {
            let nearest = greatest(&self.tables, |table| jaro_winkler(&wrong, table));
            let instead = match nearest {
                Some((likeness, table)) if likeness > LIKE => format!("[{table}], if that is meant"),
                _ => format!("one of these: {}", self.headers()),
            };
            return Fault::new(name.span(), Wrong::UnknownTable(wrong)).write(instead);
        }
        // The name may hold that of its table: history_bytes.
        let alike = |known: &Setting| {
            likeness(&wrong, known.key).max(likeness(&wrong, &format!("{}_{}", known.table, known.key)))
        };
        let instead = self.nearest(None, alike).unwrap_or_else(|| format!("one of these above it: {}", self.headers()));
        Fault::new(name.span(), Wrong::NoTable(wrong)).write(instead)
    }

    /// The table has no key of this name. Another table may have it.
    pub(super) fn no_key(&self, table: &'static str, name: &Name<'_>) -> Fault {
        let key = name.get_ref().to_string();
        let instead = self.nearest(Some(table), |known| likeness(&key, known.key)).unwrap_or_else(|| {
            let keys = self.settings.iter().filter(|known| known.table == table).map(|known| known.key);
            format!("one of these: {}", keys.collect::<Vec<_>>().join(", "))
        });
        Fault::new(name.span(), Wrong::UnknownKey { table, key }).write(instead)
    }

    /// The text cannot be read.
    pub(super) fn not_toml(&self, text: &str, error: &toml::de::Error) -> Fault {
        let span = error.span().unwrap_or_default();
        // What a parser expected says little to a person; what it found fault with does.
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

    /// The nearest key, as it is written in the table `here`.
    fn nearest(&self, here: Option<&str>, likeness: impl Fn(&Setting) -> f64) -> Option<String> {
        let (likeness, setting) = greatest(&self.settings, likeness)?;
        let written = setting.written(here);
        // The same words leave no doubt.
        if likeness >= 1.0 { Some(written) } else { (likeness > LIKE).then(|| format!("{written}, if that is meant")) }
    }

    /// The key on the line of this place, as it is written there.
    fn meant_at(&self, text: &str, at: usize) -> Option<String> {
        let lines: Vec<&str> = text[..text.floor_char_boundary(at)].lines().collect();
        let line = text.lines().nth(lines.len().saturating_sub(1))?;
        let mut above = lines.iter().rev().skip(1);
        let here = above.find_map(|line| line.trim_start().strip_prefix('[')?.split_once(']')).map(|(table, _)| table);
        let path = line.split_once('=')?.0.trim();
        let (table, key) = path.rsplit_once('.').map_or((here, path), |(table, key)| (Some(table), key));
        let named = |known: &&Setting| known.key == key;
        let of_table = |known: &&Setting| named(known) && Some(known.table) == table;
        let setting = self.settings.iter().find(of_table).or_else(|| self.settings.iter().find(named))?;
        Some(setting.written(table))
    }

    fn headers(&self) -> String {
        let headers: Vec<String> = self.tables.iter().map(|table| format!("[{table}]")).collect();
        headers.join(", ")
    }
}

/// A table, or what `[[name]]` begins.
fn is_table(value: &DeValue<'_>) -> bool {
    let is_list = value.as_array().is_some_and(|items| items.iter().any(|item| item.get_ref().is_table()));
    value.is_table() || is_list
}

/// How alike two names are, in whatever order their words stand: 1 if they have the same words.
fn likeness(name: &str, known: &str) -> f64 {
    jaro_winkler(name, known).max(jaro_winkler(&sorted(name), &sorted(known)))
}

fn sorted(name: &str) -> String {
    let mut words: Vec<&str> = name.split('_').collect();
    words.sort_unstable();
    words.join("_")
}

/// The first of those that no other is more alike than.
fn greatest<T>(items: &[T], likeness: impl Fn(&T) -> f64) -> Option<(f64, &T)> {
    items.iter().map(|item| (likeness(item), item)).reduce(|best, next| if next.0 > best.0 { next } else { best })
}
