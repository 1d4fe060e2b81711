// @ts-check
/** A network that turns hostile during a session, and heals: holes, slowness, jitter. */
import { setTimeout as pause } from 'node:timers/promises';
import { startLine } from '../proxies/line.js';
import { blamedForLong } from './portal.js';
import { WHOLE } from './results.js';
import { matrix, RATE } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */
/** @typedef {import('./stage.js').Transport} Transport */

const BOTH = /** @type {import('./stage.js').ClientName[]} */ (['node', 'chromium']);
const NODE = /** @type {import('./stage.js').ClientName[]} */ (['node']);
const TRANSPORTS = /** @type {Transport[]} */ (['websocket', 'sse', 'poll']);
const NOT_WEBSOCKET = /** @type {Transport[]} */ (['sse', 'poll']);

/** The matrix's bound on the time until the session has left. */
const LEFT_WITHIN_MS = 8_000;

/** Silences all open connections during traffic both ways, and measures the hole. @param {Stage} stage */
async function hole(stage) {
  await stage.until({ state: 'online', transport: stage.expected }, 5_000);
  await stage.traffic();
  await stage.arrived(RATE);
  await stage.front.forget('any');
  await stage.heard(2 * RATE);
  const { down } = await stage.client.call('report', 0);
  return { ms: Math.max(stage.longestGap(), down.longestGapMs) };
}

/** Swallows only WebSockets for a while. The session leaves WebSocket, and returns. @param {Stage} stage */
async function healed(stage) {
  const OUTAGE_MS = WHOLE ? 20_000 : 8_000;
  await stage.until({ state: 'online', transport: 'websocket' }, 5_000);
  await stage.traffic();
  await stage.arrived(RATE);
  await stage.front.set({ rules: [{ route: 'websocket', mute: 'both' }] });
  stage.mark();
  const left = await stage.until({ state: 'online', not: 'websocket' }, LEFT_WITHIN_MS);
  const late = left > LEFT_WITHIN_MS ? [`left only after ${left} ms`] : [];
  await pause(OUTAGE_MS - stage.elapsed());
  await stage.front.set({});
  stage.mark();
  const ms = await stage.until({ state: 'online', transport: 'websocket' });
  await pause(1_000);
  return { ms, note: `an outage of ${OUTAGE_MS / 1000} s, left after ${left} ms`, late };
}

const slow = { rules: [{ route: 'websocket', delay_ms: 1_000 }] };

/**
 * Runs on a network that is slow from the start. After the bound, notes the transport and the time of the
 * change.
 * @param {Stage} stage
 */
async function slowAtFirst(stage) {
  await stage.traffic(stage.row.bound);
  const { changes } = await stage.client.call('report', 0);
  return {
    ms: changes.at(-1)?.at,
    note: `by way of ${changes.map((/** @type {any} */ { to }) => to).join(', ')}`,
  };
}

/** @param {Stage} stage */
async function slowLater(stage) {
  await stage.until({ state: 'online', transport: 'websocket' }, 5_000);
  await stage.traffic();
  await stage.arrived(RATE);
  await stage.front.set(slow);
  stage.mark();
  const ms = await stage.until({ state: 'online', not: 'websocket' });
  await pause(1_000);
  return { ms };
}

/** Slows WebSocket down for a while. The session leaves it, and returns once it is fast again. @param {Stage} stage */
async function slowForAWhile(stage) {
  const { ms: left } = await slowLater(stage);
  await stage.front.set({});
  stage.mark();
  const ms = await stage.until({ state: 'online', transport: 'websocket' });
  return { ms, note: `left after ${left} ms` };
}

/** Slows every transport down, so that a change gains nothing. @param {Stage} stage */
async function allSlow(stage) {
  await stage.until({ state: 'online', transport: 'websocket' }, 5_000);
  await stage.traffic();
  await stage.arrived(RATE);
  // A browser that stalled may have begun with another transport.
  const { changes } = await stage.client.call('report', 0);
  await stage.front.set({ rules: [{ route: 'any', delay_ms: 1_000 }] });
  await pause(20_000);
  return { ms: null, ...(await switches(stage, 0, changes.length)) };
}

/** @param {number} most @returns {(stage: Stage) => Promise<import('./stage.js').Outcome>} */
const unsteady = (most) => async (stage) => {
  await stage.until({ state: 'online' }, 10_000);
  await stage.traffic(WHOLE ? 600_000 : 25_000);
  return { ms: null, ...(await switches(stage, most)) };
};

