// @ts-check
/** Paths on which each answer is late, including the answer to the first handshake. The client only needs patience. */
import { startHostile } from '../proxies/hostile.js';
import { startLine } from '../proxies/line.js';
import { WHOLE } from './results.js';
import { matrix } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */

const NODE = /** @type {import('./stage.js').ClientName[]} */ (['node']);
const BOTH = /** @type {import('./stage.js').ClientName[]} */ (['node', 'chromium']);
const TRANSPORTS = /** @type {import('./stage.js').Transport[]} */ (['websocket', 'sse', 'poll']);

/** @param {Stage} stage */
async function online(stage) {
  const ms = await stage.until({ state: 'online' });
  await stage.traffic(3_000);
  await stage.received();
  const { changes } = await stage.client.call('report', 0);
  return { ms, note: `by way of ${changes.map((/** @type {any} */ { to }) => to).join(', ')}` };
}

/**
 * Puts the slow line at the client's side, so that a refusal is late too.
 * @param {import('../proxies/line.js').Faults} faults
 */
const behindRefusals = (faults) => async (/** @type {string} */ upstream) => {
  const refusing = await startHostile({ upstream, websocket: 'refused' });
  const line = await startLine({ ...faults, upstream: refusing.url });
  return { url: line.url, stop: () => Promise.all([line.stop(), refusing.stop()]) };
};

/** @type {Row[]} */
const ROWS = [1_500, 3_000, 6_000].flatMap((lateMs) => [
  {
    row: 44,
    condition: `each answer is ${lateMs / 1000} s late`,
    clients: lateMs === 1_500 && WHOLE ? BOTH : NODE,
    expect: TRANSPORTS,
    bound: 4 * lateMs + 2_000,
    proxy: (upstream) => startLine({ upstream, lateMs }),
    run: online,
  },
  {
    row: 44,
    condition: `each answer is ${lateMs / 1000} s late, WebSocket refused`,
    clients: NODE,
    expect: ['sse', 'poll'],
    bound: 4 * lateMs + 2_000,
    proxy: behindRefusals({ lateMs }),
    run: online,
  },
]);

// The rows spend almost all of their time waiting.
matrix(import.meta.url, 'late answers', ROWS, { concurrency: 10 });
