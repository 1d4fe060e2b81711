// @ts-check
/** Each reader finds the prose of its language with its lines, and takes no code for prose. */

/** @import { Kind, Reader } from './sentences.js' */

import assert from 'node:assert/strict';
import test from 'node:test';
import { readCss } from './readers/css.js';
import { readHash } from './readers/hash.js';
import { readHtml } from './readers/html.js';
import { readJavaScript } from './readers/javascript.js';
import { readJson } from './readers/json.js';
import { readMarkdown } from './readers/markdown.js';
import { readRust } from './readers/rust.js';
import { sentencesOf } from './sentences.js';

/** @param {Reader} reader @param {string} text @param {Kind} kind */
const linesRead = (reader, text, kind) =>
  reader(text, 'a.js')
    .filter((reading) => reading.kind === kind)
    .flatMap((reading) => sentencesOf(reading, text))
    .map(({ line, text }) => `${line} ${text}`);

test('the reader of JavaScript finds each sentence of a comment and its line', () => {
  const text = `// @ts-check
/**
 * The head, e.g. this. It goes
 * on for 1.5 s, 2 s … 5 s, see \`a. b\`. End
 *
 *     const noProse = 'shall';
 *
 * - an item
 * - another one
 * @typedef {import('./a.js').A<{b: c}>} A a name
 * @import { B } from './b.d.ts'
 */
const a = 'no // prose'; // Behind code.
/** Does it. @param {{a: string}} it the thing @param {B} [b=[1]] @returns {() => void} its undo */
// One sentence
// in two lines. Another.
const b = /\\/\\/ no prose/, c = \`// \${a /* inner */} no prose\`;
// @ts-expect-error wrong
if (b) {
  // The last.
}
`;
  assert.deepEqual(linesRead(readJavaScript, text, 'comment'), [
    '3 The head, e.g. this.',
    '3 It goes on for 1.5 s, 2 s … 5 s, see `a. b`.',
    '4 End',
    '8 an item',
    '9 another one',
    '10 a name',
    '13 Behind code.',
    '14 Does it.',
    '14 the thing',
    '14 its undo',
    '15 One sentence in two lines.',
    '16 Another.',
    '17 inner',
    '18 wrong',
    '20 The last.',
  ]);
});

test('the reader of JavaScript finds the names of tests', () => {
  const text = `f('no');\ntest('one is', () => {});\nit(\`two for \${a['b']}\`, f);\nt.test(name);\nholds('three', 1);`;
  assert.deepEqual(linesRead(readJavaScript, text, 'name'), ['2 one is', `3 two for \${a['b']}`, '5 three']);
});

test('the reader of JavaScript finds what errors, prints and assertions say', () => {
  const text = `throw new TypeError(\`no \${kind} here\`);
f('not this');
const error = other ? new Error('gone away', { cause }) : Error('one');
console.error(new Error('within it'), a ? 'usage:\\n  two words' : b);
assert.ok(a, 'a is there');
`;
  assert.deepEqual(linesRead(readJavaScript, text, 'message'), [
    `1 no \${kind} here`,
    '3 gone away',
    '3 one',
    '4 within it',
    '4 usage:',
    '4 two words',
    '5 a is there',
  ]);
});

test('the reader of JavaScript finds each string of a page that has three words', () => {
  const text = "const WORDS = { a: 'it is read', b: 'not this' };";
  const [, , reading] = readJavaScript(text, 'src/a.js');
  assert.deepEqual(
    sentencesOf(reading, text).map(({ text }) => text),
    ['it is read'],
  );
});

const RUST = `//! The head. It goes
//! on.
//!
//! \`\`\`
//! let shall = "no prose";
//! \`\`\`
// Another unit.

/// # Errors
/// See [\`Leg\`](crate::Leg), [\`Line\`] and [the rule](x).
/// - an item
///
///     let code = 1;
///
/// | key | value |
/// |---|---|
#[error("{0} shall not {a} \\"b\\"")]
struct A<'a>(&'a str); // Behind code.
/* A block /* with another */ and
 * an end. */
const B: [&str; 3] = ["// no prose", r#"a "/* no prose */" b"#, concat!(r"\\", "// none")];
fn f<'a>(c: char, r#type: &'a u8) -> bool { c == '"' || c == '\\'' || b'"' == *r#type || c == '/' } // '"'
fn g() {
    let word = ["this is read", "not this"];
    warn!(session = %id, "with words {}\\nanother line", format!("and {{inner}} ones"));
    write!(f, "one\\
        two three")?;
    thing.expect("not there");
    let it = r##"is raw "# text"##;
    // One
    // sentence.
    //// Its own.
}

#[cfg(test)]
mod tests {
    fn no_name_of_a_test() {}
    #[test]
    #[should_panic(expected = "not now")]
    fn a_name_is_read() {}
    #[tokio::test(start_paused = true)]
    async fn it_is_read_too() {}
}
`;

