// @ts-check
/**
 * Gets a token from the application. It decides nothing, and no error that it makes shows a token.
 *
 * @import { IdentityInput } from './identity/events.js'
 * @import { Options } from './types.js'
 */

import { ThroughlineError, textOf } from './errors.js';
import { checkToken } from './options.js';

/** Says where tokens come from. @param {Options['token']} token */
export const sourceOf = (token) => {
  if (token === undefined) return 'none';
  return typeof token === 'string' ? 'fixed' : 'function';
};

/**
 * Calls the application's function, and answers once.
 * @param {Options['token']} token
 * @param {number} call
 * @param {(answer: Extract<IdentityInput, {type: 'tokenGiven' | 'tokenFailed'}>) => void} answer
 */
export async function askToken(token, call, answer) {
  if (typeof token !== 'function') return;
  try {
    // No function runs within `connect`: its error needs a listener.
    const given = checkToken(await Promise.resolve().then(token));
    answer({ type: 'tokenGiven', call, token: given });
  } catch (thrown) {
    answer({ type: 'tokenFailed', call, error: new ThroughlineError('unauthorized', textOf(thrown)) });
  }
}
