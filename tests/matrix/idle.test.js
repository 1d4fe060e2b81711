// @ts-check
/** Paths that cut connections: idle ones, loudly or in silence, and ones of a certain age, even if they are busy. */
import { setTimeout as pause } from 'node:timers/promises';
import { startHaproxy } from '../proxies/haproxy.js';
import { NGINX, startNginx } from '../proxies/nginx.js';
import { WHOLE } from './results.js';
import { matrix, RATE } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */

const BOTH = /** @type {import('./stage.js').ClientName[]} */ (['node', 'chromium']);
const TRANSPORTS = /** @type {import('./stage.js').Transport[]} */ (['websocket', 'sse', 'poll']);
const ROUTE = /** @type {const} */ ({ websocket: 'websocket', sse: 'stream', poll: 'poll' });

/** The number of cuts after which the client avoids further ones. */
const LESSONS = 2;

/** The reasons that a leg ends with if something on the path cut it. */
const CUT = ['closed', 'stalled', 'timeout', 'refused', 'mute'];

/** Measures when the session has its next leg. @param {Stage} stage */
async function forgotten(stage) {
  await stage.until({ state: 'online', transport: stage.expected }, 5_000);
  await stage.subscribed();
  // This lets the exchange after the welcome end.
  await pause(3_000);
  const route = ROUTE[stage.expected];
  const before = (await stage.front.show()).begun[route];
  await stage.front.forget('any');
  stage.mark();
  const longest = (stage.row.bound ?? 0) + 15_000;
  while ((await stage.front.show()).begun[route] === before && stage.elapsed() < longest) await pause(50);
  await stage.until({ state: 'online' });
  return { ms: stage.elapsed() };
}

/**
 * Checks that the cuts end after the lessons, and that the last part of the time has none.
 * @param {number} ageMs the age at which the path cuts
 * @param {number} watchedMs
 */
const learns = (ageMs, watchedMs) => async (/** @type {Stage} */ stage) => {
  await stage.until({ state: 'online', transport: stage.expected }, 5_000);
  await stage.subscribed();
  await pause(watchedMs);
  const now = stage.elapsed();
  const { changes, explain } = await stage.client.call('report', 0);
  const cuts = changes.slice(1).filter((/** @type {any} */ { from, reason }) => from && CUT.includes(reason));
  const last = cuts.at(-1)?.at ?? 0;
  const problems = [];
  if (cuts.length > LESSONS)
    problems.push(`cut ${cuts.length} times, at ${cuts.map((/** @type {any} */ { at }) => at)} ms`);
  if (now - last < 3 * ageMs) problems.push(`the last cut was only ${now - last} ms ago`);
  return {
    ms: null,
    note: `${cuts.length} cuts in ${now} ms, heartbeat ${explain.heartbeat_ms} ms`,
    problems,
  };
};

/** The most cuts from which a client learns the age at which a path ends its streams. On an idle path, two look like idle cuts. */
const LESSONS_OF_AGE = 3;
/** The longest gap in a session that replaces each stream in time. */
const GAP_MS = 1_000;

/**
 * All responses end at one age. After the lessons no cut ends a stream, and steady messages have no gap.
 * @param {number} ageMs
 * @param {{ up: number, down: number }} [rates] without rates, the session is idle until it has learned
 */