test('the reader of Rust finds each sentence of a comment and its line', () => {
  assert.deepEqual(linesRead(readRust, RUST, 'comment'), [
    '1 The head.',
    '1 It goes on.',
    '7 Another unit.',
    '9 Errors',
    '10 See `Leg` , `Line` and the rule .',
    '11 an item',
    '15 key',
    '15 value',
    '18 Behind code.',
    '19 A block /* with another */ and an end.',
    `22 '"'`,
    '30 One sentence.',
    '32 Its own.',
  ]);
});

test('the reader of Rust finds the names of tests', () => {
  assert.deepEqual(linesRead(readRust, RUST, 'name'), ['40 a name is read', '42 it is read too']);
});

test('the reader of Rust finds each string that has three words', () => {
  assert.deepEqual(linesRead(readRust, RUST, 'message'), [
    '17 {0} shall not {a} b',
    '21 // no prose',
    '21 a "/* no prose */" b',
    '24 this is read',
    '25 with words {}',
    '25 another line',
    '25 and inner ones',
    '26 one two three',
    '29 is raw "# text',
  ]);
});

test('the reader of Markdown takes each cell, item and heading as a unit, and no code', () => {
  const text = `# Head
Text with a [link](https://a.b/c). More
text.

\`\`\`js
const a = 'no prose';
\`\`\`

> A quotation.

| key | |
|---|---|
| \`a|b\` | the value. Another |

- one **item**
- two
`;
  assert.deepEqual(linesRead(readMarkdown, text, 'text'), [
    '1 Head',
    '2 Text with a link .',
    '2 More text.',
    '11 key',
    '13 `a|b`',
    '13 the value.',
    '13 Another',
    '15 one item',
    '16 two',
  ]);
});

test('the reader of HTML finds what a page shows and speaks, its comments and its scripts', () => {
  const text = `<!doctype html>
<title>A page</title>
<style>/* A style. */ a { color: red }</style>
<!-- A note. -->
<p class="no prose">One <b>bold</b> word
and <code>no prose</code>. Another.</p><p>A <a href="x" title="spoken text">link</a>.
<button aria-label="A label">×</button>
<script type="module">
  // A script.
  const a = '<p>no prose</p>';
</script>
`;
  assert.deepEqual(linesRead(readHtml, text, 'text'), [
    '2 A page',
    '5 One bold word and <code>no prose</code>.',
    '6 Another.',
    '6 A link .',
    '7 A label',
    '7 ×',
  ]);
  assert.deepEqual(linesRead(readHtml, text, 'comment'), ['4 A note.', '3 A style.', '9 A script.']);
});

test('the reader of CSS finds comments', () => {
  const text = 'a { content: "/* no */" } /* One\n * sentence. */\nb {}\n/* Another. */';
  assert.deepEqual(linesRead(readCss, text, 'comment'), ['1 One sentence.', '4 Another.']);
});

test('the reader of `#` finds comments, and no settings or strings', () => {
  const text = `#!/bin/sh
# One
# sentence.
a = "no # prose" # Behind it.
b=\${#a} c=$#
  # Another.
#
# key = "no prose"
# [section]
; The last.
`;
  assert.deepEqual(linesRead(readHash, text, 'comment'), [
    '2 One sentence.',
    '4 Behind it.',
    '6 Another.',
    '10 The last.',
  ]);
});

test('the reader of JSON finds the values that hold a sentence', () => {
  const text = '{\n  "no key of it": "One text. \\"Two\\"",\n  "b": ["word", "a b"]\n}';
  assert.deepEqual(linesRead(readJson, text, 'text'), ['2 One text.', '2 Two', '3 a b']);
});
