// @ts-check
/** Reads HTML: its comments, the text that a page shows or speaks, and the scripts and styles in it. */

/** @import { Reader, Reading } from '../sentences.js' */

import { divide } from '../markup.js';
import { gap, Mask, spaces, veil } from '../sentences.js';
import { readCss } from './css.js';
import { readJavaScript } from './javascript.js';

/** Tags that do not end a sentence. */
const INLINE = /^<\/?(?:a|abbr|b|bdi|cite|code|dfn|em|i|kbd|mark|q|s|small|span|strong|sub|sup|u|var|wbr)\b/i;
const CODE = /<(code|kbd|pre|samp|var)\b[^>]*>[\s\S]*?<\/\1>/gi;
const SPOKEN = /(?<=\s(?:alt|aria-label|aria-description|content|placeholder|title)=")[^"]*(?=")/g;

/** Hides a comment, or keeps its prose. @param {string} text @param {boolean} keep */
const comments = (text, keep) =>
  text.replace(/<!--([\s\S]*?)-->|[\s\S]/g, (all, prose) => {
    if (prose === undefined) return keep ? '\f' : all;
    return keep ? `\f\f\f\f${divide(prose)}\f\f\f` : gap(all);
  });

/** @param {string} tag */
function maskTag(tag) {
  if (INLINE.test(tag)) return spaces(tag);
  const mask = new Mask();
  for (const { 0: spoken, index } of tag.matchAll(SPOKEN)) mask.add(index, spoken);
  mask.add(tag.length, '');
  return mask.toString();
}

/** @type {Reader} */
export function readHtml(text, path) {
  /** @type {Reading[]} */
  const inner = [];
  const page = text.replace(
    /(<(script|style)\b[^>]*>)([\s\S]*?)(<\/\2>)/gi,
    (_, open, tag, content, close, index) => {
      const read = tag.toLowerCase() === 'style' ? readCss : readJavaScript;
      for (const reading of read(content, `${path}.js`))
        inner.push({ ...reading, mask: '\f'.repeat(index + open.length) + reading.mask });
      return open + gap(content) + close;
    },
  );
  const shown = comments(page, false)
    .replace(CODE, veil)
    .replace(/<[^>]*>/g, maskTag)
    .replace(/&\w+;/g, spaces);
  return [
    { kind: 'comment', mask: comments(page, true), isMeasured: true },
    { kind: 'text', mask: divide(shown), isMeasured: true },
    ...inner,
  ];
}
