// @ts-check
/** Paths on which a WebSocket loses long pieces that come down, and passes short ones. */
import { WHOLE } from './results.js';
import { matrix, RATE } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */

const NOT_WEBSOCKET = /** @type {import('./stage.js').Transport[]} */ (['sse', 'poll']);
const HOLE = { rules: [{ route: 'websocket', mtu: 1_400 }] };
/** The data of a message are longer than what passes. */
const PAD = 3_000;

/**
 * From the first long message on, when is the session elsewhere? Whether it returns into the hole later is not watched.
 * @param {boolean} isLater the hole opens in the middle of a session
 */
const leaves = (isLater) => async (/** @type {Stage} */ stage) => {
  await stage.until({ state: 'online', transport: 'websocket' }, 5_000);
  await stage.traffic();
  await stage.arrived(RATE);
  if (isLater) await stage.front.set(HOLE);
  stage.mark();
  await stage.burst('down', 1, PAD);
  return { ms: await stage.until({ state: 'online', not: 'websocket' }) };
};

/** @type {Row[]} */
const ROWS = [false, true].map(
  (isLater) =>
    /** @type {Row} */ ({
      row: 27,
      condition: `WebSocket loses pieces above 1,400 bytes ${isLater ? 'from the middle of a session on' : 'from the start'}, long messages down`,
      clients: ['node'],
      expect: NOT_WEBSOCKET,
      // Usually 4.7 s at most; a busy machine takes longer.
      bound: WHOLE ? 5_000 : 15_000,
      network: isLater ? undefined : HOLE,
      run: leaves(isLater),
    }),
);

matrix(import.meta.url, 'long pieces', ROWS, { concurrency: 20 });
