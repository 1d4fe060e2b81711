// @ts-check
/** Divides Rust into tokens. It knows no grammar beyond them. */

/**
 * `start` and `end` are places in the file. Those of a string enclose its contents only.
 * @typedef {{type: 'comment' | 'string' | 'word' | 'mark', start: number, end: number, text: string}} Token
 */

const SPACE = /\s+/y;
const LINE_COMMENT = /\/\/[^\n]*/y;
const WORD = /r#[\p{L}_][\p{L}\p{N}_]*|[\p{L}\p{N}_]+/uy;
const RAW_STRING = /[bc]?r(#*)"([\s\S]*?)"\1/y;
const STRING = /[bc]?"((?:[^"\\]|\\[\s\S])*)"/y;
const CHARACTER = /b?'(?:\\(?:x[\da-f]{2}|u\{[^}]*\}|[\s\S])|[^'\\])'/iuy;
const LIFETIME = /'[\p{L}_][\p{L}\p{N}_]*/uy;

/** @param {RegExp} pattern @param {string} text @param {number} at */
function match(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Returns the end of a comment in a block, which may hold others. @param {string} text @param {number} start */
function endOfBlock(text, start) {
  let depth = 0;
  for (const { 0: mark, index } of text.slice(start).matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1;
    if (depth === 0) return start + index + 2;
  }
  return text.length;
}

/** Returns the token at a place, and where the next may begin. @param {string} text @param {number} at @returns {[Token, number]} */
function tokenAt(text, at) {
  /** @param {Token['type']} type @param {number} start @param {number} end @returns {Token} */
  const token = (type, start, end) => ({ type, start, end, text: text.slice(start, end) });
  if (text.startsWith('/*', at)) {
    const end = endOfBlock(text, at);
    return [token('comment', at, end), end];
  }
  const comment = match(LINE_COMMENT, text, at);
  if (comment) return [token('comment', at, at + comment[0].length), at + comment[0].length];
  const raw = match(RAW_STRING, text, at);
  const string = raw ?? match(STRING, text, at);
  if (string) {
    const end = at + string[0].length;
    const close = end - 1 - (raw ? string[1].length : 0);
    const open = close - string[raw ? 2 : 1].length;
    return [token('string', open, close), end];
  }
  const other =
    match(CHARACTER, text, at)?.[0] ??
    match(LIFETIME, text, at)?.[0] ??
    match(WORD, text, at)?.[0] ??
    text.charAt(at);
  const type = /^[\p{L}\p{N}_]/u.test(other) && !other.endsWith("'") ? 'word' : 'mark';
  return [token(type, at, at + other.length), at + other.length];
}

/** @param {string} text */
export function tokensOf(text) {
  /** @type {Token[]} */
  const tokens = [];
  let at = match(SPACE, text, 0)?.[0].length ?? 0;
  while (at < text.length) {
    const [token, next] = tokenAt(text, at);
    tokens.push(token);
    at = next + (match(SPACE, text, next)?.[0].length ?? 0);
  }
  return tokens;
}
