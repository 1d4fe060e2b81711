//! What a section of the configuration is made of: a table of the file with its keys, and how a value of the file is read.
//!
//! A section is a file beside this one: a struct with its defaults, and its keys as [`Section::KEYS`]. It knows no other section.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::fault::{Conflict, Fault, Wrong};
use super::hints::Known;
use super::setting::{Reload, Setting};

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// A terabyte: beyond all that a gateway can keep.
pub(super) const BYTES: RangeInclusive<u64> = 0..=1 << 40;
/// More than a gateway can hold of anything.
pub(super) const MANY: u64 = 10_000_000;

/// A table of the file.
pub(super) trait Section: 'static + Sized {
    /// Its name.
    const TABLE: &'static str;
    /// What it sets, in plain sentences.
    const ABOUT: &'static str;
    /// All its keys, in the order of the reference.
    const KEYS: &'static [Key<Self>];

    /// Whether its values can hold together. Each of them is right.
    ///
    /// # Errors
    /// Says which cannot, and what to do.
    fn check(&self) -> Result<(), Conflict> {
        Ok(())
    }

    /// What can be meant, but hardly is.
    fn oddities(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A key of a section.
pub(super) struct Key<S> {
    pub(super) name: &'static str,
    /// See [`Setting::about`].
    pub(super) about: &'static str,
    /// See [`Setting::example`].
    pub(super) example: &'static str,
    /// See [`Setting::bounds`]. [`Given::count`] and [`Given::seconds`] hold them.
    pub(super) bounds: Option<RangeInclusive<u64>>,
    pub(super) reload: Reload,
    pub(super) read: fn(&mut S, &Given<'_>) -> Result<(), Fault>,
    /// The value as the file would have it.
    pub(super) show: fn(&S) -> String,
}

/// A section whatever its keys, so that all stand in one list.
pub(super) trait Table {
    fn name(&self) -> &'static str;

    fn about(&self) -> &'static str;

    /// Every key with its value.
    fn settings(&self) -> Vec<Setting>;

    /// Reads a table of the file over the values that are there. Of several faults the first in the file is returned.
    fn read(&mut self, table: &Value<'_>, known: &Known) -> Result<(), Fault>;

    /// See [`Section::check`].
    fn checked(&self) -> Result<(), Conflict>;

    /// See [`Section::oddities`].
    fn odd(&self) -> Vec<String>;
}

impl<S: Section> Table for S {
    fn name(&self) -> &'static str {
        S::TABLE
    }

    fn about(&self) -> &'static str {
        S::ABOUT
    }

    fn settings(&self) -> Vec<Setting> {
        let setting = |key: &Key<S>| Setting {
            table: S::TABLE,
            key: key.name,
            about: key.about,
            example: key.example,
            bounds: key.bounds.clone(),
            reload: key.reload,
            value: (key.show)(self),
        };
        S::KEYS.iter().map(setting).collect()
    }

    fn read(&mut self, table: &Value<'_>, known: &Known) -> Result<(), Fault> {
        let Some(lines) = table.get_ref().as_table() else {
            let instead = format!("[{}] on a line of its own, and its keys below", S::TABLE);
            return Err(expected(table, "a table").of(S::TABLE).write(instead));
        };
        first(lines.iter().filter_map(|(name, value)| {
            let Some(key) = S::KEYS.iter().find(|key| key.name == name.get_ref()) else {
                return Some(known.no_key(S::TABLE, name));
            };
            let fault = (key.read)(self, &Given { value, bounds: key.bounds.clone() }).err()?;
            Some(fault.of(format!("{}.{}", S::TABLE, key.name)).write(format!("{} = {}", key.name, key.example)))
        }))
    }

    fn checked(&self) -> Result<(), Conflict> {
        self.check()
    }

    fn odd(&self) -> Vec<String> {
        self.oddities()
    }
}

/// Fails with the first of these faults in the file, if there is any.
pub(super) fn first(faults: impl Iterator<Item = Fault>) -> Result<(), Fault> {
    faults.min_by_key(Fault::start).map_or(Ok(()), Err)
}

/// A value of the file, with the bounds of its key.
pub(super) struct Given<'a> {
    value: &'a Value<'a>,
    bounds: Option<RangeInclusive<u64>>,
}

impl Given<'_> {
    pub(super) fn truth(&self) -> Result<bool, Fault> {
        self.value.get_ref().as_bool().ok_or_else(|| expected(self.value, "true or false"))
    }

    pub(super) fn seconds(&self) -> Result<Duration, Fault> {
        self.whole("a whole number of seconds").map(Duration::from_secs)
    }

    pub(super) fn count(&self) -> Result<usize, Fault> {
        usize::try_from(self.whole("a whole number")?).map_err(|_| self.fault(Wrong::TooMany))
    }

    pub(super) fn text<T, E: Into<Wrong>>(&self, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Fault> {
        one(self.value, parse)
    }

    pub(super) fn list<T, E: Into<Wrong>>(&self, parse: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, Fault> {
        let items = self.value.get_ref().as_array().ok_or_else(|| expected(self.value, "a list of texts"))?;
        items.iter().map(|item| one(item, &parse)).collect()
    }

    /// What is wrong with the whole value.
    pub(super) fn fault(&self, wrong: impl Into<Wrong>) -> Fault {
        Fault::new(self.value.span(), wrong)
    }

    fn whole(&self, what: &'static str) -> Result<u64, Fault> {
        let integer = self.value.get_ref().as_integer().ok_or_else(|| expected(self.value, what))?;
        let number = i128::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(i128::MAX);
        let bounds = self.bounds.clone().unwrap_or(0..=u64::MAX);
        within(number, &bounds).map_err(|wrong| self.fault(wrong))
    }
}

/// A number if it is one of the allowed.
///
/// # Errors
/// Says which are.
pub(super) fn within(number: i128, allowed: &RangeInclusive<u64>) -> Result<u64, Wrong> {
    let number = u64::try_from(number).ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| Wrong::OutOfRange(allowed.clone()))
}

/// Keeps what was read.
pub(super) fn put<T>(place: &mut T, value: Result<T, Fault>) -> Result<(), Fault> {
    *place = value?;
    Ok(())
}

/// Text as the file would have it.
pub(super) fn quoted(value: &impl Display) -> String {
    format!("\"{value}\"")
}

/// A list of texts as the file would have it.
pub(super) fn all_quoted<T: Display>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(quoted).collect();
    format!("[{}]", values.join(", "))
}

fn one<T, E: Into<Wrong>>(value: &Value<'_>, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Fault> {
    let text = value.get_ref().as_str().ok_or_else(|| expected(value, "text in quotes"))?;
    parse(text).map_err(|why| Fault::new(value.span(), why))
}

fn expected(value: &Value<'_>, expected: &'static str) -> Fault {
    let found = match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => "a list of tables",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Fault::new(value.span(), Wrong::Type { expected, found })
}
