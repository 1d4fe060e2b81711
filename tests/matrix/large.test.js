// @ts-check
/** Paths on which a WebSocket loses long pieces, and passes short ones. */
import { setTimeout as pause } from 'node:timers/promises';
import { WHOLE } from './results.js';
import { matrix, RATE } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */
/** @typedef {'up' | 'down'} Direction */

const NOT_WEBSOCKET = /** @type {import('./stage.js').Transport[]} */ (['sse', 'poll']);
const HOLE = { rules: [{ route: 'websocket', mtu: 1_400 }] };
/** The bytes of a message, which exceed the longest piece that passes. */
const PAD = 3_000;
/** The time for which the row watches the session after it has left, and the interval of long messages. */
const WATCHED_MS = WHOLE ? 120_000 : 30_000;
const LONG_EVERY_MS = 4_000;
/** A race may try the WebSocket first before it has proven another transport. */
const MOST_RETURNS = 1;

/**
 * The time until a session leaves. The acknowledgement of a message comes up to 1 s late, and a line that
 * carries 2,000 bytes a second is alive. So up it takes 7 s at least. Down, where nothing arrives any more,
 * it takes 5 s.
 */
const BOUND_MS = { up: 10_000, down: 5_000 };

/**
 * Measures from the first long message when the session has left, and how often it returns into the hole.
 * @param {Direction} direction the direction of the long messages
 * @param {boolean} isLater whether the hole opens in the middle of a session
 */
const leaves = (direction, isLater) => async (/** @type {Stage} */ stage) => {
  await stage.until({ state: 'online', transport: 'websocket' }, 5_000);
  await stage.traffic();
  await stage.arrived(RATE);
  if (isLater) await stage.front.set(HOLE);
  stage.mark();
  await stage.burst(direction, 1, PAD);
  const ms = await stage.until({ state: 'online', not: 'websocket' });
  for (const end = stage.elapsed() + WATCHED_MS; stage.elapsed() < end; ) {
    await pause(LONG_EVERY_MS);
    await stage.burst(direction, 1, PAD);
  }
  const { changes } = await stage.client.call('report', 0);
  const sockets = changes.filter((/** @type {{ to: string | null }} */ { to }) => to === 'websocket');
  const returns = sockets.length - 1;
  const problems = returns > MOST_RETURNS ? [`more than ${MOST_RETURNS}: ${JSON.stringify(changes)}`] : [];
  return { ms, note: `${returns} returns within ${WATCHED_MS / 1000} s`, problems };
};

/** @type {Row[]} */
const ROWS = /** @type {Direction[]} */ (['down', 'up']).flatMap((direction) =>
  [false, true].map(
    (isLater) =>
      /** @type {Row} */ ({
        row: 27,
        condition: `WebSocket loses pieces above 1,400 bytes ${isLater ? 'from the middle of a session on' : 'from the start'}, long messages ${direction}`,
        clients: ['node'],
        expect: NOT_WEBSOCKET,
        // A busy machine takes longer.
        bound: BOUND_MS[direction] + (WHOLE ? 0 : 10_000),
        scaled: true,
        network: isLater ? undefined : HOLE,
        run: leaves(direction, isLater),
      }),
  ),
);

matrix(import.meta.url, 'long pieces', ROWS, { concurrency: 20 });
