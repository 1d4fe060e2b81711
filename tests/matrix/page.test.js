// @ts-check
/** A page's life, driven from outside: offline by the browser's switch, hidden, frozen, in the back/forward cache, asleep, left. */
import { setTimeout as pause } from 'node:timers/promises';
import { blamedForLong } from './portal.js';
import { WHOLE } from './results.js';
import { matrix, RATE } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */

const CHROMIUM = /** @type {import('./stage.js').ClientName[]} */ (['chromium']);

/**
 * Browser features that automation switches off and these tests need: the back/forward cache, and early
 * throttling of hidden pages.
 */
const LIKE_A_USERS = {
  without: [
    '--disable-back-forward-cache',
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
  ],
  args: WHOLE ? [] : ['--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/10'],
};

const NO_WEBSOCKET = { rules: [{ route: 'websocket', request: { answer: { status: 403 } } }] };

/** @param {Stage} stage */
const pageOf = ({ client }) => /** @type {import('puppeteer-core').Page} */ (client.page);

/** Brings the session online with traffic, as every row here begins. @param {Stage} stage */
async function running(stage) {
  await stage.until({ state: 'online', transport: stage.expected }, 10_000);
  await stage.traffic();
  await stage.arrived(RATE);
}

/** Measures the time from the mark until both sides hear each other again. @param {Stage} stage */
async function resumed(stage) {
  await stage.until({ state: 'online' });
  await stage.heard(1);
  return stage.elapsed();
}

/** @param {Stage} stage */
async function offline(stage) {
  const TOLD_WITHIN_MS = 10_000;
  const page = pageOf(stage);
  await running(stage);
  await page.setOfflineMode(true);
  stage.mark();
  const told = await stage.until({ state: 'offline' }, TOLD_WITHIN_MS);
  await pause(3_000);
  const problems = await blamedForLong(stage);
  const late = told > TOLD_WITHIN_MS ? [`offline only after ${told} ms`] : [];
  await page.setOfflineMode(false);
  stage.mark();
  const ms = await resumed(stage);
  // A race that begins while the network heals may end with another transport first.
  await stage.until({ state: 'online', transport: stage.expected }, 20_000);
  return { ms, note: `offline after ${told} ms`, problems, late };
}

/** Hides the page behind another tab. A visible page would probe better transports. @param {Stage} stage */
async function hidden(stage) {
  // A client timer that the browser throttles after 10 s would show 16.5 s later. The second heartbeat comes
  // after 30 s.
  const HIDDEN_MS = WHOLE ? 600_000 : 32_000;
  const page = pageOf(stage);
  await stage.until({ state: 'online', transport: 'sse' }, 10_000);
  await stage.subscribed();
  const cover = await page.browserContext().newPage();
  await cover.bringToFront();
  await page.waitForFunction(() => document.visibilityState === 'hidden', { polling: 100 });
  await stage.front.set({});
  const before = (await stage.front.show()).begun;
  await pause(HIDDEN_MS);
  const after = (await stage.front.show()).begun;
  const { changes } = await stage.client.call('report', 0);
  await cover.close();
  await page.bringToFront();
  const problems = [];
  if (changes.length > 1) problems.push(`changes ${JSON.stringify(changes)}`);
  if (after.websocket > before.websocket) problems.push(`${after.websocket - before.websocket} probes`);
  return { ms: null, note: `hidden for ${HIDDEN_MS / 1000} s`, problems };
}

/** @param {Stage} stage */
async function frozen(stage) {
  const FROZEN_MS = WHOLE ? 60_000 : 5_000;
  const page = pageOf(stage);
  const session = await page.createCDPSession();
  await running(stage);
  const cover = await page.browserContext().newPage();
  // The browser freezes only a hidden page.
  await cover.bringToFront();
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  await pause(FROZEN_MS);
  await session.send('Page.setWebLifecycleState', { state: 'active' });
  stage.mark();
  await page.bringToFront();
  const ms = await resumed(stage);
  await session.detach();
  await cover.close();
  return { ms, note: `frozen for ${FROZEN_MS / 1000} s` };
}

