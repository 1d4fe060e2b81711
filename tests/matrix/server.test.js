// @ts-check
/** The server's own actions: restarts, rolling drains, and transports that it withdraws and offers again. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startGateway } from '../browser/gateway.js';
import { connectTo, post } from '../node/lab.js';
import { startHaproxy, tellHaproxy } from '../proxies/haproxy.js';
import { createClients } from './clients.js';
import { createResults } from './results.js';
import { matrix, RATE } from './stage.js';

/** @typedef {import('./stage.js').Stage} Stage */

const HERD = 200;
const BACK_WITHIN_MS = 30_000;
/** The bound on a stop: 10 s, and a margin. */
const STOPPED_WITHIN_MS = 15_000;
/** The part of these 10 s over which the gateway spreads its requests to leave. */
const JITTER_MS = 6_000;
const LEAST_SPREAD_MS = 0.8 * JITTER_MS;

const results = createResults(import.meta.url);
const clients = createClients();
/** @type {Awaited<ReturnType<typeof startGateway>>} */
let first;
before(async () => {
  first = await startGateway(['serve', '--listen', '127.0.0.1:0']);
});
after(() => clients.close());

/** Starts clients that listen to one channel, and notes when each leaves and returns. @param {string} url */
async function gather(url) {
  const herd = Array.from({ length: HERD }, () => {
    const connection = connectTo(url);
    const one = { connection, left: 0, back: 0, resets: 0, heard: new Set() };
    connection.on('transport', ({ to }) => {
      if (to === null) one.left ||= performance.now();
      if (to === 'websocket' && one.left) one.back = performance.now();
    });
    connection.on('reset', () => {
      one.resets += 1;
    });
    connection.channel('herd').on('message', ({ data }) => one.heard.add(data));
    return one;
  });
  await Promise.all(herd.map(({ connection }) => connection.channel('herd').subscribed));
  return herd;
}

/**
 * Waits until all clients are back and hear one another, and reports every fault.
 * @param {Awaited<ReturnType<typeof gather>>} herd
 * @param {number} begun
 * @param {{ row: number, condition: string }} row
 * @param {boolean} arrivals whether the clients return one by one as they left, instead of waiting for the new server
 */
async function regather(herd, begun, row, arrivals) {
  const settled = () => herd.every(({ connection, back }) => back && connection.transport === 'websocket');
  while (!settled() && performance.now() - begun < BACK_WITHIN_MS + 10_000) await pause(50);
  // A client is on its transport shortly before its subscription is back. The new gateway has no history for that moment, so each
  // client must hear one of these.
  const heardAll = () => herd.every(({ heard }) => heard.has('all back'));
  do {
    await herd[0].connection.channel('herd').publish('all back');
    for (let looks = 0; looks < 20 && !heardAll(); looks++) await pause(50);
  } while (!heardAll() && performance.now() - begun < 50_000);

  const ms = Math.round(Math.max(...herd.map(({ back }) => back)) - begun);
  const spread = (/** @type {number[]} */ times) => Math.round(Math.max(...times) - Math.min(...times));
  const leaving = spread(herd.map(({ left }) => left));
  const arriving = spread(herd.map(({ back }) => back));
  const below = herd.filter(({ connection }) => connection.transport !== 'websocket').length;
  const deaf = herd.filter(({ heard }) => !heard.has('all back')).length;
  const told = herd.filter(({ resets }) => resets === 1).length;
  const problems = [];
  if (ms > BACK_WITHIN_MS) problems.push(`${ms} ms is above ${BACK_WITHIN_MS}`);
  if (below) problems.push(`${below} are not on WebSocket`);
  if (deaf) problems.push(`${deaf} are not subscribed again`);
  if (told !== HERD) problems.push(`${told} of ${HERD} were told once`);
  if (leaving < LEAST_SPREAD_MS) problems.push(`they left within ${leaving} ms`);
  if (arrivals && arriving < LEAST_SPREAD_MS) problems.push(`they came within ${arriving} ms`);
  results.add({
    ...row,
    client: `node × ${HERD}`,
    expected: 'websocket',
    observed: below ? 'mixed' : 'websocket',
    ms,
    bound: BACK_WITHIN_MS,
    ok: problems.length === 0,
    note: [`left over ${leaving} ms, back over ${arriving} ms`, ...problems].join('; '),
  });
  if (problems.length && process.env.THROUGHLINE_EXPLAIN) {
    const last = herd.reduce((one, other) => (one.back > other.back ? one : other));
    console.log(JSON.stringify({ begun, ...last, connection: last.connection.explain() }, null, 1));
  }
  assert.deepEqual(problems, []);
}

