// @ts-check
/**
 * The switches that the application asked for and that are not over, in the order of asking. The selector ends them in that order.
 *
 * @import { Deferred } from './deferred.js'
 */

import { createDeferred } from './deferred.js';
import { ThroughlineError } from './errors.js';

export class Switches {
  /** @type {Deferred<void>[]} */
  #open = [];

  /** Returns the promise of another switch. */
  add() {
    /** @type {Deferred<void>} */
    const outcome = createDeferred();
    this.#open.push(outcome);
    return outcome.promise;
  }

  /** The oldest switch was made, or it failed for a reason. @param {string} [reason] */
  settle(reason) {
    const oldest = this.#open.shift();
    if (reason) oldest?.reject(new ThroughlineError(reason));
    else oldest?.resolve();
  }
}
