//! What a file's paths name at the crate's root. Knows how modules nest; knows no layer and no rule.

use crate::tokens::{Token, is_word, text};

/// A path that starts at `crate`, `throughline`, `super` or `self`, out of code or out of a branch of a `use`.
pub(crate) struct RootedPath {
    pub(crate) line: usize,
    /// The inline modules around it, below the file's own.
    inline: Vec<String>,
    segments: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// Something below a module of the file's own.
    Inside,
    /// The root itself: a glob, an alias, `{self}`.
    Root,
    /// What stands under this name at the root.
    Module(&'a str),
}

impl RootedPath {
    pub(crate) fn target(&self, file: &[String]) -> Target<'_> {
        let mut depth = file.len() + self.inline.len();
        let mut rest = self.segments.iter().map(String::as_str).peekable();
        while let Some(keyword) = rest.next_if(|word| ["crate", "throughline", "super", "self"].contains(word)) {
            match keyword {
                "super" => depth = depth.saturating_sub(1),
                "self" => {}
                _ => depth = 0,
            }
        }
        match rest.next() {
            _ if depth > 0 => Target::Inside,
            None | Some("*") => Target::Root,
            Some(module) => Target::Module(module),
        }
    }
}

/// Every rooted path of a file.
pub(crate) fn paths(tokens: &[Token]) -> Vec<RootedPath> {
    let mut found = Vec::new();
    let mut inline: Vec<(String, usize)> = Vec::new(); // inline modules, and how many braces were open around each
    let mut braces = 0;
    let mut at = 0;
    while at < tokens.len() {
        match text(tokens, at) {
            "mod" if text(tokens, at + 2) == "{" => {
                inline.push((text(tokens, at + 1).to_owned(), braces));
                at += 1; // its brace is counted below
            }
            "{" => braces += 1,
            "}" => {
                braces = braces.saturating_sub(1);
                inline.pop_if(|(_, around)| *around == braces);
            }
            "crate" | "throughline" | "super" | "self" if starts_path(tokens, at) => {
                let around: Vec<String> = inline.iter().map(|(name, _)| name.clone()).collect();
                at = read_path(tokens, at, &RootedPath { line: 0, inline: around, segments: Vec::new() }, &mut found);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Whether a path starts here: not in the middle of one, and not `pub(crate)` or `&self`.
fn starts_path(tokens: &[Token], at: usize) -> bool {
    let middle = at >= 2 && text(tokens, at - 1) == "::" && is_word(text(tokens, at - 2));
    !middle && (text(tokens, at + 1) == "::" || (text(tokens, at) == "crate" && text(tokens, at + 1) == "as"))
}

/// Reads one path, or one branch of a use tree, that goes on from `before`. Returns where it ends.
fn read_path(tokens: &[Token], mut at: usize, before: &RootedPath, found: &mut Vec<RootedPath>) -> usize {
    let line = tokens.get(at).map_or(0, |token| token.line);
    let mut path = RootedPath { line, inline: before.inline.clone(), segments: before.segments.clone() };
    loop {
        let word = text(tokens, at);
        if word == "{" {
            return read_group(tokens, at + 1, &path, found);
        }
        if !is_word(word) && word != "*" {
            break; // `crate::x::<T>()`
        }
        path.segments.push(word.to_owned());
        at += 1;
        if text(tokens, at) != "::" {
            break;
        }
        at += 1;
    }
    found.push(path);
    at
}

/// Reads the branches of a use tree up to its closing brace. Returns where it ends.
fn read_group(tokens: &[Token], mut at: usize, before: &RootedPath, found: &mut Vec<RootedPath>) -> usize {
    loop {
        match text(tokens, at) {
            "}" => return at + 1,
            "" => return at,
            "," => at += 1,
            "as" => at += 2,
            word if is_word(word) || word == "*" => at = read_path(tokens, at, before, found),
            _ => at += 1,
        }
    }
}
