// @ts-check
/** Proxies that hold a stream's events back: each event until the next one comes, or all until a block is full. */
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

/** The time within which a message counts as prompt. */
const PROMPT_MS = 300;
/** The same time on a busy machine. A message that waits for the next one takes 1 s. */
const NEARLY_PROMPT_MS = WHOLE ? PROMPT_MS : 800;
/** Few messages, so that none pushes the previous one out of a buffer. */
const SPARSE = { up: 1, down: 1 };
/** Many messages. They often fill a block, so the stream looks well for a while. */
const BUSY = { up: RATE, down: RATE };
const BUSY_DOWN = { up: 0, down: RATE };

/** Returns the rates to try. @param {Holding} how */
function ratesOf(how) {
  // Many messages push each other out of a proxy that is one event behind.
  if (how === 'one_behind') return [{ up: 0, down: 1 }];
  if (WHOLE) return [SPARSE, BUSY, BUSY_DOWN];
  return how === 4_096 ? [SPARSE, BUSY] : [SPARSE];
}

const REFUSED = { route: 'websocket', request: { answer: { status: 403 } } };

/** Returns the time that 99 in 100 of these do not exceed. @param {number[]} times */
const p99 = (times) => [...times].sort((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? 0;

/** Sends many messages, then few, and checks that 99 in 100 are prompt. @param {Stage} stage */
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
 * Starts to hold an open stream back, and measures when the last message was late or in flight.
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
          // This usually takes 9 s at most, but longer on a busy machine.
          bound: WHOLE ? 10_000 : 30_000,
          proxy: (upstream) => startHostile({ upstream, websocket: 'refused' }),
          run: turns(how, rates),
        }),
    ),
  ),
];

// The rows spend almost all of their time waiting.
matrix(import.meta.url, 'streams held back', ROWS, { concurrency: 30 });
