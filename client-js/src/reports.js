// @ts-check
/**
 * Tells the application what keeps the connection from coming. While no transport carries the session, it tells each error once, however
 * often the client tries. It decides nothing, and must never show a secret.
 *
 * @import { Control, Explanation } from './types.js'
 */

import { ThroughlineError } from './errors.js';

/** What to do, by the source of the last answer to the control request. @type {Partial<Record<Control, string>>} */
const REMEDIES = {
  ours: 'The gateway answers, so something between blocks each transport. Its page /doctor says what.',
  away: 'A proxy answers that the gateway is away. Start the gateway, or correct the proxy.',
  portal: 'Something else answers. Check the URL, or sign in to this network.',
};
const REMEDY = 'Nothing answers. Check the URL, the gateway and the network.';

/** Codes of an `end` that the application must know: no other leg fares better. The identity judges `unauthorized`. */
const LASTING_CODES = ['forbidden', 'rate_limited', 'full', 'bad_frame'];

export class Reports {
  /** The message of the last error of each code, since a transport carried the session. @type {Map<string, string>} */
  #told = new Map();
  #emit;

  /** @param {(error: ThroughlineError) => void} emit */
  constructor(emit) {
    this.#emit = emit;
  }

  /** A transport carries the session. */
  online() {
    this.#told.clear();
  }

  /** @param {ThroughlineError} error @param {boolean} isOnline */
  report(error, isOnline) {
    const { code, message } = error;
    if (!isOnline && this.#told.get(code) === message) return;
    if (!isOnline) this.#told.set(code, message);
    this.#emit(error);
  }

  /**
   * The session dropped a leg.
   * @param {string} code
   * @param {ThroughlineError | undefined} error why the gateway ended it
   * @param {boolean} isOnline
   */
  ended(code, error = new ThroughlineError(code), isOnline) {
    if (LASTING_CODES.includes(code)) this.report(error, isOnline);
  }

  /** Nothing has carried the session for a while. An application that knows why needs no further error. @param {string} url @param {Pick<Explanation, 'attempts' | 'control'>} data */
  unreachable(url, { attempts, control }) {
    const outcomes = new Map(attempts.map(({ transport, reason }) => [transport, reason ?? 'no answer yet']));
    const tried = [...outcomes].map(([transport, outcome]) => `${transport}: ${outcome}`).join(', ');
    const known = [...this.#told].map(([code, message]) => `${code}: ${message}`).join('; ');
    const remedy = known || REMEDIES[control ?? 'offline'] || REMEDY;
    const { origin } = new URL(url);
    const message = `No transport reaches the gateway at ${origin} (${tried || 'none was tried'}). ${remedy}`;
    globalThis.console?.warn(`throughline: ${message}`);
    if (!known) this.report(new ThroughlineError('unreachable', message), false);
  }
}
