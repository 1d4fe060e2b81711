// @ts-check
/**
 * Learns at which age the path cuts idle connections. Two cuts at the same age are a rule of the path, and no fault of the
 * transport; heartbeats of half that age keep the path open.
 *
 * @import { Attempt } from './attempt.js'
 * @import { SessionView } from './events.js'
 */

import { rhythmMs } from './attempt.js';

/** A connection that is cut earlier was not cut for being idle. */
const SHORTEST_AGE_MS = 2000;

export class IdleCuts {
  /** The idle age of the last connection that was cut; null before the first. @type {number | null} */
  #age = null;

  /**
   * An idle connection was cut. Returns the rhythm that its path needs, if this is a rule. A write keeps the path of a socket open
   * as well.
   * @param {Attempt} attempt
   * @param {SessionView} session
   * @param {number} now
   */
  learn({ path, heardAt, writtenAt }, session, now) {
    const age = Math.min(now - heardAt, now - writtenAt, rhythmMs(path, session));
    const isRule = this.#age !== null && Math.abs(age - this.#age) < this.#age / 5;
    if (age > SHORTEST_AGE_MS) this.#age = age;
    if (isRule) return { heartbeatMs: Math.floor(age / 2), holdMs: Math.floor(age * 0.7) };
  }
}
