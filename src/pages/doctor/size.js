// @ts-check
/**
 * How much passes at once: publications to a channel of the probe's own, up in one POST and down in the answer of a
 * poll. A gateway that denies the channel still reads the POST, so the way up can be tested without a sign-in.
 */

import { createSession, now, parse, post, Stop } from './speak.js';

const MOST = 60_000;
const LEAST = 1000;
const LIMIT_MS = 4000;
/** After this time, no further size is tried. */
export const ALL_MS = 14_000;
/** The longest part. A line may have 55 KB, and the other lines of the answer must fit too. */
const PART = 25_000;
/** The number of the request for the channel. */
const ASKED = 1;

/** @returns {Promise<{ code: string, figures: import('./verdict.js').Figures }>} */
export async function findSize() {
  const begun = now();
  let up = { bytes: 0, ms: 0 };
  let down = { bytes: 0, ms: 0 };
  /** @type {{ bytes: number, how: string } | undefined} */
  let failed;
  let isDenied = false;
  const isDone = () => down.bytes > 0 || isDenied || now() - begun >= ALL_MS;
  for (let bytes = MOST; bytes >= LEAST && !isDone(); ) {
    const tried = await attempt(bytes);
    if (tried.upMs !== undefined && up.bytes === 0) up = { bytes, ms: tried.upMs };
    if (tried.downMs !== undefined) down = { bytes, ms: tried.downMs };
    isDenied = tried.isDenied === true;
    if (tried.upMs === undefined) failed = { bytes, how: tried.how };
    // Bytes that vanish cost the whole limit, so the steps get larger.
    bytes = Math.round(bytes / (tried.how === 'no answer' ? 4 : 2));
  }
  const passed = { up_bytes: up.bytes, up_ms: up.ms, down_bytes: down.bytes, down_ms: down.ms };
  const failure = failed && { failed_bytes: failed.bytes, how: failed.how };
  if (up.bytes === 0) throw new Stop('fails', failure ?? {});
  if (isDenied) {
    const { up_bytes, up_ms } = passed;
    return { code: failure ? 'up_only_limited' : 'up_only', figures: { up_bytes, up_ms, ...failure } };
  }
  if (failure) return { code: 'up_limited', figures: { ...passed, ...failure } };
  return { code: down.bytes < MOST ? 'down_limited' : 'works', figures: passed };
}

/**
 * Tries one size, in a session of its own.
 * @typedef {{ upMs?: number, downMs?: number, isDenied?: boolean, how: string }} Tried
 * @param {number} bytes
 * @returns {Promise<Tried>}
 */
async function attempt(bytes) {
  const session = createSession();
  /** @type {Tried} */
  const result = { how: '' };
  try {
    const first = session.hello({ attach: true });
    session.welcome(parse((await post('poll', first.line, { limitMs: LIMIT_MS })).text), first.nonce);
    const hello = session.hello();
    const body = [hello.line, ...publications(bytes)].join('\n');
    const { text, ms } = await post('send', body, { limitMs: LIMIT_MS });
    session.welcome(parse(text.split('\n')[0] ?? ''), hello.nonce);
    result.upMs = ms;
    const answer = await post('poll', session.hello({ attach: true }).line, { limitMs: LIMIT_MS });
    if (answer.text.length >= bytes) result.downMs = answer.ms;
    result.isDenied = answer.text.split('\n').some((line) => parse(line)?.err === ASKED);
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    result.how =
      { answered: `status ${error.figures.status}`, no_answer: 'no answer' }[error.code] ?? 'refused';
  }
  return result;
}

/**
 * Returns lines of so many bytes in all: a subscription to a channel with a secret name, and publications to it.
 * @param {number} bytes
 */
function publications(bytes) {
  const channel = JSON.stringify(`doctor/${crypto.getRandomValues(new Uint32Array(2)).join('')}`);
  const lines = [`{"sub":${channel},"id":${ASKED}}`];
  for (let left = bytes; left > 0; left -= PART)
    lines.push(`{"pub":${channel},"data":"${'x'.repeat(Math.min(left, PART))}"}`);
  return lines;
}
