// @ts-check
/** The network changes under the client: its address is gone, in silence, and another leads to the gateway. */
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

/** Pages have events while they load, so those of the first 5 s say nothing to the client. */
const LOADED_S = 6;

/** Messages have gone both ways for some seconds when the network changes. @param {Stage} stage @param {Moving} moving @param {number} seconds */
async function moveBusy(stage, moving, seconds) {
  await stage.until({ state: 'online', transport: stage.expected }, 5_000);
  await stage.traffic();
  await stage.arrived(seconds * RATE);
  await moving.move();
}

/** How long is the hole in them? @type {Run} */
async function busy(stage, moving) {
  await moveBusy(stage, moving, 1);
  await stage.heard(2 * RATE);
  const { down } = await stage.client.call('report', 0);
  return { ms: Math.max(stage.longestGap(), down.longestGapMs), problems: stayed(moving) };
}

/** The page has an event: how long after that do they pass again? @type {Run} */
async function busyTold(stage, moving) {
  await moveBusy(stage, moving, LOADED_S);
  stage.mark();
  await moving.tell();
  // All that waited comes at once.
  await stage.heard(2 * RATE);
  return { ms: stage.elapsed(), problems: stayed(moving) };
}

/** Nothing is said: when does a message pass again? @param {boolean} isTold the page has an event @returns {Run} */
const quiet = (isTold) => async (stage, moving) => {
  await stage.until({ state: 'online', transport: stage.expected }, 5_000);
  await stage.subscribed();
  // Whatever follows the welcome is over.
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
  // Not earlier: a message that nobody acknowledges tells of the hole.
  await Promise.all([stage.burst('up', 1, 0), stage.burst('down', 1, 0)]);
  await Promise.all([stage.arrived(1), stage.received()]);
  return { ms: stage.elapsed(), problems: stayed(moving) };
};

/**
 * @param {Transport[]} transports those that the session has, the expected one first
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

/** From the event on. */
const TOLD_MS = 4_000;
// Node may send a request on a connection of the old network, which it has kept. A poll then starts beside a stream that hangs for that.
const TOLD = /** @type {Transport[][]} */ (WHOLE ? [['websocket'], ['sse', 'poll']] : [['websocket']]);
for (const transports of TOLD) {
  ROWS.push(row(transports, 'with traffic, and the page has an `online` event', TOLD_MS, busyTold));
  if (WHOLE) ROWS.push(row(transports, 'idle, and the page has an `online` event', TOLD_MS, quiet(true)));
}

if (WHOLE) {
  // A poll is held, and silent, for 25 s by itself.
  const bound = (/** @type {Transport} */ transport) => (transport === 'poll' ? 30_000 : 20_000);
  ROWS.push(...TRANSPORTS.map((transport) => row([transport], 'idle', bound(transport), quiet(false))));
}

// What a row left, if it failed before it had a session.
after(() => Promise.all([...started].map((moving) => moving.stop())));

// Almost all of their time they wait.
matrix(import.meta.url, 'the network changes', ROWS, { concurrency: 20 });