/**
 * Checks how often the session left a transport after it was first online.
 * @param {Stage} stage
 * @param {number} most
 * @param {number} [before] the number of changes that do not count
 */
async function switches(stage, most, before = 1) {
  const { changes } = await stage.client.call('report', 0);
  const after = changes.slice(before);
  const left = after.filter((/** @type {any} */ { from }) => from !== null).length;
  return {
    note: `${left} changes`,
    problems: left > most ? [`changes: ${JSON.stringify(changes)}`] : [],
  };
}

/** Lets nothing pass, without an event for the page. No transport is to blame. @param {Stage} stage */
async function silentOutage(stage) {
  const OUTAGE_MS = 15_000;
  await stage.until({ state: 'online', transport: 'websocket' }, 5_000);
  await stage.traffic();
  await stage.arrived(RATE);
  await stage.front.set({ rules: [{ route: 'any', mute: 'both', request: 'swallow' }] });
  stage.mark();
  await pause(OUTAGE_MS);
  const problems = await blamedForLong(stage);
  await stage.front.set({});
  stage.mark();
  await stage.until({ state: 'online' });
  await stage.heard(1);
  const ms = stage.elapsed();
  await stage.until({ state: 'online', transport: stage.expected }, 20_000);
  return { ms, problems };
}

/** @type {Row[]} */
const ROWS = [
  ...TRANSPORTS.map(
    (transport) =>
      /** @type {Row} */ ({
        row: 21,
        condition: `each connection by ${transport} falls silent, with traffic`,
        clients: transport === 'websocket' ? BOTH : NODE,
        expect: transport,
        bound: LEFT_WITHIN_MS,
        options: { transports: [transport] },
        run: hole,
      }),
  ),
  {
    row: 23,
    condition: 'WebSockets fall silent, and heal',
    clients: BOTH,
    expect: 'websocket',
    bound: 60_000,
    scaled: true,
    run: healed,
  },
  {
    row: 25,
    condition: 'WebSocket alone takes 2 s, from the start',
    clients: BOTH,
    expect: NOT_WEBSOCKET,
    bound: 20_000,
    network: slow,
    run: slowAtFirst,
  },
  {
    row: 25,
    condition: 'WebSocket alone becomes slow',
    clients: BOTH,
    expect: NOT_WEBSOCKET,
    bound: 20_000,
    run: slowLater,
  },
  {
    row: 25,
    condition: 'everything becomes slow: no change',
    clients: BOTH,
    expect: 'websocket',
    run: allSlow,
  },
  {
    row: 26,
    condition: 'jitter up to 800 ms: at most 1 change',
    clients: BOTH,
    // With such differences between pings, no transport is better, so the row expects no changes.
    expect: TRANSPORTS,
    scaled: true,
    network: { seed: 26, rules: [{ route: 'any', jitter_ms: 800 }] },
    run: unsteady(1),
  },
  {
    row: 26,
    // At this rate, one in 100 would stop 3 s of every 5, each way. Only a dead network is like that.
    condition: 'stalls of 3 s, 1 in 500 pieces (one in 25 s, each way): at most 1 change',
    clients: BOTH,
    expect: TRANSPORTS,
    scaled: true,
    network: { seed: 26, rules: [{ route: 'any', hiccup: { chance: 0.002, for_ms: 3_000 } }] },
    run: unsteady(1),
  },
  {
    row: 26,
    condition:
      'bursts of loss: for 2 s of every 6 s, 3 in 10 pieces are lost and repeated as TCP does: at most 1 change',
    clients: NODE,
    expect: TRANSPORTS,
    scaled: true,
    proxy: (upstream) => startLine({ upstream, losses: { chance: 0.3, forMs: 2_000, everyMs: 6_000 } }),
    run: unsteady(1),
  },
  {
    row: 31,
    condition: 'a hole for everything, and no event tells',
    clients: NODE,
    expect: 'websocket',
    bound: 10_000,
    run: silentOutage,
  },
];

if (WHOLE) {
  ROWS.push({
    row: 25,
    condition: 'WebSocket alone becomes slow, then well again',
    clients: BOTH,
    expect: 'websocket',
    bound: 10 * 60_000,
    run: slowForAWhile,
  });
}

// The rows spend almost all of their time waiting.
matrix(import.meta.url, 'hostile in mid-session', ROWS, { concurrency: 30 });
