// @ts-check
/**
 * One POST of lines. Shaped so that a browser sends it across origins without asking first: text/plain, no
 * header of our own, no cookie; what has to be told stands in the body.
 */

import { ThroughlineError } from '../errors.js';
import { readEvents } from './stream.js';

/**
 * @param {typeof globalThis.fetch} fetch
 * @param {string} url
 * @param {import('../types.js').Frame[]} lines the first is the hello
 * @param {AbortSignal} signal
 * @param {(line: string) => void} [event] where the answer is a stream: called for each event until it ends
 * @param {boolean} [keepalive] it shall outlive the page
 * @returns {Promise<string[] | number | undefined>} the lines of any other answer, or the status of what is none; rejects
 *   with a ThroughlineError if it is our gateway that refuses, and `wait` of it is for how many seconds it wants to be left alone
 */
export async function post(fetch, url, lines, signal, event, keepalive) {
  const sent = lines.join('\n');
  const response = await fetch(url, {
    method: 'POST',
    body: sent, // a text goes as text/plain;charset=UTF-8
    credentials: 'omit',
    signal,
    keepalive,
  });
  if (response.ok && event) return readEvents(/** @type {any} */ (response.body), event);
  const answer = (await response.text()).trim();
  if (response.ok) return answer.split('\n');
  // Without our nonce, as the hello has it, it is a middlebox's word.
  if (!answer.includes(/** @type {any} */ (sent.match(/"nonce":".+?"/)))) return response.status;
  const { code, message } = JSON.parse(answer);
  throw new ThroughlineError(
    code,
    message,
    // Of a date, nothing.
    Number(response.headers.get('retry-after')) || undefined,
  );
}
