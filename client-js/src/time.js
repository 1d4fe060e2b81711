// @ts-check
/** Times are milliseconds on a clock that never goes back. */

/** A time that does not come: what a deadline is while it is not set. */
export const NEVER = Infinity;

/** A platform fires a timer at once if it is longer. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
