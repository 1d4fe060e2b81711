// @ts-check
/** Times are milliseconds on a clock that never goes back. */

/** A time that does not come: what a deadline is while it is not set. */
export const NEVER = Infinity;
