//! The code that runs in a gateway: the sources without the items and the files for tests.

use std::ops::Range;

use crate::module_of;
use crate::tokens::{Token, group_end, text, tokens};

/// What stands before an item for tests, and before one for tests and fuzz builds.
const CFG_TEST: [&[&str]; 2] = [
    &["#", "[", "cfg", "(", "test", ")", "]"],
    &["#", "[", "cfg", "(", "any", "(", "test", ",", "fuzzing", ")", ")", "]"],
];

/// The words that begin an item or a statement. A field begins with another word, and ends with a comma.
const ITEMS: [&str; 16] = [
    "async", "const", "enum", "extern", "fn", "if", "impl", "let", "mod", "static", "struct", "trait", "type",
    "unsafe", "use", "while",
];

/// Returns each file that is not for tests only, with its tokens outside of tests.
pub(crate) fn production(sources: &[(String, String)]) -> Vec<(&str, Vec<Token>)> {
    let (mut files, mut for_tests) = (Vec::new(), Vec::new());
    for (file, source) in sources {
        let (tokens, modules) = without_tests(tokens(source));
        let parent = if file == "lib.rs" { Vec::new() } else { module_of(file) };
        for_tests.extend(modules.into_iter().map(|name| [&parent[..], &[name]].concat()));
        files.push((file.as_str(), tokens));
    }
    files.retain(|(file, _)| !for_tests.iter().any(|module| module_of(file).starts_with(module)));
    files
}

/// Returns the tokens outside of items for tests, and the names of the modules that are declared for tests.
fn without_tests(tokens: Vec<Token>) -> (Vec<Token>, Vec<String>) {
    let (mut left_out, mut modules): (Vec<Range<usize>>, _) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        let is_here =
            |words: &&&[&str]| words.iter().enumerate().all(|(place, word)| text(&tokens, at + place) == *word);
        let Some(words) = CFG_TEST.iter().find(is_here) else {
            at += 1;
            continue;
        };
        let item = item_start(&tokens, at + words.len());
        if text(&tokens, item) == "mod" && text(&tokens, item + 2) == ";" {
            modules.push(text(&tokens, item + 1).to_owned());
        }
        let end = item_end(&tokens, item);
        left_out.push(at..end);
        at = end;
    }
    let kept = tokens.into_iter().enumerate().filter(|(at, _)| !left_out.iter().any(|range| range.contains(at)));
    (kept.map(|(_, token)| token).collect(), modules)
}

/// Skips further attributes and the visibility.
fn item_start(tokens: &[Token], mut at: usize) -> usize {
    while text(tokens, at) == "#" {
        at = group_end(tokens, at + 1);
    }
    match (text(tokens, at), text(tokens, at + 1)) {
        ("pub", "(") => group_end(tokens, at + 1),
        ("pub", _) => at + 1,
        _ => at,
    }
}

/// Returns the place where an item, a statement or a field ends.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    let is_field = !ITEMS.contains(&text(tokens, at));
    loop {
        match text(tokens, at) {
            "(" | "[" => at = group_end(tokens, at),
            "{" => return group_end(tokens, at),
            "," if is_field => return at + 1,
            ";" => return at + 1,
            ")" | "]" | "}" | "" => return at,
            _ => at += 1,
        }
    }
}

#[test]
fn items_and_files_for_tests_are_left_out() {
    let sources = [
        ("lib.rs", "pub mod a; #[cfg(test)] mod fixtures; #[cfg(any(test, fuzzing))] pub mod fuzzing;"),
        ("fuzzing/mod.rs", "fn f() {}"),
        ("a/mod.rs", "#[cfg(test)] mod tests; mod b; #[cfg(test)] #[allow(x)] pub(crate) fn f<T, U>(x: [u8; 2]) { g() } fn kept() {}"),
        ("a/tests.rs", "fn f() {}"),
        ("a/tests/more.rs", "fn f() {}"),
        ("a/b.rs", "struct S { #[cfg(test)] x: u8, y: u8 } #[cfg(test)] use c::{d, e}; const N: u8 = 1; #[cfg(test)] mod tests { fn g() {} }"),
        ("fixtures/deep.rs", "fn f() {}"),
    ]
    .map(|(file, source)| (file.to_owned(), source.to_owned()));
    let left: Vec<(&str, String)> = production(&sources)
        .into_iter()
        .map(|(file, tokens)| (file, tokens.into_iter().map(|token| token.text + " ").collect()))
        .collect();
    let expected = [
        ("lib.rs", "pub mod a ; "),
        ("a/mod.rs", "mod b ; fn kept ( ) { } "),
        ("a/b.rs", "struct S { y : u8 } ; const N : u8 = 1 ; "),
    ];
    assert_eq!(left, expected.map(|(file, tokens)| (file, tokens.to_owned())));
}
