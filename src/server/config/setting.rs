//! A key as others see it: what it is for, what it may be, its value, and when a new value holds.

use std::fmt;
use std::ops::RangeInclusive;

/// A key of the file, with the value that a configuration gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The table that it stands in.
    pub table: &'static str,
    /// Its name in that table.
    pub key: &'static str,
    /// What it sets, in plain sentences.
    pub about: &'static str,
    /// A value that a file may give it, as the file would have it.
    pub example: &'static str,
    /// The numbers that it may be, if it is a number.
    pub bounds: Option<RangeInclusive<u64>>,
    /// When a new value holds.
    pub reload: Reload,
    /// The value, as a file would have it.
    pub value: String,
}

impl Setting {
    /// Its name with its table's: `limits.sessions`. TOML reads that, too.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.table, self.key)
    }

    /// A line of the file, for a reader who is in the table `here`.
    pub(super) fn written(&self, here: Option<&str>) -> String {
        let Self { table, key, example, .. } = self;
        if here == Some(table) { format!("{key} = {example}") } else { format!("{key} = {example} under [{table}]") }
    }
}

/// When a new value of a key holds, after SIGHUP had the file read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reload {
    /// For all that is there.
    AtOnce,
    /// For sessions that are made from then on.
    NewSessions,
    /// A reload changes nothing.
    Restart,
}

impl fmt::Display for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtOnce => "at once",
            Self::NewSessions => "for new sessions",
            Self::Restart => "after a restart",
        })
    }
}
