//! The parts of a section of the configuration, and the reading of a value. A section is a table of the file.
//!
//! Each section is a file beside this one: a struct with its defaults, and its keys as [`Section::KEYS`]. It knows no
//! other section.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::fault::{Conflict, Fault, Wrong};
use super::hints::Known;
use super::setting::{Reload, Setting};

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// A size in bytes, up to a terabyte. No gateway can keep more.
pub(super) const BYTES: RangeInclusive<u64> = 0..=1 << 40;
/// The greatest count of anything. No gateway can hold as many.
pub(super) const MANY: u64 = 10_000_000;

/// A table of the file.
pub(super) trait Section: 'static + Sized {
    /// The name of the table.
    const TABLE: &'static str;
    /// Plain sentences about the table, for the reference.
    const ABOUT: &'static str;
    /// All keys of the table, in the order of the reference.
    const KEYS: &'static [Key<Self>];
    /// Whether the table switches something on. The example of the reference shows such a table as comments.
    const IS_OPTIONAL: bool = false;

    /// Notes that the table stands in the file, before its keys are read.
    fn present(&mut self) {}

    /// Checks that the values do not contradict each other. Each of them is valid.
    ///
    /// # Errors
    /// Names the keys that contradict each other, and the remedy.
    fn check(&self) -> Result<(), Conflict> {
        Ok(())
    }

    /// Returns a sentence about each value that is valid, but can hardly be meant.
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
    /// Writes the value in the form of the file.
    pub(super) show: fn(&S) -> String,
}

/// A section of any type, so that one list can hold all sections.
pub(super) trait Table {
    fn name(&self) -> &'static str;

    fn about(&self) -> &'static str;

    /// See [`Section::IS_OPTIONAL`].
    fn is_optional(&self) -> bool;

    /// Returns every key with its value.
    fn settings(&self) -> Vec<Setting>;

    /// Reads a table of the file over the present values. Of several faults, it returns the first in the file.
    fn read(&mut self, table: &Value<'_>, known: &Known) -> Result<(), Fault>;

    /// Reads a value over the present one of a key. `bare`: the same as text, if the source has no quotes around text.
    /// Returns `None` if no key has this name.
    fn set(&mut self, key: &str, value: &Value<'_>, bare: Option<&Value<'_>>) -> Option<Result<(), Fault>>;

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

    fn is_optional(&self) -> bool {
        S::IS_OPTIONAL
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
        self.present();
        first(lines.iter().filter_map(|(name, value)| {
            let set = self.set(name.get_ref(), value, None);
            set.unwrap_or_else(|| Err(known.no_key(S::TABLE, name))).err()
        }))
    }

    fn set(&mut self, key: &str, value: &Value<'_>, bare: Option<&Value<'_>>) -> Option<Result<(), Fault>> {
        let key = S::KEYS.iter().find(|known| known.name == key)?;
        let read = (key.read)(self, &Given { value, bare, bounds: key.bounds.clone() });
        let name = || format!("{}.{}", S::TABLE, key.name);
        Some(read.map_err(|fault| fault.of(name()).write(format!("{} = {}", key.name, key.example))))
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

/// A value of a source, with the bounds of its key.
pub(super) struct Given<'a> {
    value: &'a Value<'a>,
    /// See [`Table::set`].
    bare: Option<&'a Value<'a>>,
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

    pub(super) fn number(&self) -> Result<u32, Fault> {
        u32::try_from(self.whole("a whole number")?).map_err(|_| self.fault(Wrong::TooMany))
    }

    pub(super) fn text<T, E: Into<Wrong>>(&self, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Fault> {
        let bare = self.bare.filter(|_| !self.value.get_ref().is_str());
        one(bare.unwrap_or(self.value), parse)
    }

    pub(super) fn list<T, E: Into<Wrong>>(&self, parse: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, Fault> {
        let items = self.value.get_ref().as_array().ok_or_else(|| expected(self.value, "a list of texts"))?;
        items.iter().map(|item| one(item, &parse)).collect()
    }

    /// Reads a text as a list of one, or a list of texts.
    pub(super) fn texts<T, E: Into<Wrong>>(&self, parse: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, Fault> {
        if self.value.get_ref().is_str() { self.text(parse).map(|one| vec![one]) } else { self.list(parse) }
    }

    /// Returns a fault of the whole value.
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

/// Returns the number if it is in the range.
///
/// # Errors
/// The number is out of the range, and the error names the range.
pub(super) fn within(number: i128, allowed: &RangeInclusive<u64>) -> Result<u64, Wrong> {
    let number = u64::try_from(number).ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| Wrong::OutOfRange(allowed.clone()))
}

/// Stores a value that was read.
pub(super) fn put<T>(place: &mut T, value: Result<T, Fault>) -> Result<(), Fault> {
    *place = value?;
    Ok(())
}

/// Writes text in the form of the file.
pub(super) fn quoted(value: &impl Display) -> String {
    format!("\"{value}\"")
}

/// Writes a list of texts in the form of the file.
pub(super) fn all_quoted<T: Display>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(quoted).collect();
    format!("[{}]", values.join(", "))
}

fn one<T, E: Into<Wrong>>(value: &Value<'_>, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Fault> {
    let text = value.get_ref().as_str().ok_or_else(|| expected(value, "text in quotes"))?;
    parse(text).map_err(|why| Fault::new(value.span(), why))
}

pub(super) fn expected(value: &Value<'_>, expected: &'static str) -> Fault {
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
