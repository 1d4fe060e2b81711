// @ts-check
/** Proxies that hold the events of a stream back: each until the next one comes, or until a block is full. */
import { setTimeout as pause } from 'node:timers/promises';
import { startHostile } from '../proxies/hostile.js';
import { startNginx } from '../proxies/nginx.js';
import { WHOLE } from './results.js';
import { matrix, RATE } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */
/** @typedef {import('./subject.js').Report} Report */
/** @typedef {import('../proxies/hostile.js').Holding} Holding */

const NODE = /** @type {import('./stage.js').ClientName[]} */ (['node']);
const BOTH = /** @type {import('./stage.js').ClientName[]} */ (['node', 'chromium']);
const NOT_WEBSOCKET = /** @type {import('./stage.js').Transport[]} */ (['poll', 'sse']);

/** A message that took less was delivered promptly. */
const PROMPT_MS = 300;
/** The same on a busy machine: one that is held back for the next message takes 1 s. */
const NEARLY_PROMPT_MS = WHOLE ? PROMPT_MS : 800;
/** Few messages, so that none pushes the one before it out of a buffer. */
const SPARSE = { up: 1, down: 1 };
/** Many messages. A block is often full, so the stream looks well for a while. */
const BUSY = { up: RATE, down: RATE };
const BUSY_DOWN = { up: 0, down: RATE };

/** The rates at which it is tried. @param {Holding} how */
function ratesOf(how) {
  // Many messages push each other out of a proxy that is one event behind.
  if (how === 'one_behind') return [{ up: 0, down: 1 }];
  if (WHOLE) return [SPARSE, BUSY, BUSY_DOWN];
  return how === 4_096 ? [SPARSE, BUSY] : [SPARSE];
}

const REFUSED = { route: 'websocket', request: { answer: { status: 403 } } };

/** Of so many times, 99 in 100 are no longer. @param {number[]} times */
const p99 = (times) => [...times].sort((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? 0;

/** Many messages, then few. Were 99 in 100 prompt? @param {Stage} stage */
async function prompt(stage) {
  const ms = await stage.until({ state: 'online' });
  await stage.traffic(4_000);
  await stage.traffic(6_000, SPARSE);
  await stage.received();
  /** @type {Report} */
  const { deliveries, changes } = await stage.client.call('report', 0);
  const most = p99(deliveries.map(({ ms }) => ms));
  return {
    ms,
    note: `99 in 100 delivered within ${most} ms, by way of ${changes.map(({ to }) => to).join(', ')}`,
    late: most < NEARLY_PROMPT_MS ? [] : [`99 in 100 were delivered within ${most} ms`],
  };
}

/**
 * It begins under an open stream: when was the last message late, or still on its way?
 * @param {Holding} how
 * @param {{ up: number, down: number }} rates
 */
const turns = (how, rates) => async (/** @type {Stage} */ stage) => {
  const WATCHED_MS = 15_000;
  await stage.until({ state: 'online', transport: 'sse' }, 5_000);
  await stage.traffic(undefined, rates);
  await stage.client.call('received', 3, 5_000);
  const { hold } = /** @type {import('../proxies/hostile.js').Hostile} */ (stage.proxy);
  hold(how);
  const since = Date.now();
  await pause(WATCHED_MS);
  await stage.quiet();
  await stage.received();
  /** @type {Report} */
  const { deliveries, changes } = await stage.client.call('report', 0);
  const held = deliveries.filter(({ at }) => at > since);
  const late = held.filter(({ ms }) => ms >= PROMPT_MS);
  const longest = Math.max(...held.map(({ ms }) => ms));
  return {
    ms: Math.max(0, ...late.map(({ at, ms }) => at + ms - since)),
    note: `the latest of ${held.length} messages by ${longest} ms; to ${changes.at(-1)?.to} for ${changes.at(-1)?.reason}`,
  };
};

/** @type {Array<[words: string, row: number, how: Holding, network: object]>} */
const HELD = [
  ['each event of a stream comes with the next', 11, 'one_behind', { until: 'next_chunk' }],
  ...[4, 8, 16].map(
    (kilobytes) =>
      /** @type {[string, number, Holding, object]} */ ([
        `a stream comes in blocks of ${kilobytes} KB`,
        12,
        kilobytes * 1024,
        { until: { block: kilobytes * 1024 } },
      ]),
  ),
];

/** @type {Row[]} */
const ROWS = [
  ...HELD.map(
    ([condition, row, , buffer]) =>
      /** @type {Row} */ ({
        row,
        condition: `${condition}, WebSocket refused`,
        clients: row === 11 ? BOTH : NODE,
        expect: NOT_WEBSOCKET,
        bound: 4_000,
        network: { rules: [REFUSED, { route: 'stream', buffer }] },
        run: prompt,
      }),
  ),
  {
    row: 12,
    condition: 'nginx, HTTP/1.0, buffers of 4 KB, deaf to X-Accel-Buffering',
    clients: BOTH,
    expect: NOT_WEBSOCKET,
    bound: 4_000,
    proxy: (upstream) =>
      startNginx({
        upstream,
        location: [
          'proxy_http_version 1.0;',
          'proxy_ignore_headers X-Accel-Buffering;',
          'proxy_buffer_size 4k;',
          'proxy_buffers 2 4k;',
          'proxy_busy_buffers_size 4k;',
        ],
      }),
    run: prompt,
  },
  ...HELD.filter(([, , how]) => how !== 8_192).flatMap(([condition, row, how]) =>
    ratesOf(how).map(
      (rates) =>
        /** @type {Row} */ ({
          row,
          condition: `${condition}, from the middle of a session on, ${rates.down} messages a second down and ${rates.up} up`,
          clients: NODE,
          expect: NOT_WEBSOCKET,
          // Usually 9 s at most; a busy machine takes longer.
          bound: WHOLE ? 10_000 : 30_000,
          proxy: (upstream) => startHostile({ upstream, websocket: 'refused' }),
          run: turns(how, rates),
        }),
    ),
  ),
];

// Almost all of their time they wait.
matrix(import.meta.url, 'streams held back', ROWS, { concurrency: 30 });
