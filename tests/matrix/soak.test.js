// @ts-check
/**
 * Random conditions, one after the other, under a session that never pauses. Nothing may be lost, duplicated,
 * reordered or left behind, and the heap must stay flat. This takes 40 s here, and ten minutes with
 * `make soak`. THROUGHLINE_SEED repeats a run's conditions.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connectTo, startLab } from '../node/lab.js';
import { createClients } from './clients.js';
import { createResults } from './results.js';
import { createPlatform, createRandom, createStrictCounter } from './soak.js';
import { RATE } from './stage.js';
import { createSender } from './subject.js';

const SOAK_MS = 1000 * Number(process.env.THROUGHLINE_SOAK_S ?? 40);
const LONG = SOAK_MS >= 600_000;
/** The shortest and the longest time of a condition. */
const [SHORTEST_MS, LONGEST_MS] = LONG ? [5_000, 30_000] : [3_000, 8_000];
const SEED = Number(process.env.THROUGHLINE_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** The time to settle after the last condition. It exceeds any pause of the client between two attempts. */
const SETTLES_WITHIN_MS = 45_000;
/** The most open sockets: one leg in use and two that try. A socket that the client gave up closes slowly on a mute network. */
const MOST_SOCKETS = 8;
/**
 * The growth of the heap after a collection, from the second third of the run to the last. In the first
 * third, code loads and compiles: 2 MB in ten seconds. Then the heap is flat for ten minutes, within 1 MB
 * between two readings.
 */
const MOST_GROWTH = 2 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** @typedef {Awaited<ReturnType<Awaited<ReturnType<typeof startLab>>['front']>>} Front */

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
const clients = createClients();
const results = createResults(import.meta.url);
before(async () => {
  lab = await startLab();
});
after(async () => {
  await clients.close();
  await lab.gateway.stop();
});

/**
 * Returns all conditions of a network, by name.
 * @returns {Promise<Array<{ name: string, apply: (front: Front) => Promise<unknown> }>>}
 */
async function conditions() {
  const named = await (await fetch(`${lab.gateway.url}/demo/networks`)).json();
  const set = (/** @type {string} */ name, /** @type {object} */ network) => ({
    name,
    apply: (/** @type {Front} */ front) => front.set(network),
  });
  return [
    ...named.map((/** @type {{ name: string }} */ { name }) => set(name, { named: name })),
    set('websocket-slow', { rules: [{ route: 'websocket', delay_ms: 1_000 }] }),
    set('stalled', { rules: [{ route: 'any', stall: 'both' }] }),
    set('sends-twice', { rules: [{ route: 'send', request: 'twice' }] }),
    set('streams-cut', { rules: [{ route: 'stream', cut_after_ms: 2_000 }] }),
    { name: 'all reset once', apply: (front) => front.set({}).then(() => front.kill('any')) },
    { name: 'all forgotten once', apply: (front) => front.set({}).then(() => front.forget('any')) },
  ];
}

/**
 * Applies one condition after the other for the whole time, then clears the network.
 * @param {Front} front
 * @param {number} seed
 * @param {() => void} each
 */
async function disturb(front, seed, each) {
  const random = createRandom(seed);
  const choices = await conditions();
  const begun = performance.now();
  const story = [];
  while (performance.now() - begun < SOAK_MS) {
    const { name, apply } = choices[Math.floor(random() * choices.length)];
    story.push(`${Math.round((performance.now() - begun) / 1000)} s ${name}`);
    await apply(front);
    const lasts = SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS);
    await pause(Math.min(lasts, SOAK_MS - (performance.now() - begun)));
    each();
  }
  await front.set({});
  return story;
}

/** @param {() => boolean} holds @param {number} withinMs */
async function eventually(holds, withinMs) {
  const deadline = performance.now() + withinMs;
  while (!holds() && performance.now() < deadline) await pause(50);
}

describe('soak', { concurrency: 2 }, () => {
  test(`in Node, ${SOAK_MS / 1000} s, seed ${SEED}`, inNode);
  test(`in Chromium, ${SOAK_MS / 1000} s, seed ${SEED + 1}`, inChromium);
});

