// @ts-check
/**
 * The state and the transport that the application sees, why they changed last, and the answers of the control resource. It
 * announces; it decides nothing.
 *
 * @import { Control, Reason, State, Transport } from '../types.js'
 * @import { SelectorOutput } from './events.js'
 */

/** The pause between races is no longer than this while no gateway answers: a person may be signing in at a portal just now. */
export const UNREACHABLE_PAUSE_MS = 4000;

/**
 * No answer comes at all, or only a stranger's.
 * @param {State | Control | undefined} state
 * @returns {state is 'offline' | 'portal'}
 */
export const isUnreachable = (state) => state === 'offline' || state === 'portal';

export class Status {
  /** @type {State} */
  state = 'connecting';
  /** @type {Transport | null} */
  transport = null;
  /** Why the last leg ended. @type {Reason} */
  lastReason = 'first';
  /** Since when nothing has carried the session; null before the first race. @type {number | null} */
  lookingSince = null;
  /** The answer to the last probe; undefined before one, and once a pong came. @type {Control | undefined} */
  control;
  /** No transport carried the session yet. */
  #isFirst = true;
  #outputs;

  /** @param {SelectorOutput[]} outputs */
  constructor(outputs) {
    this.#outputs = outputs;
  }

  /** @param {State} state */
  become(state) {
    if (this.state !== state) this.#outputs.push({ type: 'stateChanged', state });
    this.state = state;
  }

  /**
   * Another transport carries the session, or none does.
   * @param {Transport | null} to
   * @param {Reason} reason
   * @param {State} state
   */
  changeTo(to, reason, state) {
    const from = this.transport;
    this.transport = to;
    // A stream that replaces another one changes nothing.
    if ((from || to) && reason !== 'age')
      this.#outputs.push({ type: 'transportChanged', from, to, reason: this.#isFirst ? 'first' : reason });
    if (to) this.#isFirst = false;
    this.become(state);
  }

  /** Nothing carries the session any more. @param {Reason} reason @param {State} state @param {number} now */
  lose(reason, state, now) {
    this.lookingSince = now;
    this.lastReason = reason;
    this.changeTo(null, reason, state);
  }
}
