// @ts-check
/** What the readers share: the marks of Markdown, which comments have too. */

import { gap, spaces, veil } from './sentences.js';

/** Drops blocks of code between fences. @param {string} text */
export const dropFences = (text) => text.replace(/^[ \t]*(```+)[\s\S]*?^[ \t]*\1[ \t]*$/gm, gap);

/** Hides spans of code. @param {string} text */
export const veilCode = (text) => text.replace(/(`+)(?:(?!\n\s*\n)[^\f])+?\1/g, veil);

/** Divides paragraphs and the items of lists, and hides quotations. @param {string} text */
export const divide = (text) =>
  text
    .replace(/\n(?=[ \t]*\n)/g, gap)
    .replace(/[-=─━]{3,}/g, gap)
    .replace(/^[ \t]*(?:[-*]|\d+\.)(?=[ \t])/gm, gap)
    .replace(/"[^"\f]+"|“[^”\f]+”|(?<=^|[\s(])'[^'\f]+'(?=[\s.,:;!?)]|$)/g, veil);

/** Drops headings' marks, links, tables' frames and blocks that quote. @param {string} text */
const dropMarkup = (text) =>
  text
    .replace(/<!--[\s\S]*?-->/g, gap)
    .replace(/^[ \t]*>(?: .*)?$/gm, gap)
    .replace(/^[ \t]*\|[-:| ]+\|[ \t]*$/gm, gap)
    .replace(/^[ \t]*\|.*\|[ \t]*$\n?/gm, (row) => row.replace(/[|\n]/g, gap))
    .replace(/^[ \t]*#{1,6}[ \t].*$\n?/gm, (heading) => heading.replace(/[#\n]/g, gap))
    .replace(/^[ \t]*\[[^\]\n]+\]:[ \t]+\S+$/gm, gap)
    .replace(/\]\([^)]*\)/g, spaces)
    .replace(/[[\]]|\*\*/g, spaces);

/** Turns text in Markdown into a mask. @param {string} text */
export const maskMarkdown = (text) => divide(dropMarkup(veilCode(dropFences(text))));
