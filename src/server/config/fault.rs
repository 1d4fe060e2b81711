//! The errors of a configuration. An error in a file shows the line, carets under the fault, and the correction.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;

use super::setting::header;
use crate::backend::pattern::BadPattern;
use crate::backend::rules::BadRules;
use crate::backend::rules::rule::UnknownWord;
use crate::backend::tokens::auth::{BadKeys, ShortSecret, UnknownAlgorithm};
use crate::backend::tokens::url::BadKeySetUrl;
use crate::protocol::{BadOffer, UnknownTransport};
use crate::server::forwarded::BadPrefix;
use crate::server::gate::BadOrigin;
use crate::server::inner::key::{BadKeyDigest, MOST_KEYS, MOST_PATTERNS, NAME_BYTES, UnknownScope};

/// An error in a configuration, or in one of its values.
///
/// # Examples
/// ```
/// use throughline::{Config, Wrong};
///
/// let error = Config::from_toml("[limits]\nsesions = 5").unwrap_err();
/// assert_eq!(error.wrong, Wrong::UnknownKey { table: "limits", key: "sesions".to_owned() });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// The text is not TOML.
    #[error("this cannot be read: {0}")]
    Syntax(String),
    /// No table has this name.
    #[error("[{0}] is not a table")]
    UnknownTable(String),
    /// The table has no key of this name.
    #[error("`{key}` is not a key of {}", header(table))]
    UnknownKey {
        /// The name of the table.
        table: &'static str,
        /// The unknown name.
        key: String,
    },
    /// The key is above the first table, so it belongs to none.
    #[error("`{0}` stands in no table")]
    NoTable(String),
    /// No key has this variable.
    #[error("no key of the configuration has this variable")]
    UnknownVariable,
    /// The variable names a list of tables.
    #[error("[[{0}]] is a list of tables, and a list of tables has no variables")]
    NoVariables(&'static str),
    /// The variable holds bytes that are not text.
    #[error("it is not UTF-8")]
    NotText,
    /// The text is no pattern of channel names.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    /// A list of a rule has an unknown word.
    #[error(transparent)]
    Word(#[from] UnknownWord),
    /// The list `tell` of a rule has an unknown word.
    #[error("{0:?} is neither by nor time")]
    Tell(String),
    /// A rule has no pattern.
    #[error("this [[channel]] has no pattern")]
    NoPattern,
    /// The rules of channels contradict each other.
    #[error(transparent)]
    Rules(Box<BadRules>),
    /// The text is no digest of a key of the API. The error does not show it, because it may be the key.
    #[error(transparent)]
    KeyDigest(#[from] BadKeyDigest),
    /// No scope of a key has this name.
    #[error(transparent)]
    Scope(#[from] UnknownScope),
    /// No key of the API can have this name.
    #[error("a name has 1 to {NAME_BYTES} bytes, and no control characters")]
    KeyName,
    /// A key of the API has too many patterns.
    #[error("a key has {MOST_PATTERNS} patterns at most")]
    TooManyPatterns,
    /// There are too many keys of the API.
    #[error("there are {MOST_KEYS} keys at most")]
    TooManyKeys,
    /// A key of the API lacks this setting.
    #[error("this [[key]] has no `{0}`")]
    Incomplete(&'static str),
    /// Two keys of the API have the same name or the same digest. Holds the name of the second one.
    #[error("another [[key]] has the name or the key of {0:?}")]
    SameKey(String),
    /// The file defines a table twice, or a table holds a key twice.
    #[error("this stands in the file already")]
    Repeated,
    /// The value has the wrong type.
    #[error("it must be {expected}, and it is {found}")]
    Type {
        /// The type that the key needs.
        expected: &'static str,
        /// The type of the value.
        found: &'static str,
    },
    /// The number is out of this range.
    #[error("it must be {} to {}", .0.start(), .0.end())]
    OutOfRange(RangeInclusive<u64>),
    /// The number does not fit into a word of this machine.
    #[error("it is more than this machine can count")]
    TooMany,
    /// The text is not an address with a port.
    #[error("{0:?} is not an address and a port, like 127.0.0.1:8080; names are not resolved")]
    Address(String),
    /// The text is not a whole number of seconds.
    #[error("{0:?} is not a whole number of seconds, like 10")]
    Seconds(String),
    /// The text is not an origin.
    #[error(transparent)]
    Origin(#[from] BadOrigin),
    /// The text is not an address or a prefix.
    #[error(transparent)]
    Prefix(#[from] BadPrefix),
    /// No transport has this name.
    #[error(transparent)]
    Transport(#[from] UnknownTransport),
    /// The text is too short for a secret. The error does not show it.
    #[error(transparent)]
    Secret(#[from] ShortSecret),
    /// The text is not the address of a key set.
    #[error(transparent)]
    KeySetUrl(#[from] BadKeySetUrl),
    /// No algorithm of tokens has this name.
    #[error(transparent)]
    Algorithm(#[from] UnknownAlgorithm),
    /// No cookie can have this name.
    #[error("{0:?} is not the name of a cookie")]
    Cookie(String),
    /// A gateway cannot offer this list of transports.
    #[error(transparent)]
    Offer(#[from] BadOffer),
}

/// Keys that are each valid, but contradict each other.
///
/// # Examples
/// ```
/// use throughline::{Config, Conflict};
///
/// match Config::default().check() {
///     Ok(()) => println!("the configuration is consistent"),
///     Err(Conflict::Exposed(address)) => println!("set `open` to listen on {address}"),
///     Err(other) => println!("{other}"),
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// Other machines can reach this address, and the gateway authenticates no client. `server.open` must allow that.
    #[error(
        "{0} is reachable from other machines, and the gateway authenticates no client. \
         Listen on 127.0.0.1, set up [auth], or pass --open if every client that can reach it may publish and read everything."
    )]
    Exposed(SocketAddr),
    /// The settings of keys contradict each other.
    #[error(transparent)]
    Keys(#[from] BadKeys),
    /// A cookie may hold the token, and no origin is listed. Then any page could act for its visitors.
    #[error("`auth.cookie` needs `server.origins`: list the origins of the pages that may use the cookie")]
    Cookie,
    /// The rules of channels contradict each other.
    #[error(transparent)]
    Rules(#[from] BadRules),
}

/// A configuration file that cannot be used. The message begins with its path.
///
/// # Examples
/// ```
/// use throughline::{BadPath, Config};
///
/// let error = Config::from_file("missing.toml").unwrap_err();
/// assert!(matches!(error, BadPath::Unreadable { .. }));
/// assert!(error.to_string().starts_with("missing.toml: "));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadPath {
    /// The file cannot be read.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        why: io::Error,
    },
    /// The file holds no valid configuration.
    #[error("{}: {why}", path.display())]
    Faulty {
        /// The path of the file.
        path: PathBuf,
        /// The error in the text.
        why: BadFile,
    },
}

/// Text that is not a valid configuration. The message shows the line, carets under the fault, and the correction.
///
/// # Examples
/// ```
/// use throughline::Config;
///
/// let error = Config::from_toml("[session]\nheartbeat_s = 99").unwrap_err();
/// let message = "\
/// line 2, column 15: `session.heartbeat_s`: it must be 5 to 30
///   |
/// 2 | heartbeat_s = 99
///   |               ^^
///   = write heartbeat_s = 15";
/// assert_eq!(error.to_string(), message);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown}")]
pub struct BadFile {
    /// The error.
    pub wrong: Wrong,
    shown: String,
}

/// A variable of the environment that cannot be used. The message names the variable and the correction. It shows no
/// value, because that may be a secret.
///
/// # Examples
/// ```
/// use throughline::{BadVariable, Config};
///
/// let variables = [("THROUGHLINE_SESSION__HEARTBEAT_S", "99")];
/// let error: BadVariable = Config::default().with_environment(variables).unwrap_err();
/// let message = "\
/// THROUGHLINE_SESSION__HEARTBEAT_S: it must be 5 to 30
///   = write THROUGHLINE_SESSION__HEARTBEAT_S=15";
/// assert_eq!(error.to_string(), message);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {wrong}\n  = write {write}")]
pub struct BadVariable {
    /// The name of the variable.
    pub name: String,
    /// The error.
    pub wrong: Wrong,
    write: String,
}

impl BadVariable {
    /// `write`: the text that the operator should write instead.
    pub(super) const fn new(name: String, wrong: Wrong, write: String) -> Self {
        Self { name, wrong, write }
    }
}

/// An error, and its place in the text.
pub(super) struct Fault {
    /// The place in the text, as a range of bytes.
    span: Range<usize>,
    wrong: Wrong,
    key: Option<String>,
    write: Option<String>,
    is_hidden: bool,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, wrong: impl Into<Wrong>) -> Self {
        Self { span, wrong: wrong.into(), key: None, write: None, is_hidden: false }
    }

    /// Hides the value in the message, because it is a secret.
    pub(super) fn hide(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    /// Adds the text that the author should write instead.
    pub(super) fn write(mut self, instead: impl Into<String>) -> Self {
        self.write = Some(instead.into());
        self
    }

    /// Adds the key whose value is wrong.
    pub(super) fn of(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Returns the error without its place.
    pub(super) fn into_wrong(self) -> Wrong {
        self.wrong
    }

    /// Returns the first byte of the place.
    pub(super) const fn start(&self) -> usize {
        self.span.start
    }

    /// Returns the error with the message for the author of the text.
    pub(super) fn show(self, text: &str) -> BadFile {
        let start = text.floor_char_boundary(self.span.start);
        let (number, line, begins) = line_at(text, start);
        let column = text[begins..start].chars().count();
        // A value may continue on further lines. The carets stay on its first line.
        let end = text.floor_char_boundary(self.span.end).min(begins + line.len());
        let width = text.get(start..end).map_or(0, |part| part.chars().count()).max(1);
        let (margin, number) = (" ".repeat(number.to_string().len()), number.to_string());
        let what = self.key.as_ref().map_or_else(|| self.wrong.to_string(), |key| format!("`{key}`: {}", self.wrong));
        let (line, under, width) = match without_secret(line).or_else(|| self.is_hidden.then(|| "…".to_owned())) {
            Some(line) => (Cow::Owned(line.clone()), line.chars().count() - 1, 1),
            None => (Cow::Borrowed(line), column, width),
        };
        let carets = "^".repeat(width);
        let indent: String = line.chars().take(under).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
        let instead = self.write.as_ref().map(|instead| format!("\n{margin} = write {instead}")).unwrap_or_default();
        let shown = format!(
            "line {number}, column {}: {what}\n{margin} |\n{number} | {line}\n{margin} | {indent}{carets}{instead}",
            column + 1
        );
        BadFile { wrong: self.wrong, shown }
    }
}

/// Returns a line without the value of a key `secret`, if it has one.
fn without_secret(line: &str) -> Option<String> {
    let mut places = line.match_indices("secret").map(|(at, name)| at + name.len());
    let equals = places.find_map(|end| {
        let rest = line[end..].trim_start_matches(['"', '\'', ' ', '\t']);
        rest.starts_with('=').then_some(line.len() - rest.len())
    })?;
    Some(format!("{}= …", &line[..equals]))
}

/// Returns the line that holds the byte `at`: its number, its text, and its first byte.
fn line_at(text: &str, at: usize) -> (usize, &str, usize) {
    let begins = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[begins..].lines().next().unwrap_or_default();
    (text[..begins].matches('\n').count() + 1, line, begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_its_line_with_a_caret_under_its_place() {
        let text = "a = 1\nünd = 'é'\n";
        let fault = Fault::new(13..17, Wrong::OutOfRange(1..=2)).of("ünd").write("ünd = 1");
        let shown = "line 2, column 7: `ünd`: it must be 1 to 2\n  |\n2 | ünd = 'é'\n  |       ^^^\n  = write ünd = 1";
        let bad = fault.show(text);
        assert_eq!(bad.to_string(), shown);
        assert_eq!(bad.wrong, Wrong::OutOfRange(1..=2));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let key = |text: &str, at: usize| Fault::new(at..at + 4, Wrong::Repeated).of("auth.secret").hide().show(text);
        for text in ["secret = ['xyzzy']", "auth = { \"secret\" = 'xyzzy' }", "secret = [\n  'xyzzy',\n]"] {
            let shown = key(text, text.find("xyzzy").unwrap()).to_string();
            assert!(!shown.contains("xyzzy") && shown.ends_with('^'), "{shown}");
        }
        let shown = Fault::new(9..14, Wrong::Syntax("quotes".to_owned())).show("secret = xyzzy").to_string();
        assert!(shown.ends_with("1 | secret = …\n  |          ^"), "{shown}");
    }

    #[test]
    fn no_place_is_beyond_the_text() {
        for (text, span) in [("", 0..0), ("", 5..9), ("é", 1..1), ("a\n", 2..3), ("a = [\n1,\n]", 4..10)] {
            let shown = Fault::new(span.clone(), Wrong::Repeated).show(text).to_string();
            assert!(shown.contains('^'), "{text:?} {span:?}");
        }
    }
}
