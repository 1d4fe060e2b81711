// @ts-check
/**
 * Holds the English of this folder to plain sentences: its comments, the names of its tests, and README.md.
 *
 * A reader turns a file into a mask of the same length. Prose keeps its place in it. `\f` fills the rest, and so divides units
 * of prose. The place of a sentence in the mask is thus its place in the file.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const MOST_WORDS = 30;

/** Sentences in which `who` or a word of its kind means a person. A pattern cannot know that. @type {string[]} */
const ABOUT_PEOPLE = [];

// ---- The rules

/** @type {Array<[fault: string, pattern: RegExp]>} */
const PATTERNS = [
  [
    'its subject is a clause',
    /^(?!.*\?["')\]]*$)["'(*_]*(?:what|whatever|whoever|whom|whether|of (?:a|the|those|what))\b.*\b(?:is|are|was|has|goes|gets|counts|may|can|does|will)\b/i,
  ],
  ["it says 'shall'", /\bshall\b/i],
  ["it says 'to be' for 'must be'", /\b(?:has|have|is|are) to be\b/i],
  ["it says 'in place of' for 'instead of'", /\bin place of\b/i],
  ["it says 'doubled' for 'duplicated'", /\bdoubled\b/i],
  ["it says 'tell of'", /\btells? of\b/i],
];

const PERSON = /\b(?:who|whom|whoever|nobody|somebody)\b/i;

/** @typedef {{line: number, text: string, veiled: string}} Sentence */

/** @param {Sentence} sentence */
function faultsOf({ text, veiled }) {
  const faults = PATTERNS.filter(([, pattern]) => pattern.test(veiled)).map(([fault]) => fault);
  const [person] = veiled.match(PERSON) ?? [];
  if (person && !ABOUT_PEOPLE.includes(text)) faults.push(`it says '${person}' of a component`);
  const words = veiled.split(/\s+/).filter((word) => /[\p{L}\p{N}\ue000-\ue0ff]/u.test(word)).length;
  if (words > MOST_WORDS) faults.push(`it has ${words} words`);
  return faults;
}

// ---- From a mask to sentences

/** Hides code or a quotation. It keeps its length, and counts as one word. @param {string} text */
const veil = (text) => text.replace(/[\0-\xff]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 0xe000));

/** @param {string} text */
const unveil = (text) =>
  text.replace(/[\ue000-\ue0ff]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xe000));