/** Leaves the page and returns: it comes out of the cache unchanged. @param {Stage} stage */
async function backAndForth(stage) {
  const page = pageOf(stage);
  await running(stage);
  await page.goto(`${stage.base}/healthz?away`);
  await pause(2_000);
  stage.mark();
  await page.goBack();
  const kept = await page.evaluate(() => Reflect.has(window, 'subject'));
  if (!kept) throw new Error('the browser did not keep the page in its back/forward cache');
  return { ms: await resumed(stage) };
}

/** Stops the whole browser, as a closing lid does. @param {Stage} stage */
async function asleep(stage) {
  const ASLEEP_MS = WHOLE ? 90_000 : 10_000;
  const pid = pageOf(stage).browser().process()?.pid;
  if (!pid) throw new Error('the browser has no process');
  await running(stage);
  // The browser has its own process group.
  process.kill(-pid, 'SIGSTOP');
  try {
    await pause(ASLEEP_MS);
  } finally {
    process.kill(-pid, 'SIGCONT');
  }
  stage.mark();
  return { ms: await resumed(stage), note: `asleep for ${ASLEEP_MS / 1000} s` };
}

/** Leaves the page in the very turn in which it publishes. @param {Stage} stage */
async function left(stage) {
  const UNSENT = 20;
  const page = pageOf(stage);
  await stage.until({ state: 'online', transport: stage.expected }, 10_000);
  await stage.subscribed();
  // The messages behind this request wait while it is in flight.
  await stage.front.set({
    rules: [
      { route: 'websocket', request: 'pass' },
      { route: 'send', delay_ms: 300 },
    ],
  });
  await stage.client.call('burst', 1);
  await stage.leave(UNSENT + 1);
  stage.mark();
  const away = page.waitForNavigation();
  await page.evaluate(
    (count, url) => {
      Reflect.get(window, 'subject').burst(count);
      location.href = url;
    },
    UNSENT,
    `${stage.base}/healthz?left`,
  );
  await away;
  return { ms: await stage.arrived(UNSENT + 1) };
}

/** @type {Row[]} */
const ROWS = [
  {
    row: 31,
    condition: "offline by the browser's own switch, then online",
    clients: CHROMIUM,
    expect: 'websocket',
    bound: 10_000,
    run: offline,
  },
  {
    row: 32,
    condition: 'hidden, timers throttled: no disconnect, no probe',
    clients: CHROMIUM,
    expect: 'sse',
    scaled: true,
    network: NO_WEBSOCKET,
    run: hidden,
  },
  ...['websocket', 'sse'].flatMap((transport) => {
    const options = { transports: [transport] };
    const expect = /** @type {'websocket' | 'sse'} */ (transport);
    return /** @type {Row[]} */ ([
      {
        row: 33,
        condition: `${transport}: frozen and resumed`,
        clients: CHROMIUM,
        expect,
        options,
        bound: 2_000,
        scaled: true,
        run: frozen,
      },
      {
        row: 33,
        condition: `${transport}: into the back/forward cache and out`,
        clients: CHROMIUM,
        expect,
        options,
        bound: 2_000,
        run: backAndForth,
      },
    ]);
  }),
  {
    row: 34,
    condition: 'the browser stopped, then continued',
    clients: CHROMIUM,
    expect: 'websocket',
    bound: 3_000,
    scaled: true,
    ownBrowser: true,
    run: asleep,
  },
  ...['websocket', 'sse', 'poll'].map(
    (transport) =>
      /** @type {Row} */ ({
        row: 37,
        condition: `${transport}: the page is left with 20 messages unsent`,
        clients: CHROMIUM,
        expect: transport,
        options: { transports: [transport] },
        run: left,
      }),
  ),
];

matrix(import.meta.url, "a page's life", ROWS, { concurrency: 4, browser: LIKE_A_USERS });
