// @ts-check
/**
 * From the tries of one question to one finding. If some tries pass and others fail, the finding is `unreliable`. Pure.
 * Its twin is src/cli/doctor/repeat.rs.
 *
 * @typedef {{ code: string, figures: import('./verdict.js').Figures }} Try a code of words.json, and figures
 */

/** How often each question is asked. */
export const TIMES = 3;

/** The codes of tries that pass. */
const PASSES = ['ours', 'works', 'slow', 'up_only', 'lived', 'ended'];

/**
 * Returns the middle one of the tries if all pass, and the commonest failure if all fail. Returns `unreliable`
 * otherwise, and if requests got lost.
 * @param {Try[]} tries at least one
 * @returns {Try}
 */
export function together(tries) {
  const passed = tries.filter(({ code }) => PASSES.includes(code));
  const failed = tries.filter(({ code }) => !PASSES.includes(code));
  const failure = commonest(failed);
  if (!failure) return middle(passed);
  const loses = failed.find(({ code }) => code === 'loses');
  if (passed.length === 0 && !loses) return failure;
  const { code, figures } = loses ?? failure;
  return {
    code: 'unreliable',
    figures: { ...figures, failed: failed.length, tries: tries.length, like: code },
  };
}

/** Returns the first try with the most frequent code. @param {Try[]} tries */
function commonest(tries) {
  const count = (/** @type {Try} */ one) => tries.filter(({ code }) => code === one.code).length;
  const most = Math.max(...tries.map(count));
  return tries.find((one) => count(one) === most);
}

/** Returns the try of middle pace, with the slowest round trip of all tries. @param {Try[]} tries @returns {Try} */
function middle(tries) {
  const pace = (/** @type {Try} */ { figures }) => Number(figures.rtt_ms ?? figures.ms ?? 0);
  const sorted = [...tries].sort((a, b) => pace(a) - pace(b));
  const { code, figures } = /** @type {Try} */ (sorted[Math.floor(sorted.length / 2)]);
  if (figures.worst_ms === undefined) return { code, figures };
  const worst = Math.max(...tries.map((one) => Number(one.figures.worst_ms ?? 0)));
  return { code, figures: { ...figures, worst_ms: worst } };
}
