// @ts-check
/** The chance of a schedule. The same seed repeats it on every machine. */

import { seeded } from '../support.js';

/** @param {number} seed */
export function createRandom(seed) {
  const next = seeded(seed);
  const below = (/** @type {number} */ bound) => Math.floor(next() * bound);
  return {
    /** A whole number from 0 to below the bound. @param {number} bound */
    below,
    /** True in so many of a hundred calls. @param {number} chance */
    percent: (chance) => below(100) < chance,
    /** @template T @param {T[]} among @returns {T} */
    pick: (among) => /** @type {T} */ (among[below(among.length)]),
  };
}
