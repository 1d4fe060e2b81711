// @ts-check
/** Slow lines that lose nothing. A long transfer is no reason to leave a transport. */
import { startLine } from '../proxies/line.js';
import { WHOLE } from './results.js';
import { matrix } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */
/** @typedef {import('./stage.js').Transport} Transport */

const ALL = /** @type {Transport[]} */ (['websocket', 'sse', 'poll']);
/** Each transport alone, and all together. */
const OFFERED = [...ALL.map((transport) => [transport]), ALL];

/** Bytes a second, each way. */
const RATES = [2_500, 5_000, 16_000];
const LOADS = [
  { count: 1, bytes: 50_000 },
  { count: 100, bytes: 1_000 },
];

/** @param {'up' | 'down'} direction @param {{ count: number, bytes: number }} load */
const delivers = (direction, { count, bytes }) =>
  async function run(/** @type {Stage} */ stage) {
    await stage.until({ state: 'online' }, 10_000);
    await stage.subscribed();
    stage.mark();
    await stage.burst(direction, count, bytes);
    const ms = direction === 'up' ? await stage.arrived(count) : await stage.received();
    return { ms, problems: await stage.leavings() };
  };

/**
 * Returns whether a case belongs to this run. The short form has the fast cases, and the one long message on
 * the slowest line.
 * @param {number} rate
 * @param {number} count
 */
const isChosen = (rate, count) => WHOLE || rate === 16_000 || (count === 1 && rate === 2_500);

/** @type {Row[]} */
const ROWS = RATES.flatMap((rate) =>
  LOADS.filter(({ count }) => isChosen(rate, count)).flatMap((load) =>
    /** @type {const} */ (['up', 'down']).flatMap((direction) =>
      OFFERED.map((transports) => {
        const name = transports.length > 1 ? 'all transports' : `${transports}`;
        return {
          row: 43,
          condition: `${rate} bytes a second, ${load.count} × ${load.bytes / 1000} KB ${direction}, ${name}`,
          clients: /** @type {import('./stage.js').ClientName[]} */ (['node']),
          expect: transports,
          bound: (1.5 * load.count * load.bytes * 1000) / rate + 2_000,
          options: { transports },
          proxy: (/** @type {string} */ upstream) => startLine({ upstream, rate: { up: rate, down: rate } }),
          run: delivers(direction, load),
        };
      }),
    ),
  ),
);

// The rows spend almost all of their time waiting.
matrix(import.meta.url, 'slow lines', ROWS, { concurrency: 48 });
