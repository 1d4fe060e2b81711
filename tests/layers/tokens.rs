//! Cuts Rust code into the tokens of paths. It omits comments, strings and characters.

/// A piece of code, and its line.
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Returns words, `::` and single other characters. It omits comments, strings and character literals.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest).unwrap_or_else(|| {
            let length = match first {
                _ if rest.starts_with("::") => 2,
                _ if first.is_alphanumeric() || first == '_' => word_length(rest),
                _ => first.len_utf8(),
            };
            if !first.is_whitespace() {
                found.push(Token { line, text: rest[..length].to_owned() });
            }
            length
        });
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

fn word_length(rest: &str) -> usize {
    rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len())
}

/// Returns the length of the comment, string or character literal at the start of `rest`, if there is one.
fn skipped(rest: &str) -> Option<usize> {
    let to_end = |found: Option<usize>| found.unwrap_or(rest.len());
    if rest.starts_with("//") {
        return Some(to_end(rest.find('\n')));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    let literal = rest.trim_start_matches(['b', 'c', 'r']);
    let prefix = rest.len() - literal.len();
    let hashes = literal.len() - literal.trim_start_matches('#').len();
    if prefix <= 2 && rest[..prefix].contains('r') && literal[hashes..].starts_with('"') {
        let close = format!("\"{}", "#".repeat(hashes));
        let open = prefix + hashes + 1;
        return Some(to_end(rest[open..].find(&close).map(|end| open + end + close.len())));
    }
    if prefix <= 1 && literal.starts_with('"') {
        return Some(to_end(quoted(literal, '"').map(|end| prefix + end)));
    }
    // A lifetime has no second quote behind its first character.
    let after = literal.strip_prefix('\'').filter(|_| prefix <= 1)?;
    let mut characters = after.chars();
    let escaped = characters.next()? == '\\';
    (escaped || characters.next()? == '\'').then(|| to_end(quoted(literal, '\'').map(|end| prefix + end)))
}

/// Returns the length of the literal at the start of `rest`, from its opening quote to its closing one.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            return Some(at + 1);
        }
    }
    None
}

/// Returns the length of the block comment at the start of `rest`. Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut open = 0;
    let mut at = 0;
    while at < rest.len() {
        let step = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => {
                open += 1;
                2
            }
            [b'*', b'/', ..] => {
                open -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if open == 0 {
            return at;
        }
    }
    rest.len()
}

/// Returns the token at `at`, or an empty text behind the last one.
pub(crate) fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| &token.text)
}

/// Returns the place where a group ends. The bracket at `at` opens it.
pub(crate) fn group_end(tokens: &[Token], at: usize) -> usize {
    let mut open = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match &*token.text {
            "(" | "[" | "{" => open += 1,
            ")" | "]" | "}" => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

/// Returns true for a name or a keyword.
pub(crate) fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}
