// @ts-check
/** The sums of all counted messages of this page, since it was opened. Pure. */

/** @typedef {{up: import('./burst.js').Report, down: import('./burst.js').Report}} Counts */

export function createTotals() {
  const past = { received: 0, lost: 0, duplicated: 0, reordered: 0 };
  /** The counts of each burst or trial, by its object. @type {Map<object, Counts>} */
  const counts = new Map();
  /** At most so many run at once. Older counts are only summed. */
  const KEPT = 4;

  /** @param {typeof past} sum @param {Counts} of */
  function add(sum, { up, down }) {
    for (const key of /** @type {Array<keyof typeof past>} */ (Object.keys(sum)))
      sum[key] += up[key] + down[key];
  }

  return {
    /** Sets the latest figures of one count. @param {object} who @param {Counts} of */
    set(who, of) {
      counts.set(who, of);
      const [oldest] = counts;
      if (counts.size <= KEPT || !oldest) return;
      add(past, oldest[1]);
      counts.delete(oldest[0]);
    },

    sum() {
      const sum = { ...past };
      for (const of of counts.values()) add(sum, of);
      return sum;
    },
  };
}

/** @typedef {ReturnType<typeof createTotals>} Totals */
