// @ts-check
/** Reads Rust: its comments, the names of its tests, and its longer strings. */

/** @import { Token } from './rust-tokens.js' */
/** @import { Reader } from '../sentences.js' */

import { divide, dropFences, maskMarkdown } from '../markup.js';
import { gap, Mask, spaces, veil } from '../sentences.js';
import { tokensOf } from './rust-tokens.js';

/** A block of code without fences: lines with a wide indent, behind an empty one. */
const INDENTED_CODE = /(?<=^[ \t]*\/\/[/!]?[ \t]*\n)(?:[ \t]*\/\/[/!]?(?: {5}.*|[ \t]*)\n)+/gm;
const MARKER = /^[ \t]*\/\/(?:\/(?!\/)|!)?/;

/** @param {string} comment One block, or lines with the same marker that follow each other. */
function maskComment(comment) {
  const marker = comment.startsWith('/*')
    ? comment.replace(/^\/\*[*!]?|\*\/$/g, spaces).replace(/^[ \t]*\*(?!\*)/gm, spaces)
    : comment
        .replace(INDENTED_CODE, (lines) => lines.replace(/[^\n]/g, gap))
        .replace(/^[ \t]*\/\/+!?/gm, spaces);
  return maskMarkdown(marker);
}

/** @param {string} text @param {Token[]} tokens */
function maskComments(text, tokens) {
  const mask = new Mask();
  const waiting = tokens.filter(({ type }) => type === 'comment');
  for (let first = waiting.shift(); first; first = waiting.shift()) {
    const marker = first.text.match(MARKER)?.[0];
    let end = first.end;
    while (
      marker &&
      waiting[0] &&
      waiting[0].text.match(MARKER)?.[0] === marker &&
      /^\n[ \t]*$/.test(text.slice(end, waiting[0].start))
    )
      end = /** @type {Token} */ (waiting.shift()).end;
    mask.add(first.start, maskComment(text.slice(first.start, end)));
  }
  return mask.toString();
}

/** Returns the place of the mark that closes the one at `open`. @param {Token[]} tokens @param {number} open */
function closeOf(tokens, open) {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    if (tokens[at].type !== 'mark') continue;
    if ('([{'.includes(tokens[at].text)) depth += 1;
    else if (')]}'.includes(tokens[at].text)) depth -= 1;
    if (depth === 0) return at;
  }
  return tokens.length;
}

/** @param {Token[]} tokens without comments */
function maskNamesOfTests(tokens) {
  const mask = new Mask();
  let isTest = false;
  for (let at = 0; at < tokens.length; at++) {
    const { text } = tokens[at];
    if (text === '#' && tokens[at + 1]?.text === '[') {
      const close = closeOf(tokens, at + 1);
      const words = tokens.slice(at + 2, close).map((token) => token.text);
      if (words[0] !== 'cfg' && words.includes('test')) isTest = true;
      at = close;
    } else if (text === 'fn' && tokens[at + 1]) {
      const name = tokens[at + 1];
      if (isTest) mask.add(name.start, name.text.replaceAll('_', ' '));
      isTest = false;
    }
  }
  return mask.toString();
}

/** @param {string} text The contents of a string. */
const maskMessage = (text) =>
  divide(
    dropFences(text)
      .replace(/\\[nrt]/g, gap)
      .replace(/\\\n/g, '  ')
      .replace(/\\["'\\0]/g, spaces)
      .replace(/\{\{|\}\}/g, spaces)
      .replace(/\{[^{}\n]*\}|`[^`\n]*`/g, veil),
  );

/** Masks the strings with three words. Most are messages. @param {Token[]} tokens */
function maskMessages(tokens) {
  const mask = new Mask();
  for (const { type, start, text } of tokens)
    if (type === 'string' && /\S\s+\S+\s+\S/.test(text)) mask.add(start, maskMessage(text));
  return mask.toString();
}

/** @type {Reader} */
export function readRust(text) {
  const all = tokensOf(text);
  const tokens = all.filter(({ type }) => type !== 'comment');
  return [
    { kind: 'comment', mask: maskComments(text, all), isMeasured: true },
    { kind: 'name', mask: maskNamesOfTests(tokens), isMeasured: false },
    { kind: 'message', mask: maskMessages(tokens), isMeasured: false },
  ];
}