/** @param {import('node:test').TestContext} t */
async function inNode(t) {
  console.log(`soak: seed ${SEED}; THROUGHLINE_SEED=${SEED} repeats it`);
  const front = await lab.front();
  const platform = createPlatform();
  const witness = connectTo(lab.gateway.url);
  const main = connectTo(front.url, platform.options);
  t.after(() => {
    main.close();
    witness.close();
  });
  const up = createStrictCounter();
  const down = createStrictCounter();
  let resets = 0;
  main.on('reset', () => {
    resets += 1;
  });
  witness.channel('soak/up').on('message', ({ data }) => up.take(data));
  main.channel('soak/down').on('message', ({ data }) => down.take(data));
  await Promise.all([witness.channel('soak/up').subscribed, main.channel('soak/down').subscribed]);
  const sentUp = createSender((number) => main.channel('soak/up').publish(number));
  const sentDown = createSender((number) => witness.channel('soak/down').publish(number));
  /** @type {number[]} */
  const heap = [];
  sentUp.start(RATE);
  sentDown.start(RATE);
  const story = await disturb(front, SEED, () => {
    collect();
    heap.push(process.memoryUsage().heapUsed);
  });
  sentUp.stop();
  sentDown.stop();
  const settled = () =>
    main.state === 'online' && up.seen.last === sentUp.sent && down.seen.last === sentDown.sent;
  await eventually(settled, SETTLES_WITHIN_MS);
  const { state, transport } = main;
  main.close();
  witness.close();
  const idle = () => Object.values(platform.used()).every((count) => count === 0);
  await eventually(idle, 35_000);
  const left = { ...platform.used() };
  // The far side of a swallowed connection learns of its end from silence: five heartbeats.
  let open = {};
  if (LONG) {
    const deadline = performance.now() + 100_000;
    do {
      open = (await front.show()).open;
      await pause(500);
    } while (Object.values(open).some((count) => count > 0) && performance.now() < deadline);
  }

  const third = Math.ceil(heap.length / 3);
  const growth = Math.min(...heap.slice(-third)) - Math.min(...heap.slice(third, -third));
  const seen = {
    state,
    up: { sent: sentUp.sent, ...up.seen },
    down: { sent: sentDown.sent, ...down.seen },
  };
  const problems = [];
  for (const [direction, { sent, last, lost, duplicated }] of /** @type {const} */ ([
    ['up', seen.up],
    ['down', seen.down],
  ])) {
    if (last !== sent || lost || duplicated) {
      problems.push(
        `${direction}: ${sent} sent, the last seen ${last}, ${lost} lost or late, ${duplicated} duplicated or late`,
      );
    }
  }
  if (state !== 'online') problems.push(`it ended ${state}`);
  if (resets) problems.push(`${resets} resets`);
  if (Object.keys({ ...sentUp.rejected, ...sentDown.rejected }).length) {
    problems.push(`rejected ${JSON.stringify({ ...sentUp.rejected, ...sentDown.rejected })}`);
  }
  if (Object.values(left).some((count) => count > 0)) problems.push(`left behind ${JSON.stringify(left)}`);
  if (Object.values(open).some((count) => count > 0))
    problems.push(`open at the front ${JSON.stringify(open)}`);
  if (platform.peak.sockets > MOST_SOCKETS) problems.push(`${platform.peak.sockets} sockets at once`);
  if (growth > MOST_GROWTH) problems.push(`the heap grew by ${Math.round(growth / 1024)} KB`);
  results.add({
    row: 40,
    condition: `soak: ${SOAK_MS / 1000} s of random conditions`,
    client: 'node',
    expected: '0 lost, 0 duplicated, 0 reordered, nothing left behind',
    observed: `${transport}`,
    ms: null,
    bound: null,
    ok: problems.length === 0,
    whole: LONG,
    note: [
      `seed ${SEED}, ${story.length} conditions, ${seen.up.sent + seen.down.sent} messages, longest gap ${Math.max(up.seen.longestGapMs, down.seen.longestGapMs)} ms`,
      `heap ${growth < 0 ? '' : '+'}${Math.round(growth / 1024)} KB, at once at most ${platform.peak.sockets} sockets, ${platform.peak.requests} requests, ${platform.peak.timers} timers`,
      ...problems,
    ].join('; '),
  });
  assert.deepEqual({ problems, story: problems.length ? story : [] }, { problems: [], story: [] });
}

