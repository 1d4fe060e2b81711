// @ts-check
/**
 * One POST of lines. A browser sends it across origins without a preflight: text/plain, no header of our own, and no cookie
 * unless the application asks for it. All else that the gateway must know is in the body.
 *
 * @import { Line } from '../protocol/frames.js'
 */

import { ThroughlineError } from '../errors.js';
import { eventReader, readText } from './event-stream.js';

/**
 * @typedef {object} Post
 * @property {Line[]} lines the first is the hello
 * @property {AbortSignal} signal
 * @property {(line: Line) => void} [onEvent] if the answer is a stream: called for each event until it ends
 * @property {(bytes: number) => void} [onBytes] called when a part of the answer came, unless that is an error
 * @property {'include' | 'omit'} [credentials]
 * @property {boolean} [outlivesPage]
 */

/**
 * Posts lines. Returns the lines of the answer, or the status of an answer that is none; a stream that ended has neither.
 * @param {typeof globalThis.fetch} fetch
 * @param {string} url
 * @param {Post} options
 * @returns {Promise<{lines?: Line[], status?: number}>} rejects with a ThroughlineError if the gateway itself refuses; its `wait` is
 *   for how many seconds the gateway wants no further attempt
 */
export async function post(fetch, url, options) {
  const { lines, signal, onEvent, onBytes, credentials = 'omit', outlivesPage = false } = options;
  const body = lines.join('\n');
  // A string goes as text/plain;charset=UTF-8.
  const response = await fetch(url, { method: 'POST', body, credentials, signal, keepalive: outlivesPage });
  let text = '';
  const take =
    response.ok && onEvent ? eventReader(onEvent) : (/** @type {string} */ part) => void (text += part);
  // Awaited, so that the response lives as long as its stream: Deno no longer aborts the stream of one that was collected.
  if (response.body)
    await readText(response.body, (part) => {
      if (response.ok) onBytes?.(part.length);
      take(part);
    });
  if (response.ok && onEvent) return {};
  const answer = text.trim();
  if (response.ok) return { lines: answer.split('\n') };
  // An answer without our nonce, as the hello has it, is a middlebox's.
  const nonce = body.match(/"nonce":".+?"/)?.[0];
  if (!nonce || !answer.includes(nonce)) return { status: response.status };
  const { code, message } = JSON.parse(answer);
  // A Retry-After that is a date says nothing here.
  const wait = Number(response.headers.get('retry-after'));
  throw new ThroughlineError(code, message, wait > 0 ? wait : undefined);
}
