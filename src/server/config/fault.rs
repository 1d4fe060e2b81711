//! What is wrong in a file, and where: the line, a caret under the place, and what to write instead.

use std::io;
use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;

use crate::protocol::{BadOffer, UnknownTransport};
use crate::server::forwarded::BadPrefix;
use crate::server::gate::BadOrigin;

/// What is wrong with a configuration, or with one of its values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// The text is no TOML.
    #[error("this cannot be read: {0}")]
    Syntax(String),
    /// There is no table of this name.
    #[error("[{0}] is not a table")]
    UnknownTable(String),
    /// The table has no key of this name.
    #[error("`{key}` is not a key of [{table}]")]
    UnknownKey {
        /// The table.
        table: &'static str,
        /// The name.
        key: String,
    },
    /// The key stands above all tables.
    #[error("`{0}` stands in no table")]
    NoTable(String),
    /// The table stands twice, or the key in its table.
    #[error("this stands in the file already")]
    Repeated,
    /// The value has another type than its key.
    #[error("it must be {expected}, and it is {found}")]
    Type {
        /// The type of the key's values.
        expected: &'static str,
        /// The type of this one.
        found: &'static str,
    },
    /// The number is not one of these.
    #[error("it must be {} to {}", .0.start(), .0.end())]
    OutOfRange(RangeInclusive<u64>),
    /// The number does not fit into a word of this machine.
    #[error("it is more than this machine can count")]
    TooMany,
    /// The text is no address with a port.
    #[error("{0:?} is not an address and a port, like 127.0.0.1:8080; names are not resolved")]
    Address(String),
    /// The text is no number of seconds.
    #[error("{0:?} is not a whole number of seconds, like 10")]
    Seconds(String),
    /// See [`BadOrigin`].
    #[error(transparent)]
    Origin(#[from] BadOrigin),
    /// See [`BadPrefix`].
    #[error(transparent)]
    Prefix(#[from] BadPrefix),
    /// See [`UnknownTransport`].
    #[error(transparent)]
    Transport(#[from] UnknownTransport),
    /// See [`BadOffer`].
    #[error(transparent)]
    Offer(#[from] BadOffer),
}

/// Keys that are each right, and cannot hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// A gateway at this address lets everybody in, and nobody asked for that by name.
    #[error(
        "{0} is reachable from other machines, and nobody is authenticated. \
         Listen on 127.0.0.1, or say --open if everybody who can reach it may publish and read everything."
    )]
    Exposed(SocketAddr),
}

/// A file that cannot be used. Its text begins with the file's path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadPath {
    /// It cannot be read.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// It holds no configuration.
    #[error("{}: {why}", path.display())]
    Faulty {
        /// The file.
        path: PathBuf,
        /// Where, and what to write instead.
        why: BadFile,
    },
}

/// A text that holds no configuration. It is shown with the line, a caret under the place, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown}")]
pub struct BadFile {
    /// What is wrong.
    pub wrong: Wrong,
    shown: String,
}

/// One thing that is wrong, and its place.
pub(super) struct Fault {
    /// In bytes.
    span: Range<usize>,
    wrong: Wrong,
    key: Option<String>,
    write: Option<String>,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, wrong: impl Into<Wrong>) -> Self {
        Self { span, wrong: wrong.into(), key: None, write: None }
    }

    /// The same with what to write instead.
    pub(super) fn write(mut self, instead: impl Into<String>) -> Self {
        self.write = Some(instead.into());
        self
    }

    /// The same about this key.
    pub(super) fn of(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Where it begins.
    pub(super) const fn start(&self) -> usize {
        self.span.start
    }

    /// Shows it to the author of the text.
    pub(super) fn show(self, text: &str) -> BadFile {
        let start = text.floor_char_boundary(self.span.start);
        let (number, line, begins) = line_at(text, start);
        let column = text[begins..start].chars().count();
        // A value may go on in further lines; the caret stays on its first.
        let end = text.floor_char_boundary(self.span.end).min(begins + line.len());
        let width = text.get(start..end).map_or(0, |part| part.chars().count()).max(1);
        let (margin, number) = (" ".repeat(number.to_string().len()), number.to_string());
        let what = self.key.as_ref().map_or_else(|| self.wrong.to_string(), |key| format!("`{key}`: {}", self.wrong));
        let carets = "^".repeat(width);
        let indent: String = line.chars().take(column).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
        let instead = self.write.as_ref().map(|instead| format!("\n{margin} = write {instead}")).unwrap_or_default();
        let shown = format!(
            "line {number}, column {}: {what}\n{margin} |\n{number} | {line}\n{margin} | {indent}{carets}{instead}",
            column + 1
        );
        BadFile { wrong: self.wrong, shown }
    }
}

/// A line's number, the line, and where it begins.
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
    fn no_place_is_beyond_the_text() {
        for (text, span) in [("", 0..0), ("", 5..9), ("é", 1..1), ("a\n", 2..3), ("a = [\n1,\n]", 4..10)] {
            let shown = Fault::new(span.clone(), Wrong::Repeated).show(text).to_string();
            assert!(shown.contains('^'), "{text:?} {span:?}");
        }
    }
}
