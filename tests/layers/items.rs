//! Reads the items of a file: its types, traits and impls, and their members. It knows no module and no rule.

#[cfg(test)]
use crate::tokens::tokens;
use crate::tokens::{Token, group_end, is_word, text};

/// The words that may stand between a visibility and the word that says what an item is.
const BEFORE_THE_KIND: [&str; 3] = ["async", "unsafe", "extern"];

/// The items that end at a semicolon, and may hold braces before it.
const ENDED_BY_SEMICOLON: [&str; 4] = ["const", "static", "type", "use"];

/// An item, or a member of one.
pub(crate) struct Item<'a> {
    /// The tokens of each attribute, without `#[` and `]`.
    pub(crate) attributes: Vec<&'a [Token]>,
    /// True for `pub` alone: `pub(crate)` reaches no other crate.
    pub(crate) is_public: bool,
    /// The word that says what it is: `struct`, `fn`, `impl` …
    pub(crate) kind: &'a str,
    /// The word behind the kind.
    pub(crate) name: &'a str,
    /// The tokens before the body, without attributes and visibility.
    pub(crate) head: &'a [Token],
    /// The tokens in the braces.
    pub(crate) body: &'a [Token],
    /// True if braces follow the head.
    pub(crate) has_body: bool,
}

impl Item<'_> {
    /// Returns the attributes of this name.
    pub(crate) fn attributes_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [Token]> {
        self.attributes.iter().copied().filter(move |attribute| text(attribute, 0) == name)
    }
}

/// Returns the items of a file, of an impl or of a trait. It omits stray tokens.
pub(crate) fn items(tokens: &[Token]) -> Vec<Item<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (attributes, start) = attributes(tokens, at);
        let (is_public, start) = visibility(tokens, start);
        let mut word = start;
        while BEFORE_THE_KIND.contains(&text(tokens, word)) {
            word += 1;
        }
        // `const fn` is a function, and `const X` is none.
        if text(tokens, word) == "const" && ["fn", "async", "unsafe"].contains(&text(tokens, word + 1)) {
            word += 1;
            while BEFORE_THE_KIND.contains(&text(tokens, word)) {
                word += 1;
            }
        }
        let kind = text(tokens, word);
        if !is_word(kind) {
            at = start.max(at) + 1;
            continue;
        }
        let open = head_end(tokens, word, ENDED_BY_SEMICOLON.contains(&kind));
        let has_body = text(tokens, open) == "{";
        let end = if has_body { group_end(tokens, open) } else { open };
        let body = if has_body { &tokens[open + 1..end - 1] } else { &[] };
        let name = text(tokens, word + 1);
        found.push(Item { attributes, is_public, kind, name, head: &tokens[start..open], body, has_body });
        at = end.max(open + 1).max(at + 1);
    }
    found
}

/// Returns the attributes at `at`, and the place behind them.
fn attributes(tokens: &[Token], mut at: usize) -> (Vec<&[Token]>, usize) {
    let mut found = Vec::new();
    while text(tokens, at) == "#" {
        let open = at + if text(tokens, at + 1) == "!" { 2 } else { 1 };
        let end = group_end(tokens, open);
        found.push(&tokens[(open + 1).min(end)..end.saturating_sub(1).max(open + 1).min(tokens.len())]);
        at = end;
    }
    (found, at)
}

/// Returns whether `pub` alone stands at `at`, and the place behind the visibility.
fn visibility(tokens: &[Token], at: usize) -> (bool, usize) {
    match (text(tokens, at), text(tokens, at + 1)) {
        ("pub", "(") => (false, group_end(tokens, at + 1)),
        ("pub", _) => (true, at + 1),
        _ => (false, at),
    }
}

/// Returns the place of the brace of the body, or of the semicolon.
fn head_end(tokens: &[Token], mut at: usize, by_semicolon: bool) -> usize {
    loop {
        match text(tokens, at) {
            ";" | "" => return at.min(tokens.len()),
            "{" if !by_semicolon => return at,
            "(" | "[" | "{" => at = group_end(tokens, at),
            _ => at += 1,
        }
    }
}

