// @ts-check
/**
 * From a mask to sentences.
 *
 * A reader turns a file into a mask of the same length. Prose keeps its place in it. `\f` fills the rest, and so divides units
 * of prose. The place of a sentence in the mask is thus its place in the file.
 */

/**
 * @typedef {'comment' | 'text' | 'name' | 'message'} Kind
 * @typedef {{kind: Kind, mask: string, isMeasured: boolean}} Reading what a reader finds of one kind in a file
 * @typedef {(text: string, path: string) => Reading[]} Reader
 * @typedef {{kind: Kind, line: number, text: string, veiled: string, isMeasured: boolean}} Sentence
 */

/** @param {string} text */
export const spaces = (text) => text.replace(/[^\n]/g, ' ');
/** @param {string} text */
export const gap = (text) => '\f'.repeat(text.length);

/** Hides code or a quotation. It keeps its length, and counts as one word. @param {string} text */
export const veil = (text) =>
  text.replace(/[\0-\xff]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 0xe000));

/** @param {string} text */
const unveil = (text) =>
  text.replace(/[\ue000-\ue0ff]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xe000));

/** Builds a mask: the given ranges keep their prose, and the rest is a gap. */
export class Mask {
  #mask = '';

  /** Adds prose. Prose that begins within the last one is dropped. @param {number} start @param {string} prose */
  add(start, prose) {
    if (start >= this.#mask.length) this.#mask += '\f'.repeat(start - this.#mask.length) + prose;
  }

  toString() {
    return this.#mask;
  }
}

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
 * Returns the sentences of a reading.
 * @param {Reading} reading
 * @param {string} original the text of the file
 */
export function sentencesOf({ kind, mask, isMeasured }, original) {
  /** @type {Sentence[]} */
  const found = [];
  let line = 1;
  let counted = 0;
  for (const { 0: unit, index } of mask.matchAll(/[^\f]+/g)) {
    let start = 0;
    for (const end of [...endsOfSentences(unit), unit.length]) {
      const part = unit.slice(start, end);
      const veiled = part.trim().replace(/\s+/g, ' ');
      if (veiled) {
        const first = index + start + part.search(/\S/);
        line += original.slice(counted, first).split('\n').length - 1;
        counted = first;
        found.push({ kind, line, veiled, text: unveil(veiled).replace(/\s+/g, ' '), isMeasured });
      }
      start = end;
    }
  }
  return found;
}
