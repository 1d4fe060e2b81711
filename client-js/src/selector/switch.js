// @ts-check
/**
 * Carries out the switch that the application asked for. The switch waits while a race is on, and starts again if the client itself
 * ended its attempt. So it is made, or it fails for what befell the transport asked for. It never ends the leg in use.
 *
 * @import { Reason } from '../types.js'
 * @import { Attempt } from './attempt.js'
 * @import { SelectorOutput } from './events.js'
 * @import { Path } from './path.js'
 * @import { Race } from './race.js'
 * @import { Status } from './status.js'
 */

import { isDetour, isProven } from './attempt.js';

export class Switch {
  /** The path that was asked for. @type {Path | undefined} */
  #wanted;
  /** Its attempt; undefined while the switch waits. @type {Attempt | undefined} */
  #attempt;
  #outputs;
  #race;
  #status;

  /** @param {SelectorOutput[]} outputs @param {Race} race @param {Status} status */
  constructor(outputs, race, status) {
    this.#outputs = outputs;
    this.#race = race;
    this.#status = status;
  }

  /** The application asks for a switch. A later one replaces an earlier one. @param {Path} path */
  ask(path) {
    this.#end('asked');
    this.#wanted = path;
  }

  /** Takes the next step, if there is one. Call this after each input. */
  update() {
    if (this.#status.state === 'closed') this.#end('closed');
    const { active, ended, reason } = this.#attempt?.record ?? {};
    if (active !== undefined) this.#end();
    else if (ended !== undefined) {
      if (reason && !this.#mayBeginAnew(reason)) this.#end(reason);
      this.#attempt = undefined;
    }
    if (this.#wanted && !this.#attempt && this.#isFree) this.#attempt = this.#race.ask(this.#wanted);
  }

  /**
   * Says whether the end of the attempt says nothing of its transport: the page was left, the network was away, or the gateway asked
   * all legs to go. A gateway that refuses this leg only would refuse the next one too, and at once.
   * @param {Reason} reason
   */
  #mayBeginAnew(reason) {
    const isServer = reason === 'server' && !this.#race.active;
    return this.#status.state === 'parked' || reason === 'offline' || isServer;
  }

  /** A leg carries the session and is proven, and none is about to take over. */
  get #isFree() {
    const { active, chosen, open } = this.#race;
    return active !== undefined && active === chosen && isProven(active) && !open.some(isDetour);
  }

  /** The switch is over. @param {Reason} [reason] why it failed */
  #end(reason) {
    if (this.#wanted) this.#outputs.push({ type: 'switchEnded', reason });
    this.#wanted = this.#attempt = undefined;
  }
}
