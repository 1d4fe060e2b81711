// @ts-check
/** The rules of plain English, as patterns over one sentence. They know no file and no language of programs. */

/** @import { Sentence } from './sentences.js' */

const MOST_WORDS = 30;

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

/** A relative clause about a person: the noun before it says so. */
const PEOPLE_WHO =
  /\b(?:(?:attacker|author|contributor|customer|developer|engineer|maintainer|operator|owner|reader|stranger|tester|user|visitor)s?|anybody|anyone|everybody|everyone|people|person|someone|those),? whom?\b/gi;

/**
 * Returns what is wrong with a sentence.
 * @param {Sentence} sentence
 * @param {{has(text: string): boolean}} aboutPeople the sentences in which `who` or a word of its kind means a person
 */
export function faultsOf({ text, veiled, isMeasured }, aboutPeople) {
  const faults = PATTERNS.filter(([, pattern]) => pattern.test(veiled)).map(([fault]) => fault);
  const [person] = veiled.replace(PEOPLE_WHO, '').match(PERSON) ?? [];
  if (person && !aboutPeople.has(text)) faults.push(`it says '${person}' of a component`);
  const words = veiled.split(/\s+/).filter((word) => /[\p{L}\p{N}\ue000-\ue0ff]/u.test(word)).length;
  if (isMeasured && words > MOST_WORDS) faults.push(`it has ${words} words`);
  return faults;
}
