//! The length of functions, from the line of `fn` to the line of the closing brace.

use crate::tokens::{Token, group_end, is_word, text};

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

/// Returns every function, including those within another one.
pub(crate) fn functions(tokens: &[Token]) -> Vec<Function<'_>> {
    (0..tokens.len()).filter_map(|at| function(tokens, at)).collect()
}

/// Returns the function at `at`. The type `fn(u8)` has no name, and a method that a trait only declares has no body.
fn function(tokens: &[Token], at: usize) -> Option<Function<'_>> {
    let name = text(tokens, at + 1);
    if text(tokens, at) != "fn" || !is_word(name) {
        return None;
    }
    let mut place = at + 2;
    loop {
        match text(tokens, place) {
            "{" => break,
            "(" | "[" => place = group_end(tokens, place),
            ";" | "" => return None,
            _ => place += 1,
        }
    }
    let (line, last) = (tokens[at].line, tokens[group_end(tokens, place) - 1].line);
    Some(Function { name, line, lines: last - line + 1 })
}

#[test]
fn a_function_is_as_long_as_its_signature_and_its_body() {
    let source = "\
trait T { fn declared(&self) -> [u8; 2]; }
const F: fn(u8) -> u8 = g;
#[must_use]
pub fn g<const N: usize>(
    x: [u8; 2],
) -> u8
where
    u8: Sized,
{
    fn inner() {}
    x[0] // }
}
";
    let tokens = crate::tokens::tokens(source);
    let expected = [Function { name: "g", line: 4, lines: 9 }, Function { name: "inner", line: 10, lines: 1 }];
    assert_eq!(functions(&tokens), expected);
}
