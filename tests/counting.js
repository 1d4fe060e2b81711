// @ts-check
/** Counts numbered messages: the lost, duplicated and reordered ones, and the longest gap between two. */

/**
 * @typedef {{ sent: number, received: number, lost: number, duplicated: number, reordered: number, longestGapMs: number }} Count
 */

/**
 * @param {() => number} [now] the time in milliseconds
 */
export function createCounter(now = () => performance.now()) {
  /** @type {Set<number>} */
  const seen = new Set();
  let highest = 0;
  let duplicated = 0;
  let reordered = 0;
  let longestGapMs = 0;
  /** @type {number | undefined} */
  let last;
  /** @type {Array<{ count: number, resolve: () => void }>} */
  let waiting = [];
  return {
    /** @param {number} number */
    take(number) {
      const at = now();
      if (last !== undefined) longestGapMs = Math.max(longestGapMs, at - last);
      last = at;
      if (seen.has(number)) duplicated += 1;
      else if (number < highest) reordered += 1;
      seen.add(number);
      highest = Math.max(highest, number);
      for (const { count, resolve } of waiting) if (seen.size >= count) resolve();
      waiting = waiting.filter(({ count }) => seen.size < count);
    },

    /** Resolves once this many different messages have arrived. @param {number} count @returns {Promise<void>} */
    reached: (count) =>
      seen.size >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve })),

    /** @param {number} sent @returns {Count} */
    report: (sent) => ({
      sent,
      received: seen.size,
      lost: sent - seen.size,
      duplicated,
      reordered,
      longestGapMs: Math.round(longestGapMs),
    }),
  };
}