/** Abbreviations after which a sentence goes on. */
const ABBREVIATION = /(?:^|[\s(])(?:e\.g|i\.e|cf|vs|approx)\.$/i;
/** Ends of a sentence if the next word begins with a capital. */
const POSSIBLE_END = /(?:\betc\.|…|\.\.\.)["')\]]*$/;

/**
 * Returns the places in a unit of prose where a sentence ends.
 * @param {string} unit
 */
function endsOfSentences(unit) {
  const ends = [...unit.matchAll(/[.!?…]+["')\]”’]*(?=\s)/g)].map(({ 0: end, index }) => index + end.length);
  return ends.filter((end) => {
    const read = unit.slice(0, end);
    if (ABBREVIATION.test(read)) return false;
    return !POSSIBLE_END.test(read) || /^\s+["'(]*\p{Lu}/u.test(unit.slice(end));
  });
}

/**
 * @param {string} mask
 * @param {string} original the text of the file
 */
function sentences(mask, original) {
  /** @type {Sentence[]} */
  const found = [];
  for (const { 0: unit, index } of mask.matchAll(/[^\f]+/g)) {
    let start = 0;
    for (const end of [...endsOfSentences(unit), unit.length]) {
      const part = unit.slice(start, end);
      const first = index + start + part.search(/\S/);
      const veiled = part.trim().replace(/\s+/g, ' ');
      const line = original.slice(0, first).split('\n').length;
      if (veiled) found.push({ line, veiled, text: unveil(veiled).replace(/\s+/g, ' ') });
      start = end;
    }
  }
  return found;
}

// ---- Masks

/** @param {string} text */
const spaces = (text) => text.replace(/[^\n]/g, ' ');
/** @param {string} text */
const gap = (text) => '\f'.repeat(text.length);

/** Hides spans of code. @param {string} text */
const veilCode = (text) => text.replace(/(`+)(?:(?!\n\s*\n)[^\f])+?\1/g, veil);

/** Divides paragraphs and the items of lists, and hides quotations. @param {string} text */
const divide = (text) =>
  text
    .replace(/\n(?=[ \t]*\n)/g, gap)
    .replace(/^[ \t]*(?:[-*]|\d+\.)(?=[ \t])/gm, gap)
    .replace(/"[^"\f]+"|“[^”\f]+”|(?<=^|[\s(])'[^'\f]+'(?=[\s.,:;!?)]|$)/g, veil);

/** The JSDoc tags that have a name behind the type. */
const NAMED = /^@(?:callback|param|property|template|typedef)$/;

/** Returns the length of a JSDoc tag with its type and its name. @param {string} text The text from the tag on. */
function lengthOfTag(text) {
  const [imports] = text.match(/^@import\b[^'"]*(['"]).*?\1/s) ?? [];
  if (imports) return imports.length;
  const [tag] = /** @type {RegExpMatchArray} */ (text.match(/^@[\w-]+/));
  let end = tag.length + lengthOfType(text.slice(tag.length));
  if (NAMED.test(tag)) {
    const name = /^\s+(?:\[(?:[^[\]]|\[[^\]]*\])*\]|[\w$.]+(?:\s*,\s*[\w$]+)*)(?:\s+-(?=\s))?/;
    end += text.slice(end).match(name)?.[0].length ?? 0;
  }
  return end;
}

/** Returns the length of a type in braces, and of the space before it. @param {string} text */
function lengthOfType(text) {
  let depth = 0;
  for (let end = 0; end < text.length; end++) {
    if (text[end] === '{') depth += 1;
    else if (text[end] === '}') depth -= 1;
    else if (depth === 0 && /\S/.test(text.charAt(end))) return 0;
    if (text[end] === '}' && depth === 0) return end + 1;
  }
  return 0;
}

/** @param {string} text */
function dropTags(text) {
  let mask = text.replace(/\{@link\s[^}]*\}/g, veil).replace(/(?<=\s)@example\b[^]*?(?=\n\s*@|$)/g, gap);
  for (const { index } of [...mask.matchAll(/(?<=\s)@(?=[a-z])/gi)]) {
    const end = index + lengthOfTag(mask.slice(index));
    mask = mask.slice(0, index) + gap(mask.slice(index, end)) + mask.slice(end);
  }
  return mask;
}

/** A block of code in a comment: lines with a wide indent, behind an empty one. */
const INDENTED_CODE = /(?<=^[ \t]*(?:\*|\/\/)[ \t]*\n)(?:[ \t]*(?:\*|\/\/)(?: {5}.*|[ \t]*)\n)+/gm;

/** @param {string} comment One block, or lines with `//` that follow each other. */
const maskComment = (comment) =>
  divide(
    dropTags(
      veilCode(
        comment
          .replace(INDENTED_CODE, (lines) => lines.replace(/[^\n]/g, gap))
          .replace(/^\/\*+|\*+\/$/g, spaces)
          .replace(/^[ \t]*(?:\*|\/\/+)/gm, spaces),
      ),
    ),
  );

/** Returns where each comment of a file begins and ends. @param {ts.SourceFile} file */
function rangesOfComments(file) {
  /** @type {Map<number, number>} */
  const ranges = new Map();
  /** @param {ts.Node} node */
  const visit = (node) => {
    for (const list of [ts.getLeadingCommentRanges, ts.getTrailingCommentRanges])
      for (const { pos, end } of list(file.text, node.pos) ?? []) ranges.set(pos, end);
    for (const child of node.getChildren(file)) if (!ts.isJSDoc(child)) visit(child);
  };
  visit(file);
  return [...ranges].sort(([a], [b]) => a - b);
}

/** @typedef {(text: string, path: string) => string} Mask */

/** @param {string} path @param {string} text */
const parse = (path, text) => ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);

/** @type {Mask} */
function maskComments(text, path) {
  let mask = '';
  const waiting = rangesOfComments(parse(path, text));
  for (let range = waiting.shift(); range; range = waiting.shift()) {
    const start = range[0];
    let end = range[1];
    const isLine = text.startsWith('//', start);
    while (isLine && waiting[0] && /^\n[ \t]*\/\/$/.test(text.slice(end, waiting[0][0] + 2)))
      end = /** @type {[number, number]} */ (waiting.shift())[1];
    mask += gap(text.slice(mask.length, start)) + maskComment(text.slice(start, end));
  }
  return mask;
}

/** @type {Mask} */
function maskNamesOfTests(text, path) {
  const file = parse(path, text);
  let mask = '';
  /** @param {ts.Node} node */
  const visit = (node) => {
    const name = ts.isCallExpression(node) && node.arguments[0];
    if (name && isName(name) && /\b(?:test|it|holds)$/.test(node.expression.getText())) {
      const start = name.getStart() + 1;
      const prose = text.slice(start, name.end - 1).replace(/\$\{.*?\}/gs, veil);
      mask += gap(text.slice(mask.length, start)) + prose.replace(/"[^"]+"/g, veil);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return mask;
}

/** @param {ts.Node} node */
const isName = (node) => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);

/** @type {Mask} */
const maskMarkdown = (text) =>
  divide(
    veilCode(text.replace(/^```[^]*?^```$/gm, gap))
      .replace(/^>.*$/gm, gap)
      .replace(/^\|[-:| ]+\|$/gm, gap)
      .replace(/^\|.*\|$\n?/gm, (row) => row.replace(/[|\n]/g, gap))
      .replace(/^#+.*$\n?/gm, (heading) => heading.replace(/[#\n]/g, gap))
      .replace(/\]\([^)]*\)/g, spaces)
      .replace(/\[|\*\*/g, spaces),
  );

// ---- The files keep the rules

const root = fileURLToPath(new URL('..', import.meta.url));
const code = ['src', 'test']
  .flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
  )
  .concat('build.js')
  .filter((path) => /\.[jt]s$/.test(path))
  .sort();

/** @param {Mask} mask @param {string[]} paths */
const proseOf = (mask, paths) =>
  paths.flatMap((path) => {
    const original = readFileSync(root + path, 'utf8');
    return sentences(mask(original, path), original).map((sentence) => ({ path, ...sentence }));
  });

const comments = proseOf(maskComments, code);
const names = proseOf(maskNamesOfTests, code);
const readme = proseOf(maskMarkdown, ['README.md']);

for (const [kind, prose, least] of /** @type {const} */ ([
  ['comment', comments, 400],
  ['name of a test', names, 100],
  ['sentence of the README', readme, 100],
]))
  test(`each ${kind} is plain English`, () => {
    const refused = prose.flatMap((sentence) =>
      faultsOf(sentence).map((fault) => `${sentence.path}:${sentence.line}: ${fault}: ${sentence.text}`),
    );
    assert.equal(refused.join('\n'), '');
    assert.ok(prose.length >= least, `the test finds only ${prose.length}`);
  });

test('the allow-list holds only sentences that stand in a file', () => {
  const all = [...comments, ...names, ...readme].map(({ text }) => text);
  for (const text of ABOUT_PEOPLE) assert.ok(all.includes(text), text);
});

// ---- The rules and the readers work

/** Sentences of older versions: most are the left column of a table of corrections. @type {Array<[fault: RegExp, text: string]>} */
const REFUSED = [
  [
    /doubled/,
    'Messages are not lost, doubled or put out of order when the connection moves, also in the middle of a burst.',
  ],
  [/tell of/, 'the same: the history fills the hole, or `reset` with reason `overrun` tells of it'],
  [/clause/, 'What only a restart changes is logged, and a faulty file changes nothing.'],
  [
    /doubled/,
    'What decides when two good things collide, in this order: correct (nothing lost, doubled, out of order unseen)',
  ],
  [
    /clause.*'nobody'/,
    'Whatever changes what a welcome says sets `news` on the legs that are there, and those get whole ones from then on, since nobody knows which answer was read.',
  ],
  [
    /words/,
    "So is a poll, if its leg holds the turn and was answered before, its hello carries the `id`, and while the leg was there no wish was stated, …; but not a leg's first poll that comes again with the same nonce.",
  ],
  [
    /'Whom'/,
    'Publishes some, and says at which offset the first is; the others follow it. Whom to wake for them comes back too.',
  ],
  [
    /'nobody'/,
    "A client's: it frees what the gateway keeps, and nobody waits for it. Beside a stream each is a request.",
  ],
  [
    /'whoever'.*words/,
    'Wakes all of them; where they are many, some at a time, and between two of those the network is looked at and whoever waits for it has a turn: otherwise an echo beside a fan-out to 18,000 waits for all of them to be written to.',
  ],
  [/'Who'/, 'Who the client is; checked before a session is made.'],
  [/shall/, 'The client shall stay small.'],
  [/must be/, 'The text has to be told.'],
  [/instead of/, 'A function in place of the one of the platform.'],
  [/clause/, 'Of the two, the first is tried.'],
  [/clause/, 'The test ends. "What" comes next? What comes is read.'],
];

/** Sentences that may stand: most are the right column of that table. */
const ACCEPTED = [
  'No message is lost, duplicated or reordered when the connection moves between WebSocket, SSE with POST, and long-poll, even mid-burst.',
  'As above: history fills the gap if it can; otherwise you get a `reset` event with reason `overrun`.',
  'Changes that require a restart are logged and ignored. If the file is invalid, the running configuration is kept.',
  'When goals conflict, this order decides: correctness (no silent loss, duplication or reordering), …',
  'Moving a deadline later does not touch the timer map: the old entry fires and finds nothing due. Arming an earlier deadline keeps the later entry; the session tracks both.',
  "Any change to the welcome's contents sets `news` on every open leg. From then on those legs get full welcomes, because the gateway cannot know which answers the client has read.",
  'A poll gets a brief welcome if **all** of these hold: (list of five). A retried first poll (same nonce) always gets a full one. Clients MUST accept both forms.',
  "Ignore a welcome whose turn is lower than the highest turn you have requested, even if it matches its leg's own turn: a buffering proxy may have delayed it.",
  'If `token` is a function, the client calls it before each round of connection attempts.',
  'Handles several inputs and returns the last outcome. Only sockets deliver more than one. The caller must poll `socket` for lines next, so its waker is removed instead of being woken.',
  'Publishes a batch. Returns the offset of the first publication (the rest are consecutive) and the wakers of subscribers that now have lines to write.',
  'Maximum delay of a client acknowledgement. Nothing waits for it; it only frees replay memory. With SSE each one costs a POST, so keep this below the 5 s HTTP keep-alive timeout to reuse the connection.',
  'Wakes subscribers; above 1,024, in batches with a yield to the runtime between them. Without the yield, one fan-out to 18,000 subscribers delays every other connection until all of them are written.',
  'Bearer token. Reserved: not validated in this version.',
  'What is a leg? What the gateway offers, best first.',
  'The word `nobody` is code, and "who shall" is a quotation.',
];

/** @param {string} text */
const faultsIn = (text) =>
  sentences(divide(veilCode(text)), text)
    .flatMap(faultsOf)
    .join(', ');

test('the patterns refuse the English of older versions', () => {
  for (const [fault, text] of REFUSED) assert.match(faultsIn(text), fault, text);
});

test('the patterns accept plain English', () => {
  for (const text of ACCEPTED) assert.equal(faultsIn(text), '', text);
});

test('a sentence of 31 words is too long, and one of 30 is not', () => {
  assert.equal(faultsIn(`${'word '.repeat(29)}end.`), '');
  assert.equal(faultsIn(`${'word '.repeat(30)}end.`), 'it has 31 words');
});

/** @param {Mask} mask @param {string} path @param {string} text */
const linesRead = (mask, path, text) =>
  sentences(mask(text, path), text).map(({ line, text }) => `${line} ${text}`);

test('the reader of comments finds each sentence and its line', () => {
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
  assert.deepEqual(linesRead(maskComments, 'a.js', text), [
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

test('the reader of names finds the tests of a file', () => {
  const text =
    "f('no');\ntest('one is', () => {});\nit(`two for ${a['b']}`, f);\nt.test(name);\nholds('three', 1);";
  assert.deepEqual(linesRead(maskNamesOfTests, 'a.js', text), ['2 one is', "3 two for ${a['b']}", '5 three']);
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
  assert.deepEqual(linesRead(maskMarkdown, 'a.md', text), [
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