async function restarted() {
  const herd = await gather(first.url);
  const begun = performance.now();
  const { host } = new URL(first.url);
  assert.equal(await first.stop(STOPPED_WITHIN_MS), 'ended with status 0');
  const second = await startGateway(['serve', '--listen', host]);
  try {
    await regather(herd, begun, { row: 28, condition: 'restart on the same port, 200 clients' }, false);
  } finally {
    for (const { connection } of herd) connection.close();
    await second.stop();
  }
}

async function drained() {
  const gateways = [
    await startGateway(['serve', '--listen', '127.0.0.1:0']),
    await startGateway(['serve', '--listen', '127.0.0.1:0']),
  ];
  const proxy = await startHaproxy({
    upstream: gateways.map(({ url }) => url),
    proxy: ['timeout client 1h', 'timeout server 1h'],
  });
  await tellHaproxy(proxy, 'set server gateway/s1 state maint');
  const herd = await gather(proxy.url);
  const page = await clients.open('chromium', proxy.url);
  await page.begin({ url: `${proxy.url}/rt`, channel: 'herd', options: {} });
  await page.call('until', { transport: 'websocket' }, 5_000);
  try {
    // This is an orchestrator's order: out of rotation, then the signal.
    await tellHaproxy(proxy, 'set server gateway/s1 state ready');
    await tellHaproxy(proxy, 'set server gateway/s0 state maint');
    const begun = performance.now();
    // The page may be the last client that the gateway asks to leave.
    const left = page.call('until', { transport: null }, BACK_WITHIN_MS).catch(() => false);
    const stopped = gateways[0].stop(STOPPED_WITHIN_MS);
    await regather(herd, begun, { row: 28, condition: 'rolling drain behind HAProxy, 200 clients' }, true);
    assert.equal(await stopped, 'ended with status 0');
    const back =
      (await left) && (await page.call('until', { state: 'online', transport: 'websocket' }, BACK_WITHIN_MS));
    const { state, transport, changes } = await page.call('report', 0);
    const [, gone, again] = changes;
    results.add({
      row: 28,
      condition: 'rolling drain behind HAProxy, a page among them',
      client: 'chromium',
      expected: 'websocket',
      observed: `${transport}`,
      ms: null,
      bound: null,
      ok: back,
      note: `on nothing for ${again?.at - gone?.at} ms`,
    });
    assert.ok(back, `${state} on ${transport}, by way of ${JSON.stringify(changes)}`);
  } finally {
    for (const { connection } of herd) connection.close();
    await page.close();
    await proxy.stop();
    await Promise.all(gateways.map((gateway) => gateway.stop()));
  }
}

// The tests wait for 10 s in which clients come and go.
describe('gateways that stop', { concurrency: 2 }, () => {
  test(
    'row 28: a gateway is stopped and started again on its port; each client is told, and back',
    restarted,
  );
  test(
    'row 28: a gateway behind HAProxy is drained while another takes over; clients move over one by one',
    drained,
  );
});

/** The time within which clients may follow a hint. */
const HINT_JITTER_MS = 1_000;

/** The time after a switch in which the client makes no change. */
const SETTLED_MS = 6_000;

/** Sets the transports that the gateway offers from now on. @param {Stage} stage @param {string[]} transports */
async function offer(stage, transports) {
  stage.mark();
  await post(`${stage.lab.gateway.url}/demo/transports`, { transports, jitter_ms: HINT_JITTER_MS });
}

/** Withdraws WebSocket, and offers it again. @param {Stage} stage */
async function withdrawn(stage) {
  await stage.until({ state: 'online', transport: 'websocket' }, 5_000);
  await stage.traffic();
  await stage.arrived(RATE);
  await offer(stage, ['sse', 'poll']);
  const left = await stage
    .until({ state: 'online', transport: 'sse' })
    .finally(() => pause(SETTLED_MS))
    .finally(() => offer(stage, ['websocket', 'sse', 'poll']));
  const ms = await stage.until({ state: 'online', transport: 'websocket' });
  await pause(1_000);
  const late = left > (stage.row.bound ?? 0) ? [`left only after ${left} ms`] : [];
  const { changes } = await stage.client.call('report', 0);
  const gap = changes.some((/** @type {any} */ { to }) => to === null);
  const problems = gap ? [`for a while on nothing: ${JSON.stringify(changes)}`] : [];
  return { ms, note: `left after ${left} ms`, problems, late };
}

describe('transports withdrawn and offered again', { concurrency: 2 }, () => {
  // Each client has its own gateway, because an offer applies to all clients of a gateway.
  for (const client of /** @type {const} */ (['node', 'chromium']))
    matrix(
      import.meta.url,
      client,
      [
        {
          row: 29,
          condition: 'WebSocket withdrawn by the server, then offered again',
          clients: [client],
          expect: 'websocket',
          bound: HINT_JITTER_MS + 2_000,
          states: 'connecting online',
          run: withdrawn,
        },
      ],
      { results },
    );
});
