// @ts-check
/** The chance of a schedule: a seed repeats all of it, everywhere. */

import { seeded } from '../support.js';

/** @param {number} seed */
export function createRandom(seed) {
  const next = seeded(seed);
  const below = (/** @type {number} */ bound) => Math.floor(next() * bound);
  return {
    /** A whole number from 0 on. @param {number} bound */
    below,
    /** True in so many of a hundred. @param {number} chance */
    percent: (chance) => below(100) < chance,
    /** @template T @param {T[]} among @returns {T} */
    pick: (among) => /** @type {T} */ (among[below(among.length)]),
  };
}
