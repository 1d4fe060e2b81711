//! A key of the file, as other modules see it: its purpose, its bounds, its value, and when a new value applies.

use std::fmt;
use std::ops::RangeInclusive;

/// The start of every variable's name.
pub(super) const PREFIX: &str = "THROUGHLINE_";

/// A key of the file, with the value that a configuration gives it.
///
/// # Examples
/// ```
/// use throughline::Config;
///
/// let settings = Config::default().settings();
/// let heartbeat = settings.iter().find(|setting| setting.name() == "session.heartbeat_s").unwrap();
/// assert_eq!((heartbeat.value.as_str(), heartbeat.bounds.clone()), ("15", Some(5..=30)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The name of the table that holds the key.
    pub table: &'static str,
    /// The name of the key in that table.
    pub key: &'static str,
    /// Plain sentences about the key, for the reference.
    pub about: &'static str,
    /// A value that a file may give the key, in the form of the file.
    pub example: &'static str,
    /// The range of the allowed numbers, if the value is a number with bounds.
    pub bounds: Option<RangeInclusive<u64>>,
    /// When a new value applies.
    pub reload: Reload,
    /// The value, in the form of the file.
    pub value: String,
}

impl Setting {
    /// Returns the name with its table: `limits.sessions`. TOML reads that form, too.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.table, self.key)
    }

    /// Returns the name of the variable that sets the key: `THROUGHLINE_LIMITS__SESSIONS`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}__{}", self.table, self.key).to_ascii_uppercase()
    }

    /// Returns a line for the table `here` of a file. For another table it adds the name of the key's own table.
    pub(super) fn written(&self, here: Option<&str>) -> String {
        let Self { table, key, example, .. } = self;
        let there = || format!("{key} = {example} under {}", header(table));
        if here == Some(table) { format!("{key} = {example}") } else { there() }
    }

    /// Returns true for the name of the variable with `_` instead of `__`.
    pub(super) fn lacks_underscore(&self, name: &str) -> bool {
        self.variable().replace("__", "_") == name
    }

    /// Returns the variable with the example, as a shell reads it.
    pub(super) fn exported(&self) -> String {
        let quoted = self.example.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let bare = quoted.unwrap_or(self.example);
        let quote = if bare.contains(['"', ' ']) { "'" } else { "" };
        format!("{}={quote}{bare}{quote}", self.variable())
    }
}

/// The tables that may stand several times.
pub(super) const LISTS: [&str; 2] = ["channel", "key"];

/// Returns the header of a table in the file.
pub(super) fn header(table: &str) -> String {
    if LISTS.contains(&table) { format!("[[{table}]]") } else { format!("[{table}]") }
}

/// When a new value of a key applies. At SIGHUP, `throughline serve` reads its file again. In an application,
/// [`Handle::apply`](crate::server::handle::Handle::apply) does the same.
///
/// # Examples
/// ```
/// use throughline::{Config, Reload};
///
/// let settings = Config::default().settings();
/// let at_once = settings.iter().filter(|setting| setting.reload == Reload::AtOnce);
/// let keys: Vec<&str> = at_once.map(|setting| setting.key).collect();
/// assert_eq!(keys, ["transports", "switch_jitter_s"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reload {
    /// A reload applies it at once.
    AtOnce,
    /// A reload applies it to sessions that are created afterwards.
    NewSessions,
    /// Only a restart applies it.
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
