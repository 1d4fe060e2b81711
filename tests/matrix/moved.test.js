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

const TRANSPORTS = /** @type {Transport[]} */ (['websocket', 'sse', 'poll']);
const ROUTE = /** @type {const} */ ({ websocket: 'websocket', sse: 'stream', poll: 'poll' });

/** @type {Set<Moving>} */
const started = new Set();

/** @param {Moving} moving */
const stayed = (moving) => (moving.hasMoved() ? [] : ['nothing ever came from the second network']);

/** Messages go both ways: how long is the hole in them? @param {Stage} stage @param {Moving} moving */
async function busy(stage, moving) {
  await stage.until({ state: 'online', transport: stage.expected }, 5_000);
  await stage.traffic();
  await stage.arrived(RATE);
  await moving.move();
  await stage.heard(2 * RATE);
  const { down } = await stage.client.call('report', 0);
  return { ms: Math.max(stage.longestGap(), down.longestGapMs), problems: stayed(moving) };
}

/** Nothing is said: when does a message pass again? @param {Stage} stage @param {Moving} moving */
async function quiet(stage, moving) {
  await stage.until({ state: 'online', transport: stage.expected }, 5_000);
  await stage.subscribed();
  // Whatever follows the welcome is over.
  await pause(3_000);
  const begun = async () => (await stage.front.show()).begun[ROUTE[stage.expected]];
  await moving.move();
  const before = await begun();
  stage.mark();
  const longest = (stage.row.bound ?? 0) + 15_000;
  while ((await begun()) === before && stage.elapsed() < longest) await pause(50);
  // Not earlier: a message that nobody acknowledges tells of the hole.
  await Promise.all([stage.burst('up', 1, 0), stage.burst('down', 1, 0)]);
  await Promise.all([stage.arrived(1), stage.received()]);
  return { ms: stage.elapsed(), problems: stayed(moving) };
}

/**
 * @param {Transport} transport
 * @param {string} how
 * @param {number} bound
 * @param {(stage: Stage, moving: Moving) => Promise<import('./stage.js').Outcome>} run
 * @returns {Row}
 */
function row(transport, how, bound, run) {
  /** @type {Moving} */
  let moving;
  return {
    row: 30,
    condition: `the address changes under ${transport}, ${how}`,
    clients: ['node'],
    expect: transport,
    bound,
    options: { transports: [transport] },
    proxy: async (upstream) => {
      moving = await startMoving(upstream);
      started.add(moving);
      return moving;
    },
    run: (stage) => run(stage, moving),
  };
}

const ROWS = (WHOLE ? TRANSPORTS : TRANSPORTS.slice(0, 1)).map((transport) =>
  row(transport, 'with traffic', 8_000, busy),
);

if (WHOLE) {
  // A poll is held, and silent, for 25 s by itself.
  const bound = (/** @type {Transport} */ transport) => (transport === 'poll' ? 30_000 : 20_000);
  ROWS.push(...TRANSPORTS.map((transport) => row(transport, 'idle', bound(transport), quiet)));
}

// What a row left, if it failed before it had a session.
after(() => Promise.all([...started].map((moving) => moving.stop())));

// Almost all of their time they wait.
matrix(import.meta.url, 'the network changes', ROWS, { concurrency: 20 });
