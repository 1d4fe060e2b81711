// @ts-check
/**
 * Asks the control resource for an answer, once everything failed. It must never believe an answer without its own nonce.
 *
 * @import { Control } from '../types.js'
 */

/** The answer may be late by several seconds. */
const LONGEST_MS = 10_000;

/**
 * @param {typeof globalThis.fetch} fetch
 * @param {string} base the gateway's base path
 * @param {string} nonce
 * @returns {Promise<Control>}
 */
export async function probe(fetch, base, nonce) {
  try {
    const signal = AbortSignal.timeout(LONGEST_MS);
    const response = await fetch(`${base}/control?nonce=${nonce}`, { signal });
    // A page that shows its own address has the nonce too, but not as this key.
    if ((await response.text()).includes(`"nonce":"${nonce}"`)) return 'ours';
    // A proxy answers for a gateway that restarts with 502 or so; that is no portal.
    return response.status >= 500 ? 'away' : 'portal';
  } catch {
    return 'offline';
  }
}
