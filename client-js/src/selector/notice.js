// @ts-check
/**
 * Notices that nothing has carried the session for some seconds, and says so once until something does. It never changes what the
 * client tries.
 *
 * @import { Attempt } from './attempt.js'
 * @import { Deadlines } from './deadlines.js'
 * @import { SelectorOutput } from './events.js'
 * @import { Paths } from './paths.js'
 * @import { Race } from './race.js'
 */

import { NEVER } from '../time.js';

/** The application hears of it after this time, or once the attempts of this time are over, if their limits were measured. */
const AFTER_MS = 5000;

export class Notice {
  #isTold = false;
  /** The end of the time without a connection. */
  #endsAt = NEVER;
  #outputs;
  #deadlines;
  #paths;
  #race;

  /** @param {SelectorOutput[]} outputs @param {Deadlines} deadlines @param {Paths} paths @param {Race} race */
  constructor(outputs, deadlines, paths, race) {
    this.#outputs = outputs;
    this.#deadlines = deadlines;
    this.#paths = paths;
    this.#race = race;
  }

  /** A race begins. */
  raceBegan() {
    if (this.#isTold || this.#deadlines.at('notice') < NEVER) return;
    this.#endsAt = this.#deadlines.now + AFTER_MS;
    this.#deadlines.set('notice', this.#endsAt);
  }

  /** The time is over. */
  due() {
    const limits = this.#race.open.map((attempt) => this.#limitOf(attempt));
    const last = Math.max(0, ...limits);
    if (last > this.#deadlines.now) return this.#deadlines.set('notice', last);
    this.#isTold = true;
    this.#outputs.push({ type: 'unreachable' });
  }

  /** A leg carries the session. */
  online() {
    this.#isTold = false;
    this.#deadlines.clear('notice');
  }

  /**
   * Returns the time by which the network, as far as it was measured, answers an attempt; 0 if nothing was measured. Attempts that
   * began later do not put the notice off.
   * @param {Attempt} attempt
   */
  #limitOf(attempt) {
    const { at, opened } = attempt.record;
    const isOpening = attempt.path.transport === 'websocket' && opened === undefined;
    if (this.#paths.network.rtt === null || isOpening || at > this.#endsAt) return 0;
    const limit = this.#deadlines.at('answer', attempt);
    return limit < NEVER ? limit : 0;
  }
}
