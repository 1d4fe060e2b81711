// @ts-check
/** Reads the comments of CSS. */

/** @import { Reader } from '../sentences.js' */

import { divide, veilCode } from '../markup.js';
import { Mask, spaces } from '../sentences.js';

/** @type {Reader} */
export function readCss(text) {
  const mask = new Mask();
  for (const { 0: match, index } of text.matchAll(/\/\*[\s\S]*?\*\/|"[^"\n]*"|'[^'\n]*'/g)) {
    if (!match.startsWith('/*')) continue;
    const comment = match.replace(/^\/\*+|\*+\/$/g, spaces).replace(/^[ \t]*\*/gm, spaces);
    mask.add(index, divide(veilCode(comment)));
  }
  return [{ kind: 'comment', mask: mask.toString(), isMeasured: true }];
}
