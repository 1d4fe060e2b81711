// @ts-check
/**
 * Many signed-in clients whose tokens all end within one minute. No client may notice a refresh: each stays
 * on its leg and receives each message, and a bystander is not slower than before.
 */
import assert from 'node:assert/strict';
import { setPriority } from 'node:os';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { printed, startChild } from '../browser/child.js';
import { connectTo } from '../node/lab.js';
import { signFor, startSigned } from '../tokens.js';
import { createAsking } from './moving.js';
import { createResults, WHOLE } from './results.js';

/** @typedef {import('./refreshing-child.js').Tally} Tally */

const PROGRAM = fileURLToPath(new URL('./refreshing-child.js', import.meta.url));
const TRANSPORTS = /** @type {import('./stage.js').Transport[]} */ (['websocket', 'sse', 'poll']);

/**
 * The clients, the clients of each process, the time between two messages to all, the times of the tokens, and
 * the shortest time of refreshes. The `exp` of a first token comes at least `firstS` after the start, and the
 * gateway adds its leeway of 30 s. The first refresh comes after 60 % of that: meanwhile all clients connect,
 * and the bystander measures.
 */
const SCALE = WHOLE
  ? { clients: 5_000, each: 1_000, everyMs: 2_000, firstS: 75, spreadS: 60, lifeS: [20, 60], watchMs: 60_000 }
  : { clients: 150, each: 150, everyMs: 200, firstS: 2, spreadS: 12, lifeS: [20, 60], watchMs: 15_000 };
const BYSTANDER_EVERY_MS = 50;
/** The fewest figures of the bystander from which a percentile means something. */
const LEAST_FIGURES = 60;
const PATIENCE_MS = 60_000;
const MOST_IN_A_SECOND = 3;
const MOST_SLOWER = 2;
const LEAST_BOUND_MS = 5;
/** Failures of single requests. The client repeats the request on the same leg, so the row only reports them. */
const REPEATED = /^(fetch|requestFailed) /;

const results = createResults(import.meta.url);
/** @type {Awaited<ReturnType<typeof startSigned>>} */
let gateway;
/** @type {Array<{ ask: ReturnType<typeof createAsking>, stop: () => Promise<string> }>} */
const processes = [];
before(async () => {
  // All clients have the address of this machine.
  const limits = ['connections', 'sessions', 'attaches'].map((what) => `${what}_per_address = 0`);
  gateway = await startSigned(['[limits]', ...limits, ''].join('\n'), '0.0.0.0:0');
});
after(async () => {
  for (const { stop } of processes) await stop();
  await gateway?.stop();
});

/** Returns the address for the nth process. One address of 127.0.0.0/8 has too few ports for all clients. @param {number} place */
const urlFor = (place) => `http://127.0.0.${place + 1}:${new URL(gateway.url).port}`;

/** Asks each process. @param {string} method @param {any[]} args @returns {Promise<any[]>} */
const askAll = (method, ...args) => Promise.all(processes.map(({ ask }) => ask(method, ...args)));