const rotates = (ageMs, rates) => async (/** @type {Stage} */ stage) => {
  const isDead = (/** @type {any} */ { from, to }) => from !== null && to === null;
  const cuts = async () => (await stage.client.call('report', 0)).changes.filter(isDead).length;
  await stage.until({ state: 'online' }, 5_000);
  await stage.subscribed();
  if (rates) await stage.traffic(undefined, rates);
  const lessons = rates ? LESSONS_OF_AGE - 1 : LESSONS_OF_AGE;
  while ((await cuts()) < lessons && stage.elapsed() < (lessons + 1) * (ageMs + 1_500)) await pause(50);
  const taught = await cuts();
  stage.mark();
  await stage.until({ state: 'online' }, 5_000);
  await stage.traffic(undefined, { up: RATE, down: RATE });
  // The counters keep only the longest gap, and the lessons caused one. So the row starts counting again here.
  const before = (await stage.client.call('report', 0)).down.received;
  const watchedMs = Math.max(3 * ageMs, 15_000);
  await pause(watchedMs);
  /** @type {import('./subject.js').Report} */
  const { deliveries, explain } = await stage.client.call('report', 0);
  const times = deliveries.slice(before).map(({ at, ms }) => at + ms);
  const ms = Math.max(...times.slice(1).map((time, place) => time - (times[place] ?? time)));
  const all = await cuts();
  const rotations = explain.attempts.filter((/** @type {any} */ { purpose }) => purpose === 'age').length;
  return {
    ms,
    note: `${taught} cuts, then ${all - taught} in ${watchedMs} ms, ${rotations} streams replaced`,
    // The client may still rest streams while the first loop waits for the second lesson. That lesson then
    // comes later.
    problems: all > lessons ? [`cut ${all} times; ${lessons} must teach it`] : [],
  };
};

/** The ages as the matrix states them. The short form uses a tenth of the shorter ones. */
const AGES_MS = WHOLE ? [30_000, 60_000, 100_000] : [3_000, 6_000];

/** @type {Row[]} */
const ROWS = [
  ...AGES_MS.flatMap((ageMs) =>
    [{ up: RATE, down: RATE }, undefined].map(
      (rates) =>
        /** @type {Row} */ ({
          row: 15,
          condition: `every response ends after ${ageMs / 1000} s, WebSocket refused, ${rates ? 'with traffic' : 'idle'}`,
          clients: ['node'],
          expect: ageMs < 5_000 ? 'poll' : 'sse',
          bound: GAP_MS,
          scaled: true,
          network: {
            rules: [
              { route: 'websocket', request: { answer: { status: 403 } } },
              { route: 'any', cut_after_ms: ageMs },
            ],
          },
          run: rotates(ageMs, rates),
        }),
    ),
  ),
  ...TRANSPORTS.map(
    (transport) =>
      /** @type {Row} */ ({
        row: 22,
        condition: `each connection by ${transport} falls silent, idle`,
        clients: transport === 'websocket' ? BOTH : ['node'],
        expect: transport,
        // A poll waits silently for 25 s by itself.
        bound: transport === 'poll' ? 30_000 : 20_000,
        options: { transports: [transport] },
        run: forgotten,
      }),
  ),
  ...TRANSPORTS.map(
    (transport) =>
      /** @type {Row} */ ({
        row: 14,
        condition: `idle ${transport} cut: nginx proxy_read_timeout 4s`,
        clients: transport === 'websocket' ? BOTH : ['node'],
        expect: transport,
        options: { transports: [transport] },
        proxy: (upstream) =>
          startNginx({
            upstream,
            location: [...NGINX.websocket.location, 'proxy_read_timeout 4s;'],
          }),
        run: learns(4_000, 30_000),
      }),
  ),
  {
    row: 14,
    condition: 'idle websocket cut: HAProxy timeout client, server, tunnel 4s',
    clients: BOTH,
    expect: 'websocket',
    options: { transports: ['websocket'] },
    proxy: (upstream) =>
      startHaproxy({ upstream, proxy: ['timeout client 4s', 'timeout server 4s', 'timeout tunnel 4s'] }),
    run: learns(4_000, 30_000),
  },
];

if (WHOLE) {
  // Only a missing heartbeat reveals a silent cut: twice after 20 s, and then in the third cycle.
  ROWS.push({
    row: 14,
    condition: 'idle websocket forgotten after 8 s, in silence',
    clients: BOTH,
    expect: 'websocket',
    options: { transports: ['websocket'] },
    // biome-ignore lint/suspicious/noThenProperty: it is the word of netlab's JSON
    network: { rules: [{ route: 'any', idle: { after_ms: 8_000, then: 'drop' } }] },
    run: learns(8_000, 80_000),
  });
}

// The rows spend almost all of their time waiting.
matrix(import.meta.url, 'paths that cut', ROWS, { concurrency: 20 });
