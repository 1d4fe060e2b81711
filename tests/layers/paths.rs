//! The paths in a file. This module knows how modules nest, and knows no layer and no rule.

use crate::tokens::{Token, is_word, text};

/// The words at which a path starts.
const ROOTS: [&str; 4] = ["crate", "throughline", "super", "self"];

/// A path that starts at `crate`, `throughline`, `super` or `self`, from code or from a branch of a `use`. A `use` that
/// starts at another word counts as one that starts at `self`: the word may be a module below the file's own.
#[derive(Clone, Default)]
pub(crate) struct RootedPath {
    pub(crate) line: usize,
    /// True in a `use`.
    pub(crate) is_use: bool,
    /// True in a visibility: `pub(in …)`.
    pub(crate) is_visibility: bool,
    /// The inline modules around the path, below the file's own.
    pub(crate) inline: Vec<String>,
    segments: Vec<String>,
    alias: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// An item below one of the file's own modules.
    Inside,
    /// The root itself: a glob, an alias, `{self}`.
    Root,
    /// The item of this name at the root.
    Module(&'a str),
}

impl RootedPath {
    pub(crate) fn target(&self, file: &[String]) -> Target<'_> {
        let mut depth = file.len() + self.inline.len();
        let mut rest = self.segments.iter().map(String::as_str).peekable();
        while let Some(keyword) = rest.next_if(|word| ROOTS.contains(word)) {
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

    /// Returns the whole path from the crate's root.
    pub(crate) fn absolute(&self, file: &[String]) -> Vec<String> {
        let mut path: Vec<String> = file.iter().chain(&self.inline).cloned().collect();
        let mut segments = self.segments.iter().map(String::as_str).peekable();
        while let Some(keyword) = segments.next_if(|word| ROOTS.contains(word)) {
            match keyword {
                "super" => drop(path.pop()),
                "self" => {}
                _ => path.clear(),
            }
        }
        path.extend(segments.filter(|name| !["self", "*"].contains(name)).map(str::to_owned));
        path
    }

    /// Returns the name that a `use` brings into its module.
    pub(crate) fn name(&self) -> Option<&str> {
        let last = self.segments.iter().rev().find(|segment| *segment != "self")?;
        self.alias.as_deref().or_else(|| (last != "*").then_some(last))
    }
}

/// Returns every rooted path of a file.
pub(crate) fn paths(tokens: &[Token]) -> Vec<RootedPath> {
    let mut found = Vec::new();
    let mut inline: Vec<(String, usize)> = Vec::new(); // inline modules, and how many braces were open around each
    let mut braces = 0;
    let mut at = 0;
    while at < tokens.len() {
        let word = text(tokens, at);
        match word {
            "mod" if text(tokens, at + 2) == "{" => {
                inline.push((text(tokens, at + 1).to_owned(), braces));
                at += 1; // its brace is counted below
            }
            "{" => braces += 1,
            "}" => {
                braces = braces.saturating_sub(1);
                inline.pop_if(|(_, around)| *around == braces);
            }
            _ if starts_path(tokens, at) || starts_relative_use(tokens, at) => {
                let around = inline.iter().map(|(name, _)| name.clone()).collect();
                let mut start = RootedPath { inline: around, ..RootedPath::default() };
                if word == "use" {
                    start.segments.push("self".to_owned());
                    at += 1;
                }
                start.is_use = at > 0 && text(tokens, at - 1) == "use";
                start.is_visibility = at > 1 && text(tokens, at - 1) == "in" && text(tokens, at - 2) == "(";
                at = read_path(tokens, at, &start, &mut found);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Returns the path that the file of a module imports under a name, if any.
pub(crate) fn imported(paths: &[RootedPath], module: &[String], name: &str) -> Option<Vec<String>> {
    let mut uses = paths.iter().filter(|path| path.is_use && path.inline.is_empty());
    uses.find(|path| path.name() == Some(name)).map(|path| path.absolute(module))
}

/// Returns true if a path starts here: not in the middle of one, and not at `pub(crate)` or `&self`.
fn starts_path(tokens: &[Token], at: usize) -> bool {
    let middle = at >= 2 && text(tokens, at - 1) == "::" && is_word(text(tokens, at - 2));
    let goes_on = text(tokens, at + 1) == "::" || (text(tokens, at) == "crate" && text(tokens, at + 1) == "as");
    ROOTS.contains(&text(tokens, at)) && !middle && goes_on
}

/// Returns true for a `use` whose first word is no root.
fn starts_relative_use(tokens: &[Token], at: usize) -> bool {
    let first = text(tokens, at + 1);
    text(tokens, at) == "use" && is_word(first) && !ROOTS.contains(&first)
}

/// Reads one path, or one branch of a use tree, that continues `before`. Returns the place of its end.
fn read_path(tokens: &[Token], mut at: usize, before: &RootedPath, found: &mut Vec<RootedPath>) -> usize {
    let mut path = before.clone();
    path.line = tokens.get(at).map_or(0, |token| token.line);
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
    if path.is_use && text(tokens, at) == "as" {
        path.alias = Some(text(tokens, at + 1).to_owned());
        at += 2;
    }
    found.push(path);
    at
}

/// Reads the branches of a use tree up to its closing brace. Returns the place of its end.
fn read_group(tokens: &[Token], mut at: usize, before: &RootedPath, found: &mut Vec<RootedPath>) -> usize {
    loop {
        match text(tokens, at) {
            "}" => return at + 1,
            "" => return at,
            word if is_word(word) || word == "*" => at = read_path(tokens, at, before, found),
            _ => at += 1,
        }
    }
}