/** Starts the processes, and resolves when each client is subscribed. */
async function gather() {
  const { clients, each, firstS, spreadS, lifeS } = SCALE;
  while (processes.length * each < clients) {
    const program = startChild(process.execPath, [PROGRAM], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    processes.push({ ask: createAsking(program.child), stop: program.stop });
    // On a machine with few cores, the clients would measure each other instead of the gateway.
    setPriority(Number(program.child.pid), 10);
    await printed(program, /^ready$/m);
  }
  const endsMs = Date.now() + 1_000 * firstS;
  const order = { secret: gateway.secret, channel: 'herd', transports: TRANSPORTS };
  await Promise.all(
    processes.map(({ ask }, place) =>
      ask('gather', {
        ...order,
        url: `${urlFor(place)}/rt`,
        first: place * each,
        count: each,
        endsMs,
        spreadS,
        lifeS,
      }),
    ),
  );
  await askAll('watch');
}

/** Starts one client that sends to all, and to itself for its latency. */
async function startBystander() {
  const connection = connectTo(urlFor(0), {
    transports: ['websocket'],
    storage: null,
    token: signFor(gateway.secret, 'bystander'),
  });
  /** @type {Array<{ at: number, ms: number }>} */
  const figures = [];
  let sent = 0;
  connection.channel('own').on('message', ({ data }) => {
    figures.push({ at: Date.now(), ms: performance.now() - data });
  });
  await connection.channel('own').subscribed;
  const own = setInterval(
    () => connection.channel('own').publish(performance.now()).catch(ignore),
    BYSTANDER_EVERY_MS,
  );
  const all = setInterval(() => connection.channel('herd').publish(++sent).catch(ignore), SCALE.everyMs);
  return {
    figures,
    /** Ends the messages to all. Returns their number. */
    quiet() {
      clearInterval(all);
      return sent;
    },
    close() {
      clearInterval(own);
      clearInterval(all);
      connection.close();
    },
  };
}

/** A message that is not published is missing at its receivers, which report it. */
const ignore = () => {};

/** Adds the reports of the processes. @param {Tally[]} reports */
function sum(reports) {
  /** @type {Record<string, number>} */
  const total = {};
  /** @type {Record<string, number>} */
  const events = {};
  /** @type {Record<string, number>} */
  const refreshed = {};
  const add = (/** @type {Record<string, number>} */ to, /** @type {Record<string, number>} */ from) => {
    for (const [key, value] of Object.entries(from)) to[key] = (to[key] ?? 0) + value;
  };
  for (const report of reports) {
    add(total, report.total);
    add(events, report.events);
    add(refreshed, report.refreshed);
  }
  return { total, events, refreshed };
}

/** Resolves when the refreshes have lasted long enough, and each client had one. Returns the time of the first. */
async function refreshesPass() {
  const deadline = Date.now() + 1_000 * (SCALE.firstS + SCALE.spreadS) + PATIENCE_MS;
  for (;;) {
    await pause(500);
    const { total, refreshed } = sum(await askAll('report', 0));
    const first = 1_000 * Math.min(...Object.keys(refreshed).map(Number));
    const isOver = Date.now() - first >= SCALE.watchMs && total.unrefreshed === 0;
    if (isOver || Date.now() > deadline) return first;
  }
}

/** Returns the time that 99 in 100 of these do not exceed. @param {Array<{ ms: number }>} figures */
const p99 = (figures) =>
  figures.map(({ ms }) => ms).sort((a, b) => a - b)[Math.ceil(figures.length * 0.99) - 1] ?? 0;

/** @param {number} first @param {Record<string, number>} refreshed */
function judgeRate(first, refreshed) {
  const seconds = Math.max(1, Math.floor((Date.now() - first) / 1_000));
  const all = Object.values(refreshed).reduce((a, b) => a + b, 0);
  const worst = Math.max(0, ...Object.values(refreshed));
  const mean = all / seconds;
  const text = `${all} refreshes in ${seconds} s, ${worst} in the worst second, ${mean.toFixed(1)} in the mean`;
  return { text, fault: worst > MOST_IN_A_SECOND * mean ? text : '' };
}

/** @param {Array<{ at: number, ms: number }>} figures @param {number} gathered @param {number} first */
function judgeLatency(figures, gathered, first) {
  const before = figures.filter(({ at }) => at >= gathered && at < first);
  const during = figures.filter(({ at }) => at >= first);
  const bound = Math.max(LEAST_BOUND_MS, MOST_SLOWER * p99(before));
  const text = `p99 of a bystander ${p99(before).toFixed(1)} ms before (${before.length} messages), ${p99(during).toFixed(1)} ms during (${during.length})`;
  const isFew = before.length < LEAST_FIGURES;
  return { text, fault: isFew ? `${text}: too few` : p99(during) > bound ? text : '' };
}

test(`the tokens of ${SCALE.clients} clients end within one minute`, async () => {
  const begun = Date.now();
  await gather();
  const gathered = Date.now();
  const bystander = await startBystander();
  try {
    const first = await refreshesPass();
    const rate = judgeRate(first, sum(await askAll('report', 0)).refreshed);
    const latency = judgeLatency(bystander.figures, gathered, first);
    const sent = bystander.quiet();
    await askAll('received', sent, 15_000);
    const { total, events } = sum(await askAll('report', sent));
    const seen = Object.entries({ ...total, ...events }).filter(([, count]) => count > 0);
    const amiss = seen.filter(([name]) => !REPEATED.test(name)).map(([name, count]) => `${name}: ${count}`);
    const repeated = seen.filter(([name]) => REPEATED.test(name)).map(([name, count]) => `${name}: ${count}`);
    const problems = [...amiss];
    if (WHOLE) problems.push(...[rate.fault, latency.fault].filter(Boolean));
    results.add({
      row: 49,
      condition: `the tokens of ${SCALE.clients} clients end within one minute, a third on each transport`,
      client: `node × ${SCALE.clients}`,
      expected: 'no leg ends',
      observed: amiss.length ? 'faults' : 'no leg ended',
      ms: null,
      bound: null,
      ok: problems.length === 0,
      whole: WHOLE,
      note: [
        `online after ${gathered - begun} ms`,
        `${sent} messages to each`,
        rate.text,
        latency.text,
        ...repeated,
        ...problems,
      ].join('; '),
    });
    assert.deepEqual(problems, []);
  } finally {
    bystander.close();
    await askAll('close').catch(ignore);
  }
});
