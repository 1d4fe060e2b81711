// @ts-check
/**
 * Gives the gateway its time to decide about an attempt. The path of such an attempt works: nothing is raced against it meanwhile,
 * and its transport is not blamed. It never ends an attempt.
 *
 * @import { Attempt } from './attempt.js'
 * @import { Deadlines } from './deadlines.js'
 * @import { Race } from './race.js'
 */

import { NEVER } from '../time.js';
import { isUndecided } from './attempt.js';
import { SHORT_STAGGER_MS } from './deadlines.js';

/** A gateway has this time to decide about an attempt, however often it asks for more. */
const LONGEST_WAIT_MS = 60_000;

export class Decisions {
  #deadlines;
  #race;

  /** @param {Deadlines} deadlines @param {Race} race */
  constructor(deadlines, race) {
    this.#deadlines = deadlines;
    this.#race = race;
  }

  /** The gateway decides about an attempt, within this time. @param {Attempt} attempt @param {number} ms */
  wait(attempt, ms) {
    const { now } = this.#deadlines;
    const { at, opened = 0 } = attempt.record;
    // The decision is no part of the round trip.
    if (!isUndecided(attempt)) this.#race.measure(now - at - opened);
    attempt.waitUntil = Math.min(now + Math.max(0, ms), at + opened + LONGEST_WAIT_MS);
    this.#race.awaitAnswer(attempt);
    const next = this.#deadlines.at('next-attempt');
    if (next < NEVER)
      this.#deadlines.set('next-attempt', Math.max(next, attempt.waitUntil + SHORT_STAGGER_MS));
  }
}
