//! Patterns of channel names, as rules and grants state them: `room/{room}`.
//!
//! [`matches`] compares one pattern with one name. The look-up among many patterns is `rules`, by another library. A
//! property test there holds both to the same answers.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The longest pattern. A channel name has at most 128 bytes, and the rest is for the names of placeholders.
pub const LONGEST: usize = 256;

/// Begins the names that belong to the gateway.
pub const RESERVED: char = '@';

/// A pattern of channel names.
///
/// It consists of segments between `/`. `{name}` matches one segment, or the rest of one as in `truck-{n}`. `{*rest}`
/// at the end matches everything that follows. A placeholder never matches nothing. No pattern matches a name that
/// begins with `@`, because such names belong to the gateway.
///
/// # Examples
/// ```
/// use throughline::{BadPattern, Pattern};
///
/// let pattern = Pattern::try_from("room/{room}")?;
/// assert!(pattern.matches("room/1") && !pattern.matches("room/1/2"));
/// # Ok::<(), BadPattern>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true if the pattern matches this name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        walk(&self.0, name, |_, _| {})
    }

    /// Returns the part of the name at the placeholder `{placeholder}` or `{*placeholder}`, if the pattern matches the
    /// name.
    #[must_use]
    pub fn captured<'n>(&self, placeholder: &str, name: &'n str) -> Option<&'n str> {
        let mut found = None;
        let matches = walk(&self.0, name, |at, value| {
            if at == placeholder {
                found = Some(value);
            }
        });
        found.filter(|_| matches)
    }

    /// Returns true if the pattern has the placeholder `{placeholder}` or `{*placeholder}`.
    #[must_use]
    pub fn has(&self, placeholder: &str) -> bool {
        self.0.split('/').any(|text| Segment::read(text).is_ok_and(|segment| segment.name() == Some(placeholder)))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<&str> for Pattern {
    type Error = BadPattern;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        check(text)?;
        Ok(Self(text.into()))
    }
}

/// Why a text is no [`Pattern`].
///
/// # Examples
/// ```
/// use throughline::{BadPattern, Pattern};
///
/// assert_eq!(Pattern::try_from("@presence/{room}"), Err(BadPattern::Reserved));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadPattern {
    /// It is empty, too long, or has a control character.
    #[error("a pattern is 1 to {LONGEST} bytes of text without control characters")]
    NotText,
    /// It begins with `@`.
    #[error("a pattern must not begin with {RESERVED}: such names belong to the gateway")]
    Reserved,
    /// A segment has a brace outside of a placeholder, or text behind a placeholder.
    #[error("{0:?} is not a segment: write text, {{name}}, or text-{{name}} with nothing behind it")]
    Segment(String),
    /// A placeholder has no name, or a name of other characters.
    #[error("{0:?} is not a placeholder: its name has the characters A-Z a-z 0-9 _, as in {{room}}")]
    Name(String),
    /// `{*rest}` is not the whole last segment.
    #[error("{0:?} must be the whole last segment, because it matches everything that follows")]
    NotLast(String),
    /// Two placeholders have this name.
    #[error("the placeholder {{{0}}} stands twice: give each its own name")]
    Repeated(String),
}

/// Checks a pattern without keeping it.
///
/// # Errors
/// The text is no pattern.
pub fn check(pattern: &str) -> Result<(), BadPattern> {
    if pattern.is_empty() || pattern.len() > LONGEST || pattern.chars().any(char::is_control) {
        return Err(BadPattern::NotText);
    }
    if pattern.starts_with(RESERVED) {
        return Err(BadPattern::Reserved);
    }
    let mut names = BTreeSet::new();
    let mut segments = pattern.split('/').peekable();
    while let Some(text) = segments.next() {
        let segment = Segment::read(text)?;
        if matches!(segment, Segment::All(_)) && segments.peek().is_some() {
            return Err(BadPattern::NotLast(text.to_owned()));
        }
        if let Some(name) = segment.name().filter(|name| !names.insert(*name)) {
            return Err(BadPattern::Repeated(name.to_owned()));
        }
    }
    Ok(())
}

