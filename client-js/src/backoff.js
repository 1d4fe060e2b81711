// @ts-check
/** How long to wait before the next race. Pure. */

/**
 * Full jitter: anything from nothing to a ceiling that doubles from half a second to 20 s, so that the clients of a
 * gateway that comes back do not come at once. After a leg that was well, most likely the leg is at fault and not the
 * way: try again soon.
 * @param {number} failures races that failed in a row
 * @param {() => number} random from 0 to 1
 * @param {boolean} [well]
 */
export const backoff = (failures, random, well) =>
  random() * (well ? 300 : Math.min(20_000, 500 * 2 ** failures));
