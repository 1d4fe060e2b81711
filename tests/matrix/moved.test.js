// @ts-check
/** The network changes under the client: its address disappears in silence, and another one leads to the gateway. */
import { after } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startMoving } from './moving.js';
import { WHOLE } from './results.js';
import { matrix, RATE } from './stage.js';

/** @typedef {import('./moving.js').Moving} Moving */
/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */
/** @typedef {import('./stage.js').Transport} Transport */

/** @typedef {(stage: Stage, moving: Moving) => Promise<import('./stage.js').Outcome>} Run */

const TRANSPORTS = /** @type {Transport[]} */ (['websocket', 'sse', 'poll']);
const ROUTE = /** @type {const} */ ({ websocket: 'websocket', sse: 'stream', poll: 'poll' });

/** @type {Set<Moving>} */
const started = new Set();

/** @param {Moving} moving */
const stayed = (moving) => (moving.hasMoved() ? [] : ['nothing ever came from the second network']);

/** Pages have events while they load, so the client ignores the events of the first 5 s. */
const LOADED_S = 6;

/**
 * Changes the network after some seconds of messages both ways.
 * @param {Stage} stage
 * @param {Moving} moving
 * @param {number} seconds
 */
async function moveBusy(stage, moving, seconds) {
  await stage.until({ state: 'online', transport: stage.expected }, 5_000);
  await stage.traffic();
  await stage.arrived(seconds * RATE);
  await moving.move();
}

/** Measures the hole in the messages. @type {Run} */
async function busy(stage, moving) {
  await moveBusy(stage, moving, 1);
  await stage.heard(2 * RATE);
  const { down } = await stage.client.call('report', 0);
  return { ms: Math.max(stage.longestGap(), down.longestGapMs), problems: stayed(moving) };
}

/** Measures the time from the page's event until messages pass again. @type {Run} */
async function busyTold(stage, moving) {
  await moveBusy(stage, moving, LOADED_S);
  stage.mark();
  await moving.tell();
  // All waiting messages come at once.
  await stage.heard(2 * RATE);
  return { ms: stage.elapsed(), problems: stayed(moving) };
}

/** Measures when an idle session passes a message again. @param {boolean} isTold true if the page has an event @returns {Run} */
const quiet = (isTold) => async (stage, moving) => {
  await stage.until({ state: 'online', transport: stage.expected }, 5_000);
  await stage.subscribed();
  // This lets the exchange after the welcome end.
  await pause(isTold ? 1_000 * LOADED_S : 3_000);
  const begun = async () => {
    const { begun } = await stage.front.show();
    return [stage.row.expect].flat().reduce((sum, transport) => sum + begun[ROUTE[transport]], 0);
  };
  await moving.move();
  const before = await begun();
  stage.mark();
  if (isTold) await moving.tell();
  const longest = (stage.row.bound ?? 0) + 15_000;
  while ((await begun()) === before && stage.elapsed() < longest) await pause(50);
  // The messages must not come earlier: a message without an acknowledgement reveals the hole.
  await Promise.all([stage.burst('up', 1, 0), stage.burst('down', 1, 0)]);
  await Promise.all([stage.arrived(1), stage.received()]);
  return { ms: stage.elapsed(), problems: stayed(moving) };
};

/**
 * @param {Transport[]} transports the session's transports, the expected one first
 * @param {string} how
 * @param {number} bound
 * @param {Run} run
 * @returns {Row}
 */
function row(transports, how, bound, run) {
  /** @type {Moving} */
  let moving;
  return {
    row: 30,
    condition: `the address changes under ${transports.join(' and ')}, ${how}`,
    clients: ['node'],
    expect: transports,
    bound,
    options: { transports },
    proxy: async (upstream) => {
      moving = await startMoving(upstream);
      started.add(moving);
      return moving;
    },
    run: (stage) => run(stage, moving),
  };
}

const ROWS = (WHOLE ? TRANSPORTS : TRANSPORTS.slice(0, 1)).map((transport) =>
  row([transport], 'with traffic', 8_000, busy),
);

/** The bound from the event on. */
const TOLD_MS = 4_000;
// Node may send a request on a connection of the old network, which it has kept. A poll then starts beside
// the stream, which hangs for that reason.
const TOLD = /** @type {Transport[][]} */ (WHOLE ? [['websocket'], ['sse', 'poll']] : [['websocket']]);
for (const transports of TOLD) {
  ROWS.push(row(transports, 'with traffic, and the page has an `online` event', TOLD_MS, busyTold));
  if (WHOLE) ROWS.push(row(transports, 'idle, and the page has an `online` event', TOLD_MS, quiet(true)));
}

if (WHOLE) {
  // A poll waits silently for 25 s by itself.
  const bound = (/** @type {Transport} */ transport) => (transport === 'poll' ? 30_000 : 20_000);
  ROWS.push(...TRANSPORTS.map((transport) => row([transport], 'idle', bound(transport), quiet(false))));
}

// A row that fails before it has a session leaves its process running.
after(() => Promise.all([...started].map((moving) => moving.stop())));

// The rows spend almost all of their time waiting.
matrix(import.meta.url, 'the network changes', ROWS, { concurrency: 20 });