/// A segment of a pattern.
#[derive(Clone, Copy)]
enum Segment<'p> {
    Literal(&'p str),
    /// Text, and the name of the placeholder for the rest of the segment.
    One(&'p str, &'p str),
    /// The name of the placeholder for everything that follows.
    All(&'p str),
}

impl<'p> Segment<'p> {
    fn read(text: &'p str) -> Result<Self, BadPattern> {
        let bad = || BadPattern::Segment(text.to_owned());
        let Some((before, rest)) = text.split_once('{') else {
            return if text.contains('}') { Err(bad()) } else { Ok(Self::Literal(text)) };
        };
        let inside = rest.strip_suffix('}').ok_or_else(bad)?;
        if before.contains('}') || inside.contains(['{', '}']) {
            return Err(bad());
        }
        let (name, is_all) = inside.strip_prefix('*').map_or((inside, false), |name| (name, true));
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(BadPattern::Name(text.to_owned()));
        }
        match (is_all, before) {
            (false, _) => Ok(Self::One(before, name)),
            (true, "") => Ok(Self::All(name)),
            (true, _) => Err(BadPattern::NotLast(text.to_owned())),
        }
    }

    const fn name(self) -> Option<&'p str> {
        match self {
            Self::Literal(_) => None,
            Self::One(_, name) | Self::All(name) => Some(name),
        }
    }
}

/// Returns true if a pattern matches a name. An invalid pattern matches nothing.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    check(pattern).is_ok() && walk(pattern, name, |_, _| {})
}

/// Compares a valid pattern with a name, and shows each placeholder with its part of the name.
fn walk<'n>(pattern: &str, name: &'n str, mut seen: impl FnMut(&str, &'n str)) -> bool {
    if name.starts_with(RESERVED) {
        return false;
    }
    let mut left = Some(name);
    for text in pattern.split('/') {
        let (Some(here), Ok(segment)) = (left, Segment::read(text)) else { return false };
        let (part, after) = match (segment, here.split_once('/')) {
            (Segment::Literal(_) | Segment::One(..), Some((part, after))) => (part, Some(after)),
            _ => (here, None),
        };
        let value = match segment {
            Segment::Literal(literal) => {
                if literal != part {
                    return false;
                }
                None
            }
            Segment::One(before, _) => part.strip_prefix(before),
            Segment::All(_) => Some(part),
        };
        if let Some(placeholder) = segment.name() {
            let Some(value) = value.filter(|value| !value.is_empty()) else { return false };
            seen(placeholder, value);
        }
        left = after;
    }
    left.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_by_segments() {
        for (pattern, names, others) in [
            ("news", &["news"][..], &["news/", "new", "newss", "/news", ""][..]),
            ("room/{room}", &["room/1", "room/é", "room/@1"], &["room/", "room", "room/1/2", "ROOM/1"]),
            ("truck-{n}", &["truck-7", "truck--"], &["truck-", "truck", "truck-7/x"]),
            ("a/{b}/c", &["a/x/c"], &["a//c", "a/x/c/", "a/x"]),
            ("files/{*path}", &["files/a", "files/a/b/c", "files/a/", "files//"], &["files", "files/"]),
            ("{*all}", &["a", "a/b"], &["@presence/room/1", "@"]),
            ("{a}/{b}", &["presence/room"], &["@presence/room"]),
        ] {
            let pattern = Pattern::try_from(pattern).unwrap();
            for name in names {
                assert!(pattern.matches(name), "{pattern} {name}");
            }
            for name in others {
                assert!(!pattern.matches(name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn a_placeholder_captures_its_part_of_the_name() {
        let pattern = Pattern::try_from("inbox/{user}/u-{n}/{*rest}").unwrap();
        let captured = |placeholder| pattern.captured(placeholder, "inbox/42/u-7/a/b");
        assert_eq!(["user", "n", "rest", "x"].map(captured), [Some("42"), Some("7"), Some("a/b"), None]);
        assert_eq!(pattern.captured("user", "inbox/42"), None);
        assert!(pattern.has("user") && pattern.has("rest") && !pattern.has("inbox"));
    }

    #[test]
    fn a_bad_pattern_is_told_apart() {
        let long = "x".repeat(LONGEST + 1);
        for (text, part) in [
            ("", "1 to 256 bytes"),
            (&long, "1 to 256 bytes"),
            ("a\nb", "control"),
            ("@a/{b}", "belong to the gateway"),
            ("a/{b", "is not a segment"),
            ("a/b}", "is not a segment"),
            ("{b}.json", "is not a segment"),
            ("{a}{b}", "is not a segment"),
            ("{{a}}", "is not a segment"),
            ("x}{a}", "is not a segment"),
            ("{}", "is not a placeholder"),
            ("{*}", "is not a placeholder"),
            ("{room-id}", "is not a placeholder"),
            ("{*rest}/a", "whole last segment"),
            ("a-{*rest}", "whole last segment"),
            ("{a}/{a}", "the placeholder {a} stands twice"),
        ] {
            let bad = Pattern::try_from(text).expect_err(text).to_string();
            assert!(bad.contains(part), "{text}: {bad}");
            assert!(!matches(text, text), "{text}");
        }
    }
}