/// Returns the parts between the commas outside of brackets.
pub(crate) fn parts(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut found, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for at in 0..tokens.len() {
        match text(tokens, at) {
            "(" | "[" | "{" | "<" => depth += 1,
            ">" if at > 0 && text(tokens, at - 1) == "-" => {}
            ")" | "]" | "}" | ">" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                found.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&tokens[start..]);
    found.retain(|part| !part.is_empty());
    found
}

/// Returns a field or a variant without its attributes and its visibility, whether it is public, and its attributes.
pub(crate) fn member(part: &[Token]) -> (&[Token], bool, Vec<&[Token]>) {
    let (attributes, start) = attributes(part, 0);
    let (is_public, start) = visibility(part, start);
    (&part[start..], is_public, attributes)
}

/// Writes tokens as rustfmt would, in one line.
pub(crate) fn shown(tokens: &[Token]) -> String {
    let mut line = String::new();
    for at in 0..tokens.len() {
        let (before, word, after) =
            (if at == 0 { "" } else { text(tokens, at - 1) }, text(tokens, at), text(tokens, at + 1));
        if word == "," && [")", "]", ">"].contains(&after) {
            continue; // rustfmt breaks a long list, and adds a comma
        }
        if at > 0 && is_apart(before, word, tokens, at) {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Returns true if a space stands between two tokens.
fn is_apart(before: &str, word: &str, tokens: &[Token], at: usize) -> bool {
    let arrow_before = before == ">" && at > 1 && ["-", "="].contains(&text(tokens, at - 2));
    match (before, word) {
        ("-" | "=", ">") => false,
        _ if arrow_before => true,
        (":", "?") => true,
        (_, "," | ";" | ":" | ")" | "]" | ">" | "." | "?" | "!") => false,
        ("(" | "[" | "<" | "&" | "'" | "!" | "." | "#" | "?", _) | (_, "::") | ("::", _) => false,
        // The arguments of a function, of a type or of a macro follow at once.
        (_, "(" | "<") => !(is_word(before) && before != "for") && before != ">",
        ("*", _) => false,
        _ => true,
    }
}

/// Returns the items of each macro call of a file, for macros that the file defines by one arm of plain arguments.
pub(crate) fn calls_of_macros(all: &[Token]) -> Vec<Token> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if text(all, at) == "macro_rules" && text(all, at + 3) == "{" {
            let end = group_end(all, at + 3);
            found.extend(expanded(all, text(all, at + 2), at + 4, end));
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// Returns the tokens of all calls of a macro, whose arm starts at `arm`.
fn expanded(all: &[Token], name: &str, arm: usize, end: usize) -> Vec<Token> {
    let pattern = group_end(all, arm);
    let parameters: Vec<&str> = parts(&all[arm + 1..pattern - 1]).iter().filter_map(|part| parameter(part)).collect();
    let body = (pattern..end).find(|at| text(all, *at) == "{").map(|open| &all[open + 1..group_end(all, open) - 1]);
    let mut found = Vec::new();
    for at in (0..all.len()).filter(|at| !(arm..end).contains(at)) {
        if text(all, at) != name || text(all, at + 1) != "!" || text(all, at + 2) != "(" {
            continue;
        }
        let arguments = parts(&all[at + 3..group_end(all, at + 2) - 1]);
        let body = body.unwrap_or_default();
        let mut place = 0;
        while place < body.len() {
            let (dollar, word) = (text(body, place) == "$", text(body, place + 1));
            if dollar && word == "(" {
                place = group_end(body, place + 1) + 1; // `$(#[$doc])*`: comments
            } else if dollar {
                let given = parameters.iter().position(|parameter| *parameter == word);
                let given = given.and_then(|given| arguments.get(given)).copied().unwrap_or_default();
                found.extend(given.iter().map(copy));
                place += 2;
            } else {
                found.push(copy(&body[place]));
                place += 1;
            }
        }
    }
    found
}

/// Returns the name of `$name:kind`. Another parameter may stand before it, in brackets.
fn parameter(part: &[Token]) -> Option<&str> {
    let colon = part.iter().rposition(|token| token.text == ":")?;
    (text(part, colon.checked_sub(2)?) == "$").then(|| text(part, colon - 1))
}

fn copy(token: &Token) -> Token {
    Token { line: token.line, text: token.text.clone() }
}

#[test]
fn tokens_are_written_as_rustfmt_writes_them() {
    for line in [
        "impl<T: Into<Reason>> From<T> for Refusal",
        "pub async fn f<'a, const N: usize>(&'a self, x: &mut [u8; 2]) -> Result<(), fmt::Error>",
        "fn f(f: impl Fn(&str) -> (u8, u8) + Send + 'static, _: Asker<'_>) -> &'static str where Self: ?Sized",
        "Gap { leg: LegNumber, numbers: Vec<(Seq, Seq)> }",
        "const ALL: [Self; 15]",
        "derive(Clone, thiserror::Error)",
    ] {
        assert_eq!(shown(&tokens(line)), line);
    }
    assert_eq!(shown(&tokens("fn f(\n    a: u8,\n    b: u8,\n) -> u8")), "fn f(a: u8, b: u8) -> u8");
}

#[test]
fn items_are_found_with_their_attributes_and_bodies() {
    let source = "#![x] use a::{b, c}; #[derive(A)] #[b] pub struct S<T>(pub T, u8); pub(crate) const fn f() -> [u8; 2] { g; } \
                  const X: S = S { x: 1 }; pub enum E { A, B(u8) } impl T for S { type E = u8; fn a(); fn b() {} }";
    let tokens = tokens(source);
    let found = items(&tokens);
    let told: Vec<(&str, &str, bool)> = found.iter().map(|item| (item.kind, item.name, item.is_public)).collect();
    let expected = [
        ("use", "a", false),
        ("struct", "S", true),
        ("fn", "f", false),
        ("const", "X", false),
        ("enum", "E", true),
        ("impl", "T", false),
    ];
    assert_eq!(told, expected);
    assert_eq!(shown(found[1].head), "struct S<T>(pub T, u8)");
    assert_eq!(found[1].attributes_named("derive").count(), 1);
    assert_eq!(items(found[5].body).iter().map(|item| item.has_body).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn a_call_of_a_macro_adds_its_items() {
    let source = "macro_rules! m { ($(#[$doc:meta])* $name:ident, $most:expr, $text:literal) => { $(#[$doc])* pub struct $name(u8); \
                  impl $name { fn f() -> $most { $text } } }; } m!( /// Doc.\n A, x::B, \"text\" ); m!(C, u8, \"\");";
    let tokens = calls_of_macros(&tokens(source));
    let names: Vec<&str> = items(&tokens).iter().filter(|item| item.kind == "struct").map(|item| item.name).collect();
    assert_eq!(names, ["A", "C"]);
}
