//! A reader for the parts of Markdown that the documents use.

/// A fenced block.
pub(crate) struct Block {
    /// The line of its fence, from 1.
    pub(crate) line: usize,
    /// The text behind the fence.
    pub(crate) info: String,
    pub(crate) lines: Vec<String>,
}

impl Block {
    /// Returns the value of `key=value` behind the fence.
    pub(crate) fn attribute(&self, key: &str) -> Option<&str> {
        self.info.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    /// Returns the language: the first word behind the fence.
    pub(crate) fn language(&self) -> &str {
        self.info.split_whitespace().next().unwrap_or("")
    }
}

/// Returns all fenced blocks, and the text without them. Empty lines replace them, so that lines keep their numbers.
pub(crate) fn split(text: &str) -> (Vec<Block>, String) {
    let mut blocks: Vec<Block> = Vec::new();
    let mut prose = String::new();
    let mut inside = false;
    for (line, content) in (1..).zip(text.lines()) {
        match content.strip_prefix("```") {
            Some(info) if !inside => {
                inside = true;
                blocks.push(Block { line, info: info.to_owned(), lines: Vec::new() });
            }
            Some(_) => inside = false,
            None if inside => blocks.last_mut().expect("a block is open").lines.push(content.to_owned()),
            None => prose.push_str(content),
        }
        prose.push('\n');
    }
    assert!(!inside, "a block is never closed");
    (blocks, prose)
}

/// Returns the cells of every table row, without the rows of dashes.
pub(crate) fn rows(prose: &str) -> Vec<Vec<&str>> {
    prose.lines().filter_map(cells).collect()
}

fn cells(row: &str) -> Option<Vec<&str>> {
    let row = row.strip_prefix('|')?.strip_suffix('|')?;
    (!row.contains("---")).then(|| row.split('|').map(str::trim).collect())
}

/// Returns the texts between backticks, outside of blocks.
pub(crate) fn code_spans(prose: &str) -> impl Iterator<Item = &str> {
    prose.split('`').skip(1).step_by(2)
}
