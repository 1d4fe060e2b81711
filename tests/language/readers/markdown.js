// @ts-check
/** Reads Markdown: each paragraph, heading, item and cell is a unit. */

/** @import { Reader } from '../sentences.js' */

import { maskMarkdown } from '../markup.js';

/** @type {Reader} */
export const readMarkdown = (text) => [{ kind: 'text', mask: maskMarkdown(text), isMeasured: true }];
