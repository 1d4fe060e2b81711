// @ts-check
/** Reads comments behind `#`: shell, Makefiles, TOML, and configurations of proxies. Behind `;` too, where a line begins so. */

/** @import { Reader } from '../sentences.js' */

import { divide, veilCode } from '../markup.js';
import { gap, Mask, spaces } from '../sentences.js';

/** A setting that is commented out. */
const SETTING = /^[ \t]*#[ \t]*(?:\[[\w.-]+\]|[\w.-]+[ \t]*=.*|[\w-]+[^#\n]*[;{])$/gm;

/** Returns the place of the comment in a line, or -1. @param {string} line */
function startOfComment(line) {
  if (/^[ \t]*;/.test(line)) return line.indexOf(';');
  for (const { index } of line.matchAll(/(?<=^|\s)#(?!!)/g)) {
    const quotes = line.slice(0, index).replace(/\\./g, '');
    if (/^(?:[^"']|"[^"]*"|'[^']*')*$/.test(quotes)) return index;
  }
  return -1;
}

/** @param {string} comment lines */
const maskComment = (comment) =>
  divide(veilCode(comment.replace(SETTING, gap).replace(/^[ \t]*[#;]+/gm, spaces)));

/** @type {Reader} */
export function readHash(text) {
  const mask = new Mask();
  let at = 0;
  let block = { start: 0, text: '' };
  for (const line of text.split(/(?<=\n)/)) {
    const start = startOfComment(line.trimEnd());
    const isWhole = start >= 0 && line.slice(0, start).trim() === '';
    if (start >= 0 && !isWhole) {
      mask.add(block.start, maskComment(block.text));
      mask.add(at + start, maskComment(line.slice(start)));
    }
    if (!isWhole && block.text && start < 0) mask.add(block.start, maskComment(block.text));
    if (!isWhole) block = { start: at + line.length, text: '' };
    else block.text += line;
    at += line.length;
  }
  mask.add(block.start, maskComment(block.text));
  return [{ kind: 'comment', mask: mask.toString(), isMeasured: true }];
}
