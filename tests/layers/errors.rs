//! Checks that an error has its own type. A caller can match a variant, and cannot match a sentence.

use crate::tokens::{Token, is_word, text};

/// Returns the lines with text as an error: `Result<_, String>`, `Result<_, &str>`, or an associated `Err` or `Error`.
pub(crate) fn errors_of_text(tokens: &[Token]) -> Vec<usize> {
    let is_error = |at: usize| match text(tokens, at) {
        "Result" => result_error(tokens, at).is_some_and(is_text),
        "type" => associated_error(tokens, at).is_some_and(is_text),
        _ => false,
    };
    (0..tokens.len()).filter(|at| is_error(*at)).map(|at| tokens[at].line).collect()
}

/// Returns true for a path to `String`, or a reference to `str`, with or without a comma behind it.
fn is_text(named: &[Token]) -> bool {
    let named = named.split_last().filter(|(last, _)| last.text == ",").map_or(named, |(_, path)| path);
    named.iter().all(|token| is_word(&token.text) || ["::", "&", "'"].contains(&&*token.text))
        && named.last().is_some_and(|last| ["String", "str"].contains(&&*last.text))
}

/// Returns the second argument of the `Result` at `at`.
fn result_error(tokens: &[Token], at: usize) -> Option<&[Token]> {
    if text(tokens, at + 1) != "<" {
        return None;
    }
    let (mut depth, mut second) = (0_usize, None);
    for place in at + 1..tokens.len() {
        match text(tokens, place) {
            "<" | "(" | "[" | "{" => depth += 1,
            // The arrow of a function does not end the argument.
            ">" if text(tokens, place - 1) == "-" => {}
            ">" | ")" | "]" | "}" => depth = depth.checked_sub(1)?,
            "," if depth == 1 => second = second.or(Some(place + 1)),
            _ => {}
        }
        if depth == 0 {
            return second.map(|start| &tokens[start..place]);
        }
    }
    None
}

/// Returns the type behind `type Err` or `type Error` at `at`.
fn associated_error(tokens: &[Token], at: usize) -> Option<&[Token]> {
    let named = ["Err", "Error"].contains(&text(tokens, at + 1)) && text(tokens, at + 2) == "=";
    let length = tokens.get(at + 3..).filter(|_| named)?.iter().position(|token| token.text == ";")?;
    Some(&tokens[at + 3..at + 3 + length])
}

#[test]
fn an_error_of_text_is_found_in_every_way_to_write_it() {
    use crate::tokens::tokens;

    for source in [
        "fn f() -> Result<(), String> {}",
        "fn f() -> Result<Vec<(u8, u8)>, std::string::String> {}",
        "fn f(parse: impl Fn(&str) -> Result<T, String>) {}",
        "type Outcome<T> = Result<T, String,>;",
        "let x = y.collect::<Result<_, String>>();",
        "fn f() -> Result<fn(u8) -> u8, String> {}",
        "fn f() -> Result<(), &'static str> {}",
        "fn f() -> Result<(), &str> {}",
        "impl FromStr for X { type Err = String; }",
        "impl TryFrom<u8> for X { type Error = &'static str; }",
        "impl TryFrom<u8> for X { type Error = std::string::String; }",
    ] {
        assert_eq!(errors_of_text(&tokens(source)), [1], "{source}");
    }
    for source in [
        "fn f() -> Result<String, Wrong> {}",
        "fn f() -> Result<String> {}",
        "fn f() -> Result<(), Vec<String>> {}",
        "fn f() -> Result<Result<(), Wrong>, Other> {}",
        "fn f(x: Result<u8, Wrong>, y: String) {}",
        "type Error = Wrong; type Text = String;",
        "// Result<(), String>\nconst S: &str = \"Result<(), String>\";",
    ] {
        assert_eq!(errors_of_text(&tokens(source)), [0; 0], "{source}");
    }
}
