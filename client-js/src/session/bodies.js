// @ts-check
/**
 * How large the bodies that carry lines up may be. A proxy may refuse large ones in many ways, or a line may be slow; so the size
 * follows what passes and what fails. It never decides when a body goes. Twin of `src/session/client/bodies.rs`.
 */

import { NEVER } from '../time.js';

/** The size of the first body. The slowest line that is supported, 2,500 B/s, takes 7 s for it. */
const FIRST_BYTES = 16_384;
/** A body that takes longer is large enough for its line. */
const QUICK_MS = 2000;
/** A size that failed is tried again after this, since another path may take it. */
const FORGET_MS = 30_000;
/** The slowest line that is supported, less a margin, in bytes per millisecond. */
const SLOWEST_RATE = 2;
/** The shortest and the longest time in which the answer to a small body may come. */
const SHORTEST_MS = 3000;
const LONGEST_MS = 20_000;

export class Bodies {
  /** The size that a body has at most. */
  bytes = FIRST_BYTES;
  /** The size of the last body whose one line was stuck, until one as large passes. */
  stuck = NEVER;
  /** The smallest size that failed. */
  #failed = NEVER;
  #forgetAt = 0;

  /** A body arrived. @param {number} size @param {number} tookMs @param {number} now */
  passed(size, tookMs, now) {
    if (now >= this.#forgetAt) this.#failed = NEVER;
    if (size >= this.stuck) this.stuck = NEVER;
    if (tookMs < QUICK_MS) this.bytes = Math.max(this.bytes, Math.min(2 * size, this.#failed / 2));
  }

  /** Something else than their size was to blame for the bodies that failed. */
  clear() {
    this.#failed = NEVER;
    this.bytes = Math.max(this.bytes, FIRST_BYTES);
  }

  /** Bodies of this size fail: later ones are half of it. @param {number} size @param {number} now */
  failed(size, now) {
    this.#failed = size;
    this.#forgetAt = now + FORGET_MS;
    this.bytes = Math.min(this.bytes, size) / 2;
  }
}

/**
 * Returns how long the answer to a body may take, on a leg with this round trip.
 * @param {number} size
 * @param {number} roundTrip
 */
export const answerMs = (size, roundTrip) =>
  Math.min(LONGEST_MS, Math.max(SHORTEST_MS, 4 * roundTrip)) + size / SLOWEST_RATE;
