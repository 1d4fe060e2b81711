// @ts-check
/** Reads the texts of a page that stand in JSON: each string with a space is a unit. */

/** @import { Reader } from '../sentences.js' */

import { gap, Mask, spaces } from '../sentences.js';

/** @type {Reader} */
export function readJson(text) {
  const mask = new Mask();
  for (const { 0: all, 1: string, index } of text.matchAll(/"((?:[^"\\\n]|\\.)*)"(?:\s*:)?/g))
    if (all.endsWith('"') && string.includes(' '))
      mask.add(index + 1, string.replace(/\\n/g, gap).replace(/\\./g, spaces));
  return [{ kind: 'text', mask: mask.toString(), isMeasured: true }];
}