/** @param {import('node:test').TestContext} t */
async function inChromium(t) {
  const front = await lab.front();
  const witness = connectTo(lab.gateway.url);
  t.after(() => witness.close());
  const up = createStrictCounter();
  witness.channel('page/up').on('message', ({ data }) => up.take(data.number));
  await witness.channel('page/up').subscribed;
  const sent = createSender((number) => witness.channel('page/down').publish({ number }));
  const client = await clients.open('chromium', front.url);
  await client.page?.evaluate(countListeners);
  await client.begin({ url: `${front.url}/rt`, channel: 'page', options: {} });
  await client.call('subscribed');
  await client.call('start', RATE);
  sent.start(RATE);
  const story = await disturb(front, SEED + 1, () => {});
  sent.stop();
  const published = await client.call('stop');
  await client.call('received', sent.sent, SETTLES_WITHIN_MS);
  await eventually(() => up.seen.last === published, SETTLES_WITHIN_MS);
  await client.call('until', { state: 'online' }, SETTLES_WITHIN_MS);
  const report = await client.call('report', sent.sent);
  await client.call('close');
  const listeners = await client.page?.evaluate(() => Reflect.get(window, 'listeners').length);
  await client.close();
  witness.close();

  const { state, transport, resets, rejected, down } = report;
  const problems = [];
  if (up.seen.last !== published || up.seen.lost || up.seen.duplicated) {
    problems.push(`up: ${published} sent, ${JSON.stringify(up.seen)}`);
  }
  if (down.lost || down.duplicated || down.reordered) problems.push(`down: ${JSON.stringify(down)}`);
  if (state !== 'online') problems.push(`it ended ${state}`);
  if (resets.length) problems.push(`resets ${JSON.stringify(resets)}`);
  if (Object.keys(rejected).length) problems.push(`rejected ${JSON.stringify(rejected)}`);
  if (listeners) problems.push(`${listeners} listeners left behind`);
  results.add({
    row: 40,
    condition: `soak: ${SOAK_MS / 1000} s of random conditions`,
    client: 'chromium',
    expected: '0 lost, 0 duplicated, 0 reordered, nothing left behind',
    observed: `${transport}`,
    ms: null,
    bound: null,
    ok: problems.length === 0,
    whole: LONG,
    note: [
      `seed ${SEED + 1}, ${story.length} conditions, ${published + sent.sent} messages, longest gap ${Math.max(up.seen.longestGapMs, down.longestGapMs)} ms`,
      ...problems,
    ].join('; '),
  });
  assert.deepEqual({ problems, story: problems.length ? story : [] }, { problems: [], story: [] });
}

/** Counts in the page the listeners on window and document from here on. */
function countListeners() {
  /** @type {Array<{ type: string, listener: any }>} */
  const listeners = [];
  Reflect.set(window, 'listeners', listeners);
  for (const target of /** @type {any[]} */ ([window, document])) {
    const { addEventListener, removeEventListener } = target;
    const forget = (/** @type {string} */ type, /** @type {any} */ listener) => {
      const place = listeners.findIndex((entry) => entry.type === type && entry.listener === listener);
      if (place >= 0) listeners.splice(place, 1);
    };
    target.addEventListener = (
      /** @type {string} */ type,
      /** @type {any} */ listener,
      /** @type {any} */ how,
    ) => {
      listeners.push({ type, listener });
      how?.signal?.addEventListener('abort', () => forget(type, listener));
      addEventListener.call(target, type, listener, how);
    };
    target.removeEventListener = (
      /** @type {string} */ type,
      /** @type {any} */ listener,
      /** @type {any} */ how,
    ) => {
      forget(type, listener);
      removeEventListener.call(target, type, listener, how);
    };
  }
}
