// @ts-check
/** Many tabs of one browser over HTTP/1.1, without WebSocket. The browser opens only six connections to a host. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createCounter } from '../counting.js';
import { connectTo, startLab } from '../node/lab.js';
import { steady } from '../steady.js';
import { createClients, inPage } from './clients.js';
import { createResults } from './results.js';
import { createRandom } from './soak.js';
import { p95 } from './stage.js';
import { createSender } from './subject.js';

const TABS = 8;
/** The bound after the last tab has opened. */
const SUBSCRIBED_WITHIN_MS = 3_000;
const PUBLICATIONS = 20;
/** The bound for 95 in 100 publications. */
const FULFILLED_WITHIN_MS = 1_000;
const SEED = 47;
/** The time beyond its bound for which the test waits for a late message, to report how late it is. */
const PATIENCE_MS = 15_000;

/** @typedef {import('./subject.js').Report} Report */
/** @typedef {Awaited<ReturnType<typeof startLab>>} Lab */
/** @typedef {Awaited<ReturnType<typeof openTab>>} Tab */

const results = createResults(import.meta.url);
const clients = createClients();
/** @type {Lab} */
let lab;
before(async () => {
  lab = await startLab();
  await clients.warm(['chromium']);
});
after(async () => {
  await clients.close();
  await lab?.gateway.stop();
});

/**
 * Opens a session in an existing page, and counts its messages at the witness.
 * @param {import('./clients.js').Client} client
 * @param {string} base
 * @param {ReturnType<typeof connectTo>} witness
 * @param {string} channel
 */
async function openTab(client, base, witness, channel) {
  const up = createCounter();
  witness.channel(`${channel}/up`).on('message', ({ data }) => up.take(data.number));
  await witness.channel(`${channel}/up`).subscribed;
  const down = createSender((number) => witness.channel(`${channel}/down`).publish({ number }));
  const begun = performance.now();
  await client.begin({ url: `${base}/rt`, channel, options: {} });
  return { client, begun, up, down };
}

/**
 * Opens tabs of one window and one origin, each with its own session. All pages exist before the first
 * session.
 * @param {string} base
 * @param {ReturnType<typeof connectTo>} witness
 */
async function openTabs(base, witness) {
  const first = await clients.open('chromium', base);
  const pages = [first];
  const context = /** @type {import('puppeteer-core').Page} */ (first.page).browserContext();
  while (pages.length < TABS) {
    const page = await context.newPage();
    await page.goto(`${base}/healthz`);
    pages.push(await inPage('chromium', page, () => page.close()));
  }
  const name = `tabs/${Math.random().toString(36).slice(2)}`;
  const tabs = [];
  for (const [at, page] of pages.entries()) tabs.push(await openTab(page, base, witness, `${name}/${at}`));
  return { tabs, close: () => first.close() };
}

/**
 * Resolves with the time at which the last tab was subscribed.
 * @param {Tab[]} tabs
 */
async function subscribed(tabs) {
  const begun = Math.max(...tabs.map((tab) => tab.begun));
  const all = Promise.all(tabs.map(({ client }) => client.call('subscribed')));
  const waited = pause(SUBSCRIBED_WITHIN_MS + PATIENCE_MS, 'late', { ref: false });
  const isLate = (await Promise.race([all, waited])) === 'late';
  return { ms: Math.round(performance.now() - begun), problems: isLate ? ['not all are subscribed'] : [] };
}

/** Publishes now and then from a tab that the seed chooses, even if the previous publication is open. @param {Tab[]} tabs */
async function publish(tabs) {
  const EVERY_MS = 300;
  const random = createRandom(SEED);
  for (let count = 0; count < PUBLICATIONS; count += 1) {
    await tabs[Math.floor(random() * tabs.length)].client.call('burst', 1);
    await pause(EVERY_MS);
  }
}

/** Waits for the last messages between a tab and its witness, and reports the counts. @param {Tab} tab @param {number} at */
async function settle({ client, up, down }, at) {
  down.burst(1);
  const sent = await client.call('stop');
  await Promise.race([up.reached(sent), pause(PATIENCE_MS, undefined, { ref: false })]);
  await Promise.all([client.call('received', down.sent, PATIENCE_MS), client.call('settled', PATIENCE_MS)]);
  /** @type {Report} */
  const report = await client.call('report', down.sent);
  const { resets, errors, rejected, fulfilledMs } = report;
  const problems = [];
  for (const [direction, count] of Object.entries({ up: up.report(sent), down: report.down })) {
    const { lost, duplicated, reordered } = count;
    if (lost || duplicated || reordered)
      problems.push(
        `${direction} of ${count.sent}: ${lost} lost, ${duplicated} duplicated, ${reordered} reordered`,
      );
  }
  // This code only means that 5 s have passed, and the bound is shorter.
  const faults = errors.filter((code) => code !== 'unreachable');
  const told = { resets, errors: faults, rejected: Object.keys(rejected) };
  for (const [what, those] of Object.entries(told))
    if (those.length) problems.push(`${what} ${JSON.stringify(those)}`);
  if (report.transport === null) problems.push('it ended on nothing');
  if (fulfilledMs.length < sent) problems.push(`${fulfilledMs.length} of ${sent} fulfilled`);
  return { report, problems: problems.map((problem) => `tab ${at + 1}: ${problem}`) };
}

/** Runs once, from the first tab to the last publication. */
async function perform() {
  const front = await lab.front();
  await front.set({ rules: [{ route: 'websocket', request: { answer: { status: 403 } } }] });
  const witness = connectTo(lab.gateway.url);
  /** @type {Awaited<ReturnType<typeof openTabs>> | undefined} */
  let opened;
  try {
    opened = await openTabs(front.url, witness);
    const { tabs } = opened;
    const { ms, problems } = await subscribed(tabs);
    await publish(tabs);
    const ends = await Promise.all(tabs.map(settle));
    const fulfilledMs = p95(ends.flatMap(({ report }) => report.fulfilledMs));
    const late = [];
    if (ms > SUBSCRIBED_WITHIN_MS) late.push(`${ms} ms is above ${SUBSCRIBED_WITHIN_MS}`);
    if (fulfilledMs === null || fulfilledMs > FULFILLED_WITHIN_MS)
      late.push(`fulfilled after ${fulfilledMs} ms, which is above ${FULFILLED_WITHIN_MS}`);
    return {
      ms,
      fulfilledMs,
      transports: ends.map(({ report }) => report.transport),
      problems: [...problems, ...ends.flatMap((end) => end.problems)],
      late,
    };
  } finally {
    await opened?.close();
    witness.close();
  }
}

test('row 47: each of eight quiet tabs of one browser subscribes soon, and publishes', async () => {
  const [{ ms, fulfilledMs, transports, problems, late }, times] = await steady(
    'row 47',
    perform,
    (outcome) => !outcome.problems[0] && outcome.late.join('; '),
  );
  const amiss = [...problems, ...late];
  results.add({
    row: 47,
    condition: `${TABS} quiet tabs of one browser, HTTP/1.1, WebSocket refused`,
    client: `chromium × ${TABS}`,
    expected: 'sse or poll',
    observed: [...new Set(transports)].join(' and '),
    ms,
    bound: SUBSCRIBED_WITHIN_MS,
    ok: amiss.length === 0,
    note: [
      `95 in 100 publications fulfilled after ${fulfilledMs} ms`,
      times > 1 ? `measured ${times} times` : '',
      ...amiss,
    ]
      .filter(Boolean)
      .join('; '),
  });
  assert.deepEqual(amiss, []);
});
