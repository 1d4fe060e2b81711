// @ts-check
/** Paths that allow few requests at once, and paths on which no answer to a send comes from the gateway. */
import { setTimeout as pause } from 'node:timers/promises';
import { startHostile } from '../proxies/hostile.js';
import { WHOLE } from './results.js';
import { matrix, p95 } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */

const NODE = /** @type {import('./stage.js').ClientName[]} */ (['node']);
const BOTH = /** @type {import('./stage.js').ClientName[]} */ (['node', 'chromium']);

/** The matrix's bound on the time until the session has settled. */
const SETTLED_WITHIN_MS = 10_000;
/** The bound for 95 in 100 messages, on both the fulfilment of the publication and the arrival. */
const LONGEST_MS = 300;
/** The time after which an open publication stays open. */
const PATIENCE_MS = 15_000;

/** Lets the session settle, and then publishes each second without a change. @param {Stage} stage */
async function eachSecond(stage) {
  const WATCHED_MS = WHOLE ? 60_000 : 10_000;
  await stage.until({ state: 'online' });
  await stage.subscribed();
  const subscribed = stage.elapsed();
  // The first publications reveal whether a send passes beside a waiting request.
  await stage.traffic(3_000, { up: 1, down: 0.2 });
  await stage.client.call('settled', PATIENCE_MS);
  await pause(Math.max(0, SETTLED_WITHIN_MS - stage.elapsed()));
  const learned = stage.arrivedMs.length;
  /** @type {import('./subject.js').Report} */
  const before = structuredClone(await stage.client.call('report', 0));
  // The rate down is low: otherwise each message up would find that a poll has just ended.
  await stage.traffic(WATCHED_MS, { up: 1, down: 0.2 });
  await stage.arrived(await stage.client.call('stop'));
  await stage.client.call('settled', PATIENCE_MS);
  /** @type {import('./subject.js').Report} */
  const { changes, fulfilledMs, sent } = await stage.client.call('report', 0);
  const problems = [];
  const later = changes.slice(before.changes.length);
  if (later.length) problems.push(`changes ${JSON.stringify(later)}`);
  if (fulfilledMs.length < sent) problems.push(`${fulfilledMs.length} of ${sent} fulfilled`);
  const times = {
    fulfilled: p95(fulfilledMs.slice(before.fulfilledMs.length)),
    arrived: p95(stage.arrivedMs.slice(learned)),
  };
  const late = Object.entries(times)
    .filter(([, ms]) => ms === null || ms > LONGEST_MS)
    .map(([what, ms]) => `${what} after ${ms} ms, which is above ${LONGEST_MS}`);
  return {
    ms: Math.max(subscribed, before.changes.at(-1)?.at ?? 0),
    note: `95 in 100 fulfilled after ${times.fulfilled} ms, arrived after ${times.arrived} ms`,
    problems,
    late,
  };
}

/** @param {Stage} stage */
async function stays(stage) {
  const ms = await stage.until({ state: 'online', transport: stage.expected });
  await stage.traffic(WHOLE ? 30_000 : 8_000);
  const { tally } = /** @type {import('../proxies/hostile.js').Hostile} */ (stage.proxy);
  return { ms, note: `${tally.altered} answers replaced`, problems: await stage.leavings() };
}

/** @type {Row[]} */
const ROWS = [
  ...[1, 2].flatMap((most) =>
    /** @type {const} */ (['refused', 'queued']).map(
      (how) =>
        /** @type {Row} */ ({
          row: 45,
          condition: `at most ${most} ${most === 1 ? 'request' : 'requests'} at once, more are ${how}, WebSocket refused`,
          clients: NODE,
          expect: ['sse', 'poll'],
          bound: SETTLED_WITHIN_MS,
          scaled: true,
          proxy: (upstream) =>
            startHostile({ upstream, websocket: 'refused', requestsAtOnce: { most, how } }),
          run: eachSecond,
        }),
    ),
  ),
  {
    row: 46,
    condition: 'each answer to a send is replaced by a page, WebSocket refused',
    clients: BOTH,
    expect: 'sse',
    bound: 1_500,
    scaled: true,
    proxy: (upstream) => startHostile({ upstream, websocket: 'refused', alteredSends: true }),
    run: stays,
  },
];

// The rows spend almost all of their time waiting.
matrix(import.meta.url, 'few requests at once', ROWS, { concurrency: 10 });
