//! What is wrong in a file, and where: the line, a caret under the place, and what to write instead.

use std::ops::Range;

/// One thing that is wrong.
pub(super) struct Fault {
    /// In bytes.
    span: Range<usize>,
    what: String,
    write: Option<String>,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, what: impl Into<String>) -> Self {
        Self { span, what: what.into(), write: None }
    }

    /// The same with what to write instead.
    pub(super) fn write(mut self, instead: impl Into<String>) -> Self {
        self.write = Some(instead.into());
        self
    }

    /// The same about this key.
    pub(super) fn of(mut self, key: &str) -> Self {
        self.what = format!("`{key}`: {}", self.what);
        self
    }

    /// Where it begins.
    pub(super) const fn start(&self) -> usize {
        self.span.start
    }

    /// As it is shown to who wrote the text.
    pub(super) fn show(&self, text: &str) -> String {
        let start = text.floor_char_boundary(self.span.start);
        let (number, line, begins) = line_at(text, start);
        let column = text[begins..start].chars().count();
        // A value may go on in further lines; the caret stays on its first.
        let end = text.floor_char_boundary(self.span.end).min(begins + line.len());
        let width = text.get(start..end).map_or(0, |part| part.chars().count()).max(1);
        let (margin, number) = (" ".repeat(number.to_string().len()), number.to_string());
        let (what, carets) = (&self.what, "^".repeat(width));
        let indent: String = line.chars().take(column).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
        let instead = self.write.as_ref().map(|instead| format!("\n{margin} = write {instead}")).unwrap_or_default();
        format!(
            "line {number}, column {}: {what}\n{margin} |\n{number} | {line}\n{margin} | {indent}{carets}{instead}",
            column + 1
        )
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
        let fault = Fault::new(13..17, "it is wrong").of("ünd").write("ünd = 1");
        let shown = "line 2, column 7: `ünd`: it is wrong\n  |\n2 | ünd = 'é'\n  |       ^^^\n  = write ünd = 1";
        assert_eq!(fault.show(text), shown);
    }

    #[test]
    fn no_place_is_beyond_the_text() {
        for (text, span) in [("", 0..0), ("", 5..9), ("é", 1..1), ("a\n", 2..3), ("a = [\n1,\n]", 4..10)] {
            assert!(Fault::new(span.clone(), "x").show(text).contains('^'), "{text:?} {span:?}");
        }
    }
}
