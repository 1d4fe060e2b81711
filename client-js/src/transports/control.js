// @ts-check
/**
 * Asks the control resource for an answer, once everything failed. The gateway's own refusal, of any path, echoes the nonce too. It
 * must never believe an answer without its own nonce.
 *
 * @import { Control } from '../types.js'
 */

import { ThroughlineError } from '../errors.js';

/** The answer may be late by several seconds. */
const LONGEST_MS = 10_000;

/**
 * Returns the source of the answer, and the gateway's reason if the gateway refused.
 * @param {typeof globalThis.fetch} fetch
 * @param {string} base the gateway's base path
 * @param {string} nonce
 * @returns {Promise<{control: Control, error?: ThroughlineError}>}
 */
export async function probe(fetch, base, nonce) {
  try {
    const signal = AbortSignal.timeout(LONGEST_MS);
    const response = await fetch(`${base}/control?nonce=${nonce}`, { signal });
    const text = await response.text();
    // A page that shows its own address has the nonce too, but not as this key.
    const isOurs = text.includes(`"nonce":"${nonce}"`);
    // A proxy answers for a gateway that restarts with 502 or so; that is not a portal.
    if (!isOurs) return { control: response.status >= 500 ? 'away' : 'portal' };
    if (response.ok) return { control: 'ours' };
    const { code, message } = JSON.parse(text);
    return { control: 'refused', error: new ThroughlineError(code, message) };
  } catch {
    return { control: 'offline' };
  }
}
